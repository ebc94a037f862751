"""An acknowledged item: nobody is told again, until it fails otherwise, recovers, or the time is over."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.notices import NoticeKind
from tests.builders import NEEDS_PERSON, NOW, PASSES, item
from tests.world import World

ANOTHER = "UserErrorKeyVaultPermissionsNotConfigured"
CALLS = {NoticeKind.NEEDS_PERSON, NoticeKind.EXHAUSTED}


async def acknowledge(world: World, of: ProtectedItem | None = None, until: datetime | None = None) -> None:
    """A person says that it can wait."""
    incident = await world.incident(of)
    known = Acknowledgement(by="eve", note="Monday", error=incident.failure.error.label, until=until)
    assert await world.ledger.save(replace(incident, acknowledged=known)) is not None


async def fails_again(world: World, error: str = NEEDS_PERSON) -> None:
    """The next night's backup of the item fails."""
    world.clock.move(days=1)
    now = world.clock()
    await world.handle(world.fails(f"job-{now:%d}", error=error, started_at=now, ended_at=now))


def calls(world: World) -> int:
    """How many messages have called a person."""
    return sum(each.kind in CALLS for each in world.publisher.sent)


@pytest.mark.parametrize(
    ("until", "error", "messages"),
    [
        (None, NEEDS_PERSON, 1),
        (NOW + timedelta(days=3), NEEDS_PERSON, 1),
        (NOW + timedelta(hours=5), NEEDS_PERSON, 2),
        (None, ANOTHER, 2),
    ],
    ids=["for good", "until later", "until this morning", "another error"],
)
async def test_its_next_failure_is_told_only_where_it_is_news(
    world: World, until: datetime | None, error: str, messages: int
) -> None:
    """The same error before the time is over is none."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    await acknowledge(world, until=until)
    await fails_again(world, error)
    assert (await world.incident()).outcome is Outcome.NEEDS_ACTION
    assert calls(world) == messages


async def test_a_recovery_ends_it(world: World) -> None:
    """It is told, and the next failure is news."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    await acknowledge(world)
    await fails_again(world, PASSES)
    running = world.runs(world.attempts[0])
    world.clock.move(minutes=30)
    world.ends(running, JobStatus.COMPLETED)
    await world.follow_up(minutes=5)
    assert world.publisher.sent[-1].kind is NoticeKind.RECOVERED
    await fails_again(world)
    assert calls(world) == 2


async def test_a_notice_that_waits_is_not_told_after_it(world: World) -> None:
    """It was held for the digest of its cause."""
    for number in (1, 2, 3):
        await world.handle(world.fails(f"job-{number}", of=item(number), error=NEEDS_PERSON))
    await acknowledge(world, item(2))
    await world.follow_up(hours=4)
    await world.engine.teller.send_digests()
    told = [each.data["itemId"] for each in world.publisher.sent if each.kind in CALLS]
    assert told == [item(1).id, item(3).id]
