"""How the timers stand, by their heartbeats: late, incomplete, not yet, over, or well."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from backup_retry.ports.ledger import known
from backup_retry.settings.loading import load_settings
from backup_retry.settings.sweep_profile import SweepProfile
from backup_retry.settings.timer_status import Timer, TimerState, timer, timers
from tests.builders import NOW, minutes

DAY = timedelta(days=1)
WELL, LATE, INCOMPLETE = TimerState.WELL, TimerState.LATE, TimerState.INCOMPLETE
NOT_YET, OVER = TimerState.NOT_YET, TimerState.OVER


def ago(hours: float | None) -> datetime | None:
    """So many hours before now; None stays None."""
    return None if hours is None else NOW - timedelta(hours=hours)


@pytest.mark.parametrize(
    ("hours_ago", "late"),
    # It runs at 05:00, and now it is 14:00: nine hours ago was its turn.
    [(9, False), (8, False), (30, True), (None, True)],
)
def test_a_timer_is_late_when_it_missed_its_turn(hours_ago: float | None, late: bool) -> None:
    """By its own schedule."""
    found = timer("sweep", "0 0 5 * * *", NOW, last=ago(hours_ago))
    assert (found.late, found.state) == ((True, LATE) if late else (False, WELL))


@pytest.mark.parametrize(("passed", "late"), [(30, False), (40, False), (41, True)])
def test_a_sweep_that_may_still_run_is_not_late(passed: int, late: bool) -> None:
    """Its heartbeat comes at its end: 25 minutes at most, and 15 of grace."""
    turn = NOW - minutes(passed)
    schedule = f"0 {turn.minute} {turn.hour} * * *"
    assert timer("sweep", schedule, NOW, last=turn - DAY, takes=minutes(25)).late is late


@pytest.mark.parametrize(
    ("complete", "incomplete", "state", "shown", "late"),
    [
        (9, None, WELL, None, False),
        (9, 33, WELL, None, False),
        (9, 1, INCOMPLETE, 1, False),
        # It ran at its turn; there has been no complete run since yesterday's.
        (33, 9, INCOMPLETE, 9, True),
        (None, 9, INCOMPLETE, 9, True),
        # Nothing at all ran at the newest turn.
        (57, 33, LATE, 33, True),
    ],
)
def test_a_sweep_stays_incomplete_until_a_complete_one(
    complete: float | None, incomplete: float | None, state: TimerState, shown: float | None, late: bool
) -> None:
    """And one that runs, but is not complete, is not said not to run."""
    found = timer("sweep", "0 0 5 * * *", NOW, last=ago(complete), incomplete=ago(incomplete))
    assert (found.state, found.incomplete, found.late) == (state, ago(shown), late)


@pytest.mark.parametrize(
    ("starts", "expires", "last", "state"),
    [
        (NOW + DAY, None, None, NOT_YET),
        # Begun at 12:00, its first turn is tomorrow at 05:00.
        (NOW - minutes(120), None, None, NOT_YET),
        # It has been put off after it had run.
        (NOW + DAY, None, NOW - DAY, NOT_YET),
        (NOW - DAY, None, None, LATE),
        (NOW - 3 * DAY, None, NOW - 2 * DAY, LATE),
        (NOW - DAY, NOW + DAY, NOW - minutes(540), WELL),
        # Run by hand before its first turn.
        (NOW - minutes(120), None, NOW - minutes(60), WELL),
        (None, NOW, NOW - 9 * DAY, OVER),
        (None, NOW, None, OVER),
    ],
)
def test_outside_its_season_a_profile_is_not_late(
    starts: datetime | None, expires: datetime | None, last: datetime | None, state: TimerState
) -> None:
    """Before its first turn it is not yet, after its end it is over."""
    profile = SweepProfile(name="a", schedule="0 0 5 * * *", starts=starts, expires=expires)
    found = timer("sweep a", profile.schedule, NOW, last=last, profile=profile)
    assert (found.state, found.late) == (state, state is LATE)


def test_what_is_over_needs_nobody_and_still_says_that_it_was_incomplete() -> None:
    """Nobody can mend it, and it must not look complete."""
    profile = SweepProfile(name="a", schedule="0 0 5 * * *", expires=NOW)
    found = timer("sweep a", profile.schedule, NOW, last=ago(33), incomplete=ago(9), profile=profile)
    assert (found.state, found.incomplete, found.needs_a_person) == (OVER, ago(9), False)


@pytest.mark.parametrize("schedule", ["0 0 5 30 2 *", "0 0 5 31 4 1"])
def test_a_schedule_that_never_comes_is_never_late(schedule: str) -> None:
    """A way to switch a timer off."""
    assert timer("sweep", schedule, NOW, last=None).state is WELL


def test_day_of_month_and_day_of_week_both_have_to_match() -> None:
    """As Azure Functions reads NCRONTAB, and unlike cron: Sunday, November the first, was the last such day."""
    first = datetime.fromisoformat("2026-11-01T05:00:00Z")
    assert timer("sweep", "0 0 5 1 * 0", NOW, last=first).state is WELL


def standing(beats: Mapping[str, datetime]) -> list[Timer]:
    """The timers of an app with two profiles."""
    profiles: list[dict[str, Any]] = [
        {"name": "hourly", "schedule": "0 0 * * * *"},
        {"name": "weekly", "schedule": "0 0 3 * * 0"},
    ]
    found = load_settings({"ledger_endpoint": "https://ledger.test", "sweep_profiles": json.dumps(profiles)})
    return list(timers(found, beats, NOW))


@pytest.mark.parametrize(
    ("known_at", "state"),
    [(NOW - minutes(120), WELL), (NOW - DAY, LATE), (None, LATE)],
)
def test_a_new_timer_has_missed_no_turn(known_at: datetime | None, state: TimerState) -> None:
    """A first deployment is not late before its first turn; one whose timer has never fired since is."""
    beats = {known("sweep"): known_at} if known_at else {}
    [daily, *_] = standing(beats)
    assert (daily.state, daily.late) == (state, state is LATE)


def test_every_timer_is_told_by_its_own_heartbeats() -> None:
    """The daily sweep, the follow-up, then the profiles in their order."""
    beats = {
        "sweep": NOW - minutes(540),
        "follow_up": NOW,
        "sweep-weekly": NOW - 14 * DAY,
        "sweep-hourly": NOW - minutes(60),
        "incomplete-sweep-hourly": NOW,
        "sweep-gone": NOW,
    }
    found = [(each.label, each.function, each.state) for each in standing(beats)]
    assert found == [
        ("sweep", "sweep", WELL),
        ("follow-up", "follow_up", WELL),
        ("sweep look_back", "sweep_look_back", LATE),
        ("sweep hourly", "sweep_hourly", INCOMPLETE),
        ("sweep weekly", "sweep_weekly", LATE),
    ]


def test_what_is_wrong_is_said_with_its_remedy() -> None:
    """And nothing is said where nothing is wrong."""
    beats = {"sweep": NOW - minutes(540), "follow_up": NOW, "incomplete-sweep-hourly": NOW}
    well, _, _, incomplete, late = standing(beats)
    assert (well.sentence, well.remedy) == ("", "")
    assert incomplete.sentence == "The last sweep hourly did not complete."
    assert "sweep_incomplete" in incomplete.remedy
    assert late.sentence == "The sweep weekly is overdue."
    assert "the function `sweep_weekly`" in late.remedy


@pytest.mark.parametrize(
    ("died", "complete", "state"),
    [(1, 30, TimerState.DIED), (1, None, TimerState.DIED), (10, 9, WELL), (10, 8, WELL)],
)
def test_a_sweep_that_died_each_time_is_told_until_one_runs(
    died: float, complete: float | None, state: TimerState
) -> None:
    """Under a name of its own, with where to look; what has begun after it is over."""
    settings = load_settings({"ledger_endpoint": "https://ledger.test"})
    beats = {"gave-up-sweep": NOW - timedelta(hours=died)}
    beats |= {"sweep": NOW - timedelta(hours=complete)} if complete else {}

    daily = timers(settings, beats, NOW)[0]

    assert daily.state is state
    assert daily.needs_a_person is (state is TimerState.DIED)
    assert ("memory" in daily.remedy) is (state is TimerState.DIED)


@pytest.mark.parametrize(
    ("beats", "left_open"),
    [
        ({}, False),
        ({"sweep-after_silence": 1}, False),
        ({"incomplete-sweep-after_silence": 2}, True),
        ({"incomplete-sweep-after_silence": 2, "sweep-look_back": 3}, True),
        # Whichever sweep completes afterwards has reached back far enough.
        ({"incomplete-sweep-after_silence": 2, "sweep-look_back": 1}, False),
        ({"incomplete-sweep-after_silence": 2, "sweep": 1}, False),
    ],
)
def test_the_sweep_after_a_silence_is_told_of_while_something_is_left_out(
    beats: Mapping[str, float], left_open: bool
) -> None:
    """It has no timer that could be late."""
    settings = load_settings({"ledger_endpoint": "https://ledger.test"})
    found = timers(settings, {name: NOW - timedelta(hours=hours) for name, hours in beats.items()}, NOW)
    assert [(each.label, each.state) for each in found[3:]] == (
        [("sweep after_silence", INCOMPLETE)] if left_open else []
    )
