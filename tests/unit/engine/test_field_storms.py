"""What storms of the model's worlds have shown, step by step; each test names the seeds of the soak that showed it."""

from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureRefused
from backup_retry.domain.jobs import JobStatus
from backup_retry.policy.rules import Rules
from tests.builders import item, minutes
from tests.world import World

SIZE = 4
RULES = Rules(storm_size=SIZE, backoff=(timedelta(0), timedelta(minutes=15)))


@pytest.fixture
def world() -> World:
    """A world in which four items that fail alike are a storm."""
    return World(RULES)


async def fail(world: World, *numbers: int) -> None:
    """So many machines have just failed with the storm's code, and then the first alert comes."""
    now = world.clock()
    failures = [
        world.fails(
            f"job-{number}-at-{now:%H-%M}", of=item(number), started_at=now - minutes(1), ended_at=now
        )
        for number in numbers
    ]
    for failed in failures:
        await world.handle(failed)


def retried(world: World) -> list[int]:
    """The machines whose backup was triggered, in order."""
    numbers = {item(number).key: number for number in range(1, 10)}
    return [numbers[key] for key, _ in world.vaults.triggered]


async def test_an_item_whose_trigger_was_refused_stays_in_its_storm(world: World) -> None:
    """The retry met a lock and the job had the others' code: seeds 1067, 2257, 4442, 5920, 6563 and 8271."""
    world.vaults.trigger_errors = [AzureRefused("locked", code="BMSUserErrorObjectLocked", status=400)]
    await fail(world, 1)
    await fail(world, 2, 3, 4, 5)
    assert retried(world) == [1, 2]

    report = await world.advance(item(1), minutes=16)

    assert (report.decision, report.reason) == ("waiting", Reason.STORM)
    assert retried(world) == [1, 2]


@pytest.mark.parametrize("late", [1, 6])
async def test_a_failure_long_after_the_others_waits_for_the_storms_canary(world: World, late: int) -> None:
    """Alone in its half hour, the first canary's item or another one fails alike: seed 2435, first tries of 4442, 5920.

    A person cancelled the first canary's retry, and the second one's runs.
    """
    await fail(world, 1, 2, 3, 4, 5)
    retry = world.runs(world.attempts[0], item(1))
    world.clock.move(minutes=4)
    world.ends(retry, JobStatus.CANCELLED)
    assert (await world.advance(item(1), minutes=1)).reason is Reason.CANCELLED
    await world.advance(item(2))
    world.runs(world.attempts[1], item(2))
    assert retried(world) == [1, 2]

    world.clock.move(minutes=40)
    await fail(world, late)

    incident = await world.incident(item(late))
    assert (incident.reason, incident.outcome) == (Reason.STORM, None)
    assert retried(world) == [1, 2]
