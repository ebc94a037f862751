"""The hours in which retries are allowed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_retry.domain.time_zones import time_zone
from backup_retry.policy.hours import Hours, Window
from tests.payloads import payload

BERLIN = ZoneInfo("Europe/Berlin")


def hours(*windows: str, zone: ZoneInfo = BERLIN) -> Hours:
    return Hours(windows=tuple(Window.parse(window) for window in windows), zone=zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("windows", "now", "opens"),
    [
        # Berlin is UTC+1 in November: 20:00-06:00 there is 19:00-05:00 UTC
        (["20:00-06:00"], "2026-11-22T18:59", "2026-11-22T19:00"),
        (["20:00-06:00"], "2026-11-22T19:00", "2026-11-22T19:00"),
        (["20:00-06:00"], "2026-11-22T04:59", "2026-11-22T04:59"),
        (["20:00-06:00"], "2026-11-22T05:00", "2026-11-22T19:00"),
        (["08:00-09:00", "12:00-13:00"], "2026-11-22T09:00", "2026-11-22T11:00"),
        (["08:00-09:00"], "2026-11-22T12:00", "2026-11-23T07:00"),
        (["00:00-24:00"], "2026-11-22T12:00", "2026-11-22T12:00"),
        ([], "2026-11-22T12:00", "2026-11-22T12:00"),
        # in summer it is UTC+2
        (["20:00-06:00"], "2026-07-01T12:00", "2026-07-01T18:00"),
    ],
)
def test_when_retries_are_allowed_next(windows: list[str], now: str, opens: str) -> None:
    """Now where a window is open, else the start of the next one, over midnight and daylight saving."""
    assert hours(*windows).open_at(utc(now)) == utc(opens)


@pytest.mark.parametrize("text", ["", "20-06", "20:00", "25:00-06:00", "20:61-06:00", "20:00-06:00x"])
def test_what_is_no_window_is_refused(text: str) -> None:
    """The message shows what was written."""
    with pytest.raises(ValueError, match=r"not a time"):
        Window.parse(text)


@given(start=st.integers(0, 23), end=st.integers(0, 23), minute=st.integers(0, 366 * 24 * 60))
def test_the_answer_is_never_in_the_past_and_at_most_a_day_and_an_hour_away(
    start: int, end: int, minute: int
) -> None:
    """Whatever the window and the season."""
    at = utc("2026-01-01T00:00") + timedelta(minutes=minute)
    opens = hours(f"{start:02}:00-{end:02}:00").open_at(at)
    assert 0 <= (opens - at).total_seconds() <= 25 * 3600


@pytest.mark.parametrize(
    ("name", "key"),
    [("W. Europe Standard Time", "Europe/Berlin"), ("Europe/Berlin", "Europe/Berlin"), ("UTC", "UTC")],
)
def test_zones_are_known_by_windows_and_iana_names(name: str, key: str) -> None:
    """Azure's policies use Windows' names."""
    assert time_zone(name).key == key


@pytest.mark.parametrize(("name", "key"), payload("time_zones/windows_zones")["zones"].items())
def test_every_zone_that_windows_has_is_known(name: str, key: str) -> None:
    """Policies name their zones as Windows does; in CLDR's table each has a zone of the same hours."""
    for month in (1, 7):
        at = datetime(2026, month, 15, 12, tzinfo=UTC)
        assert at.astimezone(time_zone(name)).utcoffset() == at.astimezone(ZoneInfo(key)).utcoffset()


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd"])
def test_a_name_that_nobody_knows_is_no_zone(name: str) -> None:
    """It raises what a setting's validation expects."""
    with pytest.raises(ValueError, match="not a time zone"):
        time_zone(name)
