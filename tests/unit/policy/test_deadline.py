"""The time of day after which no retry starts, on the clock of a place."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason, Trigger, Wait
from backup_retry.policy.decide import decide
from backup_retry.policy.hours import Hours, Window
from backup_retry.policy.rules import Rules
from tests.builders import attempt, failed, incident
from tests.decide_world import context

BERLIN = ZoneInfo("Europe/Berlin")
RULES = Rules(hours=Hours(zone=BERLIN), deadline=time(6), backoff=(timedelta(0),))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def decision(began: str, now: str, rules: Rules = RULES) -> Close | Wait | Trigger:
    """What is decided of a backup that began then and failed a minute later; both in UTC."""
    started = utc(began)
    failure = failed(started_at=started, ended_at=started + timedelta(minutes=1))
    weighed = context(incident(failure=failure, first_failed_at=failure.ended_at), now=utc(now))
    return decide(replace(weighed, rules=rules))


@pytest.mark.parametrize(
    ("began", "now", "is_past"),
    [
        # Berlin is UTC+1 in November: 06:00 there is 05:00 UTC
        ("2026-11-22T02:00", "2026-11-22T04:59", False),
        ("2026-11-22T02:00", "2026-11-22T05:00", True),
        ("2026-11-22T02:00", "2026-11-22T12:00", True),
        # over midnight
        ("2026-11-21T21:00", "2026-11-22T04:59", False),
        ("2026-11-21T21:00", "2026-11-22T05:00", True),
        # what began by day has until the next morning
        ("2026-11-22T05:00", "2026-11-22T06:00", False),
        ("2026-11-22T11:00", "2026-11-22T20:00", False),
        ("2026-11-22T11:00", "2026-11-23T05:00", True),
        # UTC+2 in summer
        ("2026-07-01T02:00", "2026-07-01T03:59", False),
        ("2026-07-01T02:00", "2026-07-01T04:00", True),
        # the nights in which the clocks change
        ("2026-03-28T23:00", "2026-03-29T03:59", False),
        ("2026-03-28T23:00", "2026-03-29T04:00", True),
        ("2026-10-24T22:00", "2026-10-25T04:59", False),
        ("2026-10-24T22:00", "2026-10-25T05:00", True),
    ],
)
def test_no_retry_starts_after_the_deadline_of_the_night(began: str, now: str, is_past: bool) -> None:
    """It is the first one after the failed backup began; until then it is retried as ever."""
    found = decision(began, now)
    assert isinstance(found, Close) == is_past
    if isinstance(found, Close):
        assert (found.outcome, found.reason) == (Outcome.NEEDS_ACTION, Reason.DEADLINE)
        assert "No retry starts after 06:00 (Europe/Berlin)" in found.detail


@pytest.mark.parametrize(
    ("began", "now", "is_past"),
    [
        # the clock jumps from 02:00 to 03:00 at 01:00 UTC: 02:30 has come with the jump
        ("2026-03-28T23:00", "2026-03-29T00:59", False),
        ("2026-03-28T23:00", "2026-03-29T01:00", True),
        # the clock shows 02:30 at 00:30 and at 01:30 UTC: once past it stays past
        ("2026-10-24T23:00", "2026-10-25T00:29", False),
        ("2026-10-24T23:00", "2026-10-25T00:30", True),
        ("2026-10-24T23:00", "2026-10-25T01:10", True),
        # what begins between the two has the second
        ("2026-10-25T01:15", "2026-10-25T01:29", False),
        ("2026-10-25T01:15", "2026-10-25T01:30", True),
    ],
)
def test_a_time_that_a_clock_leaves_out_or_shows_twice(began: str, now: str, is_past: bool) -> None:
    """Where in doubt the earlier moment counts."""
    rules = replace(RULES, deadline=time(2, 30))
    assert isinstance(decision(began, now, rules), Close) == is_past


@given(
    hour=st.integers(0, 23),
    quarter=st.integers(0, 3),
    began=st.integers(0, 366 * 24 * 4),
    later=st.tuples(st.integers(0, 26 * 4), st.integers(0, 26 * 4)),
)
def test_a_deadline_comes_within_a_day_and_an_hour_and_stays(
    hour: int, quarter: int, began: int, later: tuple[int, int]
) -> None:
    """Whatever the time and the season: never with the beginning, never late, never taken back."""
    rules = replace(RULES, deadline=time(hour, 15 * quarter))
    start = utc("2026-01-01T00:00") + timedelta(minutes=15 * began)

    def is_past(quarters: int) -> bool:
        now = start + timedelta(minutes=15 * quarters + 1)
        return isinstance(decision(f"{start:%Y-%m-%dT%H:%M}", f"{now:%Y-%m-%dT%H:%M}", rules), Close)

    assert not is_past(0)
    assert is_past(25 * 4)
    earlier, latest = sorted(later)
    assert is_past(earlier) <= is_past(latest)


@pytest.mark.parametrize(
    "rules",
    [
        replace(RULES, backoff=(timedelta(hours=9),)),
        replace(RULES, hours=Hours(zone=BERLIN, windows=(Window.parse("22:00-23:00"),))),
    ],
    ids=["backoff", "hours"],
)
def test_nothing_is_waited_for_beyond_the_deadline(rules: Rules) -> None:
    """A person is told at six, not when the backoff is over or the hours open again."""
    found = decision("2026-11-22T02:00", "2026-11-22T03:00", rules)
    assert isinstance(found, Wait)
    assert found.until == utc("2026-11-22T05:00")


def test_a_retry_that_failed_before_the_deadline_has_no_other_night() -> None:
    """It began in the night of the backup that it was to mend."""
    failure = failed(started_at=utc("2026-11-22T04:30"), ended_at=utc("2026-11-22T05:10"))
    tried = attempt(
        claimed_at=utc("2026-11-22T04:30"), result=AttemptResult.FAILED, ended_at=failure.ended_at
    )
    weighed = context(incident(tried, failure=failure), now=utc("2026-11-22T05:20"))
    found = decide(replace(weighed, rules=RULES))
    assert found.reason is Reason.DEADLINE
