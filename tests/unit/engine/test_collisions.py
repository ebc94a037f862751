"""A failure that only ran into a longer backup of the same item is no failure of its own."""

from datetime import timedelta

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.jobs import JobStatus
from tests.builders import ITEM_IS_BUSY, STARTED, job
from tests.world import World

EARLIER = STARTED - timedelta(hours=6)


async def test_a_backup_that_began_hours_before_the_failure_and_still_runs_is_waited_for(
    world: World,
) -> None:
    """A second one would only fail again."""
    world.vaults.shown_jobs.append(job("long", status=JobStatus.IN_PROGRESS, started_at=EARLIER))
    report = await world.handle(world.fails(error=ITEM_IS_BUSY, ended_at=STARTED))
    assert (report.decision, report.reason) == ("waiting", Reason.IN_PROGRESS)
    assert world.attempts == []


async def test_a_backup_that_began_hours_before_the_failure_and_completed_after_it_mends_it(
    world: World,
) -> None:
    """What counts is which of them ended last."""
    long = job(
        "long", status=JobStatus.COMPLETED, started_at=EARLIER, ended_at=STARTED + timedelta(minutes=1)
    )
    world.vaults.shown_jobs.append(long)
    await world.handle(world.fails(error=ITEM_IS_BUSY, ended_at=STARTED))
    assert (await world.incident()).outcome is Outcome.RECOVERED_ELSEWHERE
    assert world.attempts == []


async def test_a_backup_that_completed_before_the_failure_mends_nothing(world: World) -> None:
    """Yesterday's success is no recovery."""
    world.vaults.shown_jobs.append(job("yesterday", status=JobStatus.COMPLETED, started_at=EARLIER))
    await world.handle(world.fails())
    assert len(world.attempts) == 1
