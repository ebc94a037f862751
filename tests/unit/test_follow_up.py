"""The follow-up: what is due is moved on, vault by vault, and nothing holds up anything else."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import pytest

from backup_retry.change import Report
from backup_retry.errors import AzureUnavailable
from backup_retry.incident import Incident, State
from backup_retry.ledger import Beat
from backup_retry.model import ProtectedItem, Source
from reconciler.follow_up import FollowUp
from tests.builders import ENDED, NOW, STARTED, item, minutes, vault
from tests.world import World


def follow_up(world: World) -> FollowUp:
    """A follow-up on the world's ledger."""
    return FollowUp(ledger=world.ledger, engine=world.engine, controls=world.ledger, clock=world.clock)


async def noted(world: World, number: int, of: ProtectedItem, started_at: datetime = STARTED) -> None:
    """A failure that is stored and not yet acted on."""
    failed = world.fails(f"job-{number}", of=of, started_at=started_at)
    await world.engine.note(failed, Source.ALERT)


async def test_every_open_incident_that_is_due_is_moved_on(world: World) -> None:
    """Three of them, and the report counts them."""
    for number in range(3):
        await noted(world, number, item(number))

    report = await follow_up(world).run()

    assert (report.open, report.due, report.failed) == (3, 3, 0)
    assert [each.decision for each in report.moved] == ["triggered"] * 3


async def test_what_is_not_due_is_left_alone(world: World) -> None:
    """A second early is too early; on the second it is due."""
    world.clock.time = ENDED - minutes(1)
    await world.handle(world.fails())
    assert (await world.incident()).due == ENDED

    early = await follow_up(world).run()
    assert (early.open, early.due, early.moved, world.attempts) == (1, 0, [], [])

    world.clock.time = ENDED
    assert (await follow_up(world).run()).due == 1
    assert len(world.attempts) == 1


async def test_a_closed_incident_is_not_looked_at(world: World) -> None:
    """The cost grows with what is open."""
    await world.handle(world.fails(error="UserErrorVmProvisioningStateFailed"))
    world.vaults.listed.clear()

    report = await follow_up(world).run()

    assert (report.open, world.vaults.listed) == (0, [])


async def test_a_vaults_oldest_incident_is_looked_at_first_and_alone(world: World) -> None:
    """Its list reaches back far enough for all the others of the vault, which then share it."""
    for number, age in [(1, 0), (2, 90), (3, 30)]:
        await noted(world, number, item(number), STARTED - minutes(age))
    at_once: list[int] = []

    async def first_one_alone() -> None:
        at_once.append(len(world.attempts))

    world.vaults.on_list = first_one_alone
    await follow_up(world).run()

    oldest = STARTED - minutes(90)
    assert world.vaults.listed[0][1] < oldest
    assert world.vaults.triggered[0][0] == item(2).key
    assert at_once[1:] != []
    assert all(triggered >= 1 for triggered in at_once[1:])


async def test_lists_of_one_run_may_be_shared(world: World) -> None:
    """Every list has to be as fresh as the run, not fresher: one list per vault will do."""
    for number in range(1, 4):
        await noted(world, number, item(number))
    for number in range(4, 6):
        await noted(world, number, item(number, of=vault("vault-2")))

    await follow_up(world).run()

    assert set(world.vaults.freshness) == {NOW}
    assert {each.name for each, _ in world.vaults.listed} == {"vault-1", "vault-2"}


class Stubborn:
    """An engine that cannot move one item's incident."""

    def __init__(self, world: World, stuck: ProtectedItem) -> None:
        self._advance: Callable[..., Awaitable[Report]] = world.engine.advance
        self._stuck = stuck

    async def advance(self, incident: Incident, *, run_began: datetime | None = None) -> Report:
        """See Engine."""
        if incident.item == self._stuck:
            raise AzureUnavailable("the ledger does not answer")
        return await self._advance(incident, run_began=run_began)


@pytest.mark.parametrize("stuck", [1, 2, 3])
async def test_an_incident_that_cannot_be_moved_holds_up_no_other(world: World, stuck: int) -> None:
    """Not even when it is the oldest of its vault, which goes first."""
    for number in range(1, 4):
        await noted(world, number, item(number), STARTED + minutes(number))
    engine = Stubborn(world, item(stuck))
    run = FollowUp(
        ledger=world.ledger,
        engine=engine,  # type: ignore[arg-type]
        controls=world.ledger,
        clock=world.clock,
    )

    report = await run.run()

    assert (report.due, report.failed, len(report.moved)) == (3, 1, 2)
    assert len(world.attempts) == 2
    assert (await world.incident(item(stuck))).state == State.WAITING


async def test_a_completed_follow_up_leaves_its_beat(world: World) -> None:
    """The time at which it began: the health page shows it."""
    await follow_up(world).run()

    assert await world.ledger.last_beat(Beat.FOLLOW_UP) == NOW


async def test_a_ledger_that_does_not_answer_leaves_no_beat(world: World) -> None:
    """Nothing was followed up, and it must not look so."""

    async def no_answer() -> list[Incident]:
        raise AzureUnavailable("the ledger does not answer")

    world.ledger.open_incidents = no_answer  # type: ignore[method-assign]
    with pytest.raises(AzureUnavailable):
        await follow_up(world).run()

    assert await world.ledger.last_beat(Beat.FOLLOW_UP) is None


async def test_running_twice_changes_nothing_more(world: World) -> None:
    """An attempt that runs on is only looked at."""
    await noted(world, 1, item(1))
    await follow_up(world).run()
    world.runs(world.attempts[0], item(1))
    await follow_up(world).run()
    before = await world.incident(item(1))

    await follow_up(world).run()

    assert await world.incident(item(1)) == before
    assert len(world.attempts) == 1
