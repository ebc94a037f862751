"""A sweep over many vaults: memory, vaults that hang, two at once, the time limit."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AnsweredInPart
from backup_retry.domain.jobs import JobList
from backup_retry.ports.ledger import Beat
from tests.builders import OTHER_SUBSCRIPTION, PASSES, SUBSCRIPTION, item, vault
from tests.sweep_world import Graph, row, sweep
from tests.world import World


async def test_a_vault_is_handled_while_more_is_still_being_read(world: World) -> None:
    """An estate of any size is never in memory as a whole."""
    first, second = vault("vault-a"), vault("vault-b")
    world.fails("job-1", of=item(1, of=first))
    world.fails("job-2", of=item(2, of=second))
    handled = asyncio.Event()
    world.ledger.after_save = lambda _: handled.set()

    class SlowGraph(Graph):
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            self.queries.append(query)
            yield row(1, of=first)
            yield row(2, of=second)
            async with asyncio.timeout(20):
                await handled.wait()

    report = await sweep(world, SlowGraph()).run()

    assert (report.seen, report.complete) == (2, True)


async def test_a_subscription_that_hangs_holds_up_no_other(world: World) -> None:
    """Ten of its vaults come first, and none of them answers before the other subscription's is done."""
    slow = [vault(f"vault-{number:02}") for number in range(10)]
    other = vault("vault-x", OTHER_SUBSCRIPTION)
    for number, each in enumerate([*slow, other]):
        world.fails(f"job-{number}", of=item(number, of=each))
    done = asyncio.Event()
    lists = world.vaults.jobs

    async def hanging(vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        if vault != other:
            async with asyncio.timeout(20):
                await done.wait()
        return await lists(vault, since, fresh_since=fresh_since)

    world.vaults.jobs = hanging  # type: ignore[method-assign]
    world.ledger.after_save = lambda incident: done.set() if incident.item.vault == other else None
    report = await sweep(world, Graph(*(row(n, of=each) for n, each in enumerate([*slow, other])))).run()

    assert (report.seen, report.complete) == (11, True)


async def test_what_azure_left_out_is_each_a_problem(world: World) -> None:
    """What did come is handled."""
    world.fails("job-1", of=item(1))
    error = AnsweredInPart(["Subscriptions not swept: A: 429", "Subscriptions not swept: B: 403"])

    report = await sweep(world, Graph(row(1), error=error)).run()

    assert report.problems == list(error.problems)
    assert len(world.attempts) == 1


async def test_reports_are_counted_and_kept_only_for_whoever_reads_them(world: World) -> None:
    """A hundred thousand of them would fill the memory."""
    world.fails("job-1", of=item(1))

    report = await sweep(world, Graph(row(1)), keep_reports=False).run()

    assert (report.decisions, report.handled) == ({"triggered": 1}, [])


async def test_two_sweeps_at_once_do_no_harm(world: World) -> None:
    """Each failure is retried once; the other sweep is told that it has been handled."""
    graph = Graph(*(row(number) for number in range(20)))
    for number in range(20):
        world.fails(f"job-{number}", of=item(number), error=f"{PASSES}{number}")

    one, other = await asyncio.gather(sweep(world, graph).run(), sweep(world, graph).run())

    assert len(world.attempts) == len({key for key, _ in world.vaults.triggered}) == 20
    assert one.decisions + other.decisions == {"triggered": 20, "already_handled": 20}
    assert one.complete
    assert other.complete


# ---- the time limit ---------------------------------------------------------------------------------------------


async def test_near_the_time_limit_a_sweep_stops_and_says_how_far_it_came(world: World) -> None:
    """Each vault's list takes so long that nothing of it can be begun."""
    vaults = [vault(f"vault-{number}", f"{SUBSCRIPTION[:-1]}{number}") for number in range(3)]
    for number, each in enumerate(vaults):
        world.fails(f"job-{number}", of=item(number, of=each))

    async def slow() -> None:
        world.clock.move(minutes=30)

    world.vaults.on_list = slow
    graph = Graph(*(row(number, of=each) for number, each in enumerate(vaults)))
    report = await sweep(world, graph, time_limit=timedelta(minutes=25)).run()

    assert (report.found, report.seen, report.vaults_left) == (3, 0, 3)
    assert report.problems == [
        "The time limit is reached: 0 of 3 failed jobs were processed, 3 vaults are left. The next sweep continues."
    ]
    assert await world.ledger.last_beat(Beat.SWEEP) is None


async def test_the_next_sweep_goes_on_where_the_time_limit_stopped_one(world: World) -> None:
    """What is handled already costs no second retry."""
    vaults = [vault("vault-1"), vault("vault-2", OTHER_SUBSCRIPTION)]
    for number, each in enumerate(vaults):
        world.fails(f"job-{number}", of=item(number, of=each))

    class SlowGraph(Graph):
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            self.queries.append(query)
            yield row(0, of=vaults[0])
            world.clock.move(minutes=26)
            yield row(1, of=vaults[1])

    first = await sweep(world, SlowGraph(), time_limit=timedelta(minutes=25)).run()
    assert (first.rows_left, first.complete) == (True, False)
    graph = Graph(*(row(number, of=each) for number, each in enumerate(vaults)))
    second = await sweep(world, graph, time_limit=timedelta(minutes=25)).run()

    assert second.complete
    assert {key for key, _ in world.vaults.triggered} == {
        item(n, of=each).key for n, each in enumerate(vaults)
    }
    assert len(world.attempts) == 2
