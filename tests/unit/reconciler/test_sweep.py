"""The sweep: Resource Graph names, the vaults confirm, the engine handles; a complete one moves the horizon."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.policy.scope import Scope
from backup_retry.ports.ledger import Beat
from backup_retry.settings.sweep_profile import daily
from reconciler.sweep import Sweep
from tests.builders import NOW, STARTED, item, job, vault
from tests.sweep_world import DAY, HOUR, Graph, row, sweep
from tests.world import Crash, World

# ---- sweeping ---------------------------------------------------------------------------------------------------


async def test_what_the_events_missed_is_handled(world: World) -> None:
    """Found by the sweep, confirmed by the vault, retried by the engine."""
    world.fails("job-1", of=item(1))

    report = await sweep(world, Graph(row(1))).run()

    assert (report.found, report.problems, report.complete) == (1, [], True)
    assert [each.decision for each in report.handled] == ["triggered"]
    assert (await world.incident(item(1))).found_by == Source.SWEEP


async def test_what_the_events_did_not_miss_is_left_alone(world: World) -> None:
    """Known failures are the normal case."""
    await world.handle(world.fails("job-1", of=item(1)))

    report = await sweep(world, Graph(row(1))).run()

    assert [each.decision for each in report.handled] == ["already_handled"]
    assert len(world.attempts) == 1


async def test_the_vault_is_believed_before_the_graph(world: World) -> None:
    """Resource Graph lags: the job has not failed, says the vault, so nothing happens."""
    world.fails("job-1", of=item(1), status=JobStatus.COMPLETED)

    report = await sweep(world, Graph(row(1))).run()

    assert (report.handled, report.complete) == ([], True)
    assert world.attempts == []


async def test_a_job_that_the_list_does_not_show_is_read_alone(world: World) -> None:
    """The list is by start time, and clocks differ."""
    shown = job("job-1", of=item(1), started_at=STARTED - HOUR)
    world.vaults.protect(item(1))
    world.vaults.shown_jobs.append(shown)

    report = await sweep(world, Graph(row(1, started_at=STARTED))).run()

    assert [each.job_id for each in report.handled] == ["job-1"]


async def test_ids_compare_without_case(world: World) -> None:
    """Resource Graph writes them in lower case."""
    world.fails("JOB-1", of=item(1))

    report = await sweep(world, Graph(row(1))).run()

    assert [each.job_id for each in report.handled] == ["JOB-1"]


async def test_a_vault_is_listed_from_its_oldest_failure_on(world: World) -> None:
    """One list confirms all of its jobs, and reaches as far back as the engine then looks, so that it serves both."""
    world.fails("job-1", of=item(1), started_at=STARTED - HOUR)
    world.fails("job-2", of=item(2), started_at=STARTED)

    await sweep(world, Graph(row(2), row(1, started_at=STARTED - HOUR))).run()

    oldest = STARTED - HOUR + timedelta(microseconds=123456)
    assert world.vaults.listed[0] == (vault(), oldest - world.engine.looks_back)
    assert min(since for _, since in world.vaults.listed[1:]) >= oldest - world.engine.looks_back
    assert max(world.vaults.freshness) <= NOW


async def test_nothing_found_asks_no_vault(world: World) -> None:
    """The usual morning: one query, one beat."""
    graph = Graph()

    report = await sweep(world, graph).run()

    assert (report.found, report.complete) == (0, True)
    assert len(graph.queries) == 1
    assert world.vaults.listed == []
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW


async def test_a_sweep_that_was_missed_is_caught_up(world: World) -> None:
    """The last complete one was three days ago: the query begins there, with an hour of overlap."""
    await world.ledger.beat(Beat.SWEEP, NOW - 3 * DAY)
    graph = Graph()

    report = await sweep(world, graph).run()

    assert report.since == NOW - 3 * DAY - HOUR
    assert "datetime(2026-11-19T13:00:00Z)" in graph.queries[0]


async def test_until_one_was_complete_no_sweep_looks_less_far_than_the_first(world: World) -> None:
    """Four days of incomplete sweeps: the failures of the first night are still looked for; then it is over."""
    horizons = []
    for _ in range(4):
        horizons.append((await sweep(world, Graph(error=AzureUnavailable("no answer"))).run()).since)
        world.clock.move(hours=24)
    horizons.append((await sweep(world, Graph()).run()).since)
    world.clock.move(hours=24)
    last = await sweep(world, Graph()).run()

    assert horizons == [NOW - DAY] * 5
    assert last.since == last.began - DAY - HOUR


async def test_a_first_sweep_that_dies_counts_as_incomplete(world: World) -> None:
    """Its process was ended: nothing is left of it but how far back it looked."""

    class Dies(Graph):
        async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
            async for each in super().rows(query):
                yield each
            raise Crash

    with pytest.raises(Crash):
        await sweep(world, Dies()).run()
    world.clock.move(hours=48)

    assert (await sweep(world, Graph()).run()).since == NOW - DAY


async def test_the_beat_is_the_time_at_which_the_sweep_began(world: World) -> None:
    """What failed while it ran belongs to the next one."""
    world.fails("job-1", of=item(1))

    async def an_hour_passes() -> None:
        world.clock.move(hours=1)

    world.vaults.on_list = an_hour_passes
    await sweep(world, Graph(row(1))).run()

    assert await world.ledger.last_beat(Beat.SWEEP) == NOW


@pytest.mark.parametrize("operation", ["Restore (Full)", "RestoreWithRehydrate", "CrossRegionRestore"])
async def test_a_failed_restore_calls_a_person(world: World, operation: str) -> None:
    """By whichever name the vault lists it."""
    world.vaults.shown_jobs = [job("job-1", operation=operation)]

    report = await sweep(world, Graph(row(1))).run()

    assert [(each.decision, each.reason) for each in report.handled] == [("closed", Reason.UNSUPPORTED)]


async def test_a_sweep_can_be_watched(world: World) -> None:
    """Each failed job that has been looked at moves it on, readable or not."""
    world.fails("job-1", of=item(1))
    seen: list[tuple[int, int]] = []
    watched = Sweep(
        graph=Graph(row(1), row(2)),
        vaults=world.vaults,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        profile=daily(),
        scope=Scope(),
        watch=lambda report: seen.append((report.seen, report.found)),
    )

    await watched.run()

    assert seen == [(1, 2), (2, 2)]
