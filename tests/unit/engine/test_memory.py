"""The same failure again, after a person was told, is no news: it is retried, and the person is reminded once a day."""

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, JobStatus
from backup_retry.domain.workloads import Cap
from backup_retry.policy.rules import Rules
from tests.builders import NEEDS_PERSON, PASSES, item, job, minutes, protected
from tests.world import World

NIGHT = timedelta(days=1)
RULES = Rules(backoff=(timedelta(0),), daily_caps=dict.fromkeys(Cap, 99))


@pytest.fixture
def world() -> World:
    """A world in which retries follow each other at once."""
    return World(RULES)


def failure(world: World, error: str) -> FailedJob:
    """The schedule's backup has just failed."""
    now = world.clock()
    return world.fails(f"job-{now:%d-%H-%M}", error=error, started_at=now - minutes(1), ended_at=now)


async def night(world: World, error: str = PASSES, later: timedelta = NIGHT) -> Incident:
    """The schedule's backup fails so much later, and all its retries do."""
    world.clock.move(minutes=later / minutes(1))
    await world.handle(failure(world, error))
    tried = 0
    while (incident := await world.incident()).is_open:
        assert len(incident.attempts) == tried + 1
        tried += 1
        world.ends(world.runs(world.attempts[-1]), JobStatus.FAILED, error)
        await world.follow_up(minutes=5)
    return incident


def told(world: World) -> list[str]:
    """The notices that call a person."""
    return [kind for kind, _ in world.sent_notices if kind in {"NeedsPerson", "Exhausted"}]


async def test_after_three_exhausted_nights_there_is_one_retry_a_night(world: World) -> None:
    """3 + 3 + 3 + 1 + 1; incident, notice and log say so."""
    nights = [await night(world) for _ in range(5)]
    assert [len(each.attempts) for each in nights] == [3, 3, 3, 1, 1]
    assert [each.memory.is_chronic for each in nights] == [False, False, True, True, True]
    assert nights[4].detail.startswith(
        "Again, for the 5th time since Mon 23 Nov. Chronic: retries were exhausted 5 nights in a row"
    )
    last = world.publisher.sent[-1]
    assert (last.data["times"], last.data["chronic"]) == (5, True)


async def test_a_failed_night_of_another_kind_starts_from_the_beginning(world: World) -> None:
    """Three nights in a row, and then another error: it is news, and has all its retries."""
    for _ in range(3):
        await night(world)
    other = await night(world, "CloudTimeoutError")
    assert (len(other.attempts), other.memory.times, told(world)[-1]) == (3, 1, "Exhausted")


async def test_who_was_told_is_reminded_once_a_day_at_most(world: World) -> None:
    """A failure every two hours that needs a person: 25 in 48 hours are three messages, at 0, 24 and 48 h."""
    for _ in range(25):
        await world.handle(failure(world, NEEDS_PERSON))
        world.clock.move(minutes=120)
    assert told(world) == ["NeedsPerson"] * 3
    incident = await world.incident()
    assert (incident.outcome, incident.memory.times) == (Outcome.NEEDS_ACTION, 25)


@pytest.mark.parametrize("by_list", [True, False], ids=["a job", "a recovery point"])
async def test_a_success_forgets(world: World, by_list: bool) -> None:
    """Whichever way the vault tells it: the next failure is news, and counts as the first."""
    for _ in range(3):
        await night(world)
    good = world.clock() + timedelta(hours=1)
    if by_list:
        world.vaults.shown_jobs.append(job("good", status=JobStatus.COMPLETED, started_at=good))
    else:
        world.vaults.items[item().key] = replace(protected(), last_recovery_point=good)
    again = await night(world, later=timedelta(hours=5))
    assert (len(again.attempts), again.memory.times, again.memory.is_chronic) == (3, 1, False)
    assert len(told(world)) == 4


async def test_two_exhausted_incidents_of_one_night_count_once() -> None:
    """A share is backed up every few hours: six failures of a day and a half are three nights."""
    world = World(replace(RULES, max_attempts=1))
    nights = [await night(world, later=timedelta(hours=6)) for _ in range(6)]
    assert [each.memory.exhausted_nights for each in nights] == [1, 1, 2, 2, 3, 3]


async def test_what_is_not_told_is_not_logged_as_news(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The alert rules read the log: they skip lines that say quiet."""
    caplog.set_level(logging.INFO, logger="backup_retry")
    await world.handle(failure(world, NEEDS_PERSON))
    world.clock.move(minutes=60)
    await world.handle(failure(world, NEEDS_PERSON))
    closed = [each for each in caplog.records if '"incident_closed"' in each.getMessage()]
    assert [(each.levelname, '"quiet": true' in each.getMessage()) for each in closed] == [
        ("WARNING", False),
        ("INFO", True),
    ]
    assert (await world.incident()).reason is Reason.NEEDS_ACTION


async def test_what_nobody_was_told_of_is_not_remembered(world: World) -> None:
    """A failure that recovered, or was left alone, says nothing of the next one."""
    await world.handle(failure(world, PASSES))
    world.ends(world.runs(world.attempts[-1]), JobStatus.COMPLETED)
    await world.follow_up(minutes=5)
    again = await night(world)
    assert again.memory.times == 1
