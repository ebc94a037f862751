"""A list with a job that cannot be read: what it shows counts, and nothing is concluded from what it does not show."""

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus, UnreadJob
from tests.builders import ENDED, item, job, minutes
from tests.world import World

OF_ANOTHER = item(9)


def gap(whose: ProtectedItem | None = None) -> UnreadJob:
    """A job that cannot be read."""
    return UnreadJob(problem="job odd of vault vault-1 cannot be read", item=whose)


@pytest.mark.parametrize(("whose", "attempts"), [(None, 0), (item(), 0), (OF_ANOTHER, 1)])
async def test_it_may_be_a_backup_of_its_item_that_runs(
    world: World, whose: ProtectedItem | None, attempts: int
) -> None:
    """So nothing is started beside it, and it is named; another item's is no matter."""
    world.vaults.unread = [gap(whose)]

    report = await world.handle(world.fails())

    assert len(world.attempts) == attempts
    if not attempts:
        assert (report.reason, report.detail) == (Reason.AZURE_UNAVAILABLE, gap().problem)
        world.vaults.unread = []
        assert (await world.advance(hours=1)).decision == "triggered"


async def test_it_may_have_completed(world: World) -> None:
    """A failure that needs a person is told once the list shows that nothing has made up for it."""
    world.vaults.unread = [gap()]
    report = await world.handle(world.fails(error="UserErrorVmProvisioningStateFailed"))
    assert (report.decision, report.reason) == ("waiting", Reason.AZURE_UNAVAILABLE)

    world.vaults.unread = []
    assert (await world.advance(minutes=5)).decision == "closed"


async def test_it_may_be_the_retrys(world: World) -> None:
    """However long ago that was triggered: no second one goes out before every job can be read."""
    await world.unclear()
    world.vaults.unread = [gap()]
    for _ in range(3):
        await world.advance(hours=1)
    assert (len(world.attempts), (await world.incident()).state) == (1, State.UNKNOWN)

    world.vaults.unread = []
    await world.advance(hours=1)
    await world.advance(hours=2)
    assert len(world.attempts) == 2


async def test_a_backup_that_the_list_shows_counts(world: World) -> None:
    """Whatever else there is: the failure is made up for."""
    world.vaults.unread = [gap()]
    failed = world.fails()
    world.vaults.shown_jobs.append(job("good", status=JobStatus.COMPLETED, started_at=ENDED + minutes(1)))
    assert (await world.handle(failed)).reason is Reason.ALREADY_RECOVERED
