"""The engine in a storm: one canary, the others wait, and one person is told once."""

import asyncio
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import storm_key
from tests.builders import ITEM_IS_BUSY, PASSES, UNKNOWN_CODE, item, vault
from tests.world import World

SIZE = 5
RULES = Rules(storm_size=SIZE, backoff=(timedelta(0),))


@pytest.fixture
def world() -> World:
    """A world in which five items that fail alike are a storm."""
    return World(RULES)


async def storm(world: World, size: int = SIZE) -> list[Report]:
    """So many machines of the vault fail with one code, and every alert arrives at once."""
    failures = [world.fails(f"job-{number}", of=item(number)) for number in range(1, size + 1)]
    engines = [world.another_engine() for _ in failures]
    return list(
        await asyncio.gather(
            *(engine.handle(failed, Source.ALERT) for engine, failed in zip(engines, failures, strict=True))
        )
    )


async def follow_up(world: World, **later: float) -> None:
    world.clock.time += timedelta(**later)
    for incident in await world.ledger.open_incidents():
        await world.engine.advance(incident)


async def canary(world: World) -> Incident:
    (key, _), *_ = world.vaults.triggered
    return next(each for each in await world.ledger.open_incidents() if each.item.key == key)


def kinds(world: World) -> list[NoticeKind]:
    return [notice.kind for notice in world.publisher.sent]


async def test_of_many_that_fail_alike_one_is_retried() -> None:
    """Also when every alert is handled by a process of its own at the same moment."""
    world = World(RULES)
    reports = await storm(world, 12)
    assert sorted(report.decision for report in reports) == ["triggered"] + ["waiting"] * 11
    assert {report.reason for report in reports} == {Reason.RETRY, Reason.STORM}
    assert len(world.vaults.triggered) == 1
    assert kinds(world).count(NoticeKind.STORM_BEGAN) == 1


async def test_fewer_than_a_storm_are_all_retried(world: World) -> None:
    """Four of five are no storm."""
    await storm(world, SIZE - 1)
    assert len(world.vaults.triggered) == SIZE - 1


async def test_the_others_wait_while_the_canary_runs(world: World) -> None:
    """However often the follow-up looks."""
    await storm(world)
    world.runs(world.attempts[0], (await canary(world)).item)
    await follow_up(world, minutes=5)
    await follow_up(world, minutes=5)
    assert len(world.vaults.triggered) == 1


async def test_when_the_canary_has_recovered_the_others_go(world: World) -> None:
    """Spread over ten seconds (5 items, 2 s each), and the storm's end is told once."""
    await storm(world)
    lead = await canary(world)
    world.ends(world.runs(world.attempts[0], lead.item), JobStatus.COMPLETED)
    await follow_up(world, minutes=5)
    await follow_up(world, minutes=5)
    await follow_up(world, minutes=5)
    assert len(world.vaults.triggered) == SIZE
    assert len({key for key, _ in world.vaults.triggered}) == SIZE
    assert kinds(world).count(NoticeKind.STORM_ENDED) == 1
    assert NoticeKind.STORM_NEEDS_PERSON not in kinds(world)


async def test_when_the_canary_fails_the_others_wait_and_one_person_is_told_once(world: World) -> None:
    """Its second attempt is its own; nobody else starts anything."""
    await storm(world)
    lead = await canary(world)
    world.ends(world.runs(world.attempts[0], lead.item), JobStatus.FAILED, PASSES)
    for _ in range(3):
        await follow_up(world, minutes=5)
    assert {key for key, _ in world.vaults.triggered} == {lead.item.key}
    assert kinds(world).count(NoticeKind.STORM_NEEDS_PERSON) == 1


async def test_a_canary_keeps_its_last_attempt_for_itself(world: World) -> None:
    """Two of its three attempts failed for all of them: another machine becomes the canary, one at a time."""
    await storm(world)
    lead = await canary(world)
    for attempt in range(2):
        world.ends(world.runs(world.attempts[attempt], lead.item), JobStatus.FAILED, PASSES)
        await follow_up(world, minutes=5)
    await follow_up(world, minutes=5)
    assert ((await world.incident(lead.item)).reason, len(world.attempts)) == (Reason.STORM, 3)
    others = [key for key, _ in world.vaults.triggered if key != lead.item.key]
    assert len(set(others)) == 1


async def test_a_storm_of_another_code_is_another_storm(world: World) -> None:
    """Two outages at once have a canary each."""
    await storm(world)
    numbers = range(11, 11 + SIZE)
    others = [world.fails(f"job-{number}", of=item(number), error="CloudTimeoutError") for number in numbers]
    for failed in others:
        await world.handle(failed)
    assert len(world.vaults.triggered) == 2


async def test_items_that_a_backup_of_their_own_holds_are_no_storm(world: World) -> None:
    """Each waits for its own backup to end: a canary would say nothing of the others."""
    failures = [
        world.fails(f"job-{number}", of=item(number), error=ITEM_IS_BUSY) for number in range(1, SIZE + 1)
    ]

    reports = [await world.handle(failed) for failed in failures]

    assert [report.decision for report in reports] == ["triggered"] * SIZE
    assert NoticeKind.STORM_BEGAN not in kinds(world)


async def test_items_of_a_storm_that_cannot_be_read_wait(world: World) -> None:
    """Another version may be retrying one of them; a failure with another code is retried at once."""
    world.ledger.unreadable.add(storm_key(vault(), PASSES))

    reports = await storm(world)
    other = await world.handle(world.fails("job-9", of=item(9), error=UNKNOWN_CODE))

    assert {report.decision for report in reports} == {"waiting"}
    assert "cannot read" in reports[0].detail
    assert (other.decision, len(world.attempts)) == ("triggered", 1)
    world.ledger.unreadable.clear()
    await follow_up(world)
    assert len(world.attempts) == 2


async def test_the_others_wait_while_the_canary_cannot_be_read(world: World) -> None:
    """Its retry may be running."""
    await storm(world)
    world.ledger.unreadable.add((await canary(world)).item.key)
    await follow_up(world, minutes=30)
    assert len(world.attempts) == 1
