"""After a silence of the follow-up: what ended meanwhile is swept, once, and counts as no daily sweep."""

from datetime import datetime, timedelta
from functools import partial

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.ports.ledger import Beat, MemoryLedger
from backup_retry.settings.loading import load_settings
from backup_retry.settings.settings import Settings
from backup_retry.settings.sweep_profile import AFTER_SILENCE, SweepProfile
from reconciler.silence import sweep_after_silence
from tests.builders import NOW, item, minutes
from tests.sweep_world import DAY, HOUR, Graph, row, sweep
from tests.world import World


def settings(**values: str) -> Settings:
    """An app with a follow-up every five minutes."""
    return load_settings({"ledger_endpoint": "https://ledger.test", **values})


async def swept_since(
    ledger: MemoryLedger, now: datetime = NOW, found: Settings | None = None
) -> datetime | None:
    """From when on it swept; None where it did not."""
    swept: list[tuple[str, datetime]] = []

    async def look(profile: SweepProfile, since: datetime) -> None:
        swept.append((profile.name, since))

    await sweep_after_silence(ledger, found or settings(), now, look)
    assert [name for name, _ in swept] in ([], [AFTER_SILENCE])
    return swept[0][1] if swept else None


@pytest.mark.parametrize(
    ("silent_minutes", "since"),
    [
        (5, None),
        # Two turns are a slow one and one that came late.
        (10, None),
        # An hour is added: Resource Graph may lag behind.
        (16, NOW - minutes(76)),
        (70, NOW - minutes(130)),
        # What is older is the daily sweep's.
        (4 * 24 * 60, NOW - 3 * DAY),
    ],
)
async def test_after_more_than_two_turns_what_ended_meanwhile_is_swept(
    silent_minutes: int, since: datetime | None
) -> None:
    """From the last follow-up on, 72 hours at most."""
    ledger = MemoryLedger()
    await ledger.beat(Beat.FOLLOW_UP, NOW - minutes(silent_minutes))

    assert await swept_since(ledger) == since


@pytest.mark.parametrize(("seconds", "silent"), [(10, False), (119, False), (130, True)])
async def test_a_timer_of_seconds_that_is_a_moment_late_is_no_silence(seconds: int, silent: bool) -> None:
    """Nobody gives an alert up in less than two minutes."""
    ledger, every_second = MemoryLedger(), settings(follow_up_schedule="* * * * * *")
    await ledger.beat(Beat.FOLLOW_UP, NOW - timedelta(seconds=seconds))
    assert (await swept_since(ledger, found=every_second) is not None) is silent


async def test_the_first_one_ever_looks_as_far_back_as_a_first_sweep() -> None:
    """Whatever failed before the app was there is as well known as after the first daily sweep."""
    assert await swept_since(MemoryLedger(), found=settings(sweep_lookback="5d")) == NOW - 5 * DAY


async def test_a_schedule_of_the_night_is_not_silent_by_day() -> None:
    """Turns are counted, not hours: the newest before 14:00 is of 23:55."""
    ledger, night = MemoryLedger(), settings(follow_up_schedule="0 */5 20-23 * * *")
    await ledger.beat(Beat.FOLLOW_UP, NOW.replace(hour=23, minute=55) - DAY)

    assert await swept_since(ledger, found=night) is None


async def test_a_complete_one_is_not_repeated_while_the_follow_up_still_fails() -> None:
    """It has a heartbeat of its own; a silence that lasts is swept further from there."""
    ledger = MemoryLedger()
    await ledger.beat(Beat.FOLLOW_UP, NOW - 6 * HOUR)
    await ledger.beat(f"sweep-{AFTER_SILENCE}", NOW - minutes(5))

    assert await swept_since(ledger) is None
    assert await swept_since(ledger, NOW + minutes(60)) == NOW - minutes(65)


async def test_six_failures_of_the_hour_are_retried_and_it_counts_as_no_daily_sweep(world: World) -> None:
    """They take the same path as any others; its heartbeat says nothing of the daily sweep."""
    for number in range(6):
        world.fails(f"job-{number}", of=item(number))
    graph = Graph(*(row(number) for number in range(6)))
    await world.ledger.beat(Beat.FOLLOW_UP, world.clock() - HOUR)

    async def look(profile: SweepProfile, since: datetime) -> None:
        await sweep(world, graph, profile=profile, since=since).run()

    silence = partial(sweep_after_silence, world.ledger, settings(), world.clock(), look)
    await silence()
    await silence()

    assert (len(world.attempts), len(graph.queries)) == (6, 1)
    assert await world.ledger.last_beat(f"sweep-{AFTER_SILENCE}") == world.clock()
    assert await world.ledger.last_beat(Beat.SWEEP) is None


async def test_an_incomplete_one_leaves_no_heartbeat_of_a_complete_one(world: World) -> None:
    """The hourly look back makes up for it."""
    graph = Graph(error=AzureUnavailable("Resource Graph does not answer"))
    since = world.clock() - timedelta(hours=2)

    report = await sweep(
        world, graph, profile=SweepProfile.model_construct(name=AFTER_SILENCE), since=since
    ).run()

    assert (report.since, report.complete) == (since, False)
    assert await world.ledger.last_beat(f"incomplete-sweep-{AFTER_SILENCE}") == world.clock()
    assert await world.ledger.last_beat(f"sweep-{AFTER_SILENCE}") is None
