"""Schedules: what every parser reads alike is accepted, everything else is an error that says so."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backup_retry.settings.ncrontab import check_schedule, turn_after, turn_before
from simulator.functions_host.ncrontab import next_occurrence

#: a Thursday
NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "schedule",
    [
        "0 0 5 * * *",
        "0 */5 * * * *",
        "*/30 * * * * *",
        "0 0,30 22-23 1-7 JAN-Mar mon-fri",
        "0 0 8-18/2 * * *",
        "0 0 22,23,0,1 * * fri,sat,sun,mon",
        "0 0 0 29 2 *",
        "0  30  9 * * 6",
    ],
)
def test_what_every_parser_reads_alike_is_a_schedule(schedule: str) -> None:
    """Numbers, names, *, lists, rising ranges and steps."""
    assert check_schedule(schedule) == schedule


@pytest.mark.parametrize(
    ("schedule", "problem"),
    [
        ("hourly", "it needs six fields, seconds first, such as 0 0 5 * * *; this has 1"),
        ("0 5 * * *", "this has 5"),
        ("0 0 5 * * *\n", "with no spaces before or after"),
        (" 0 0 5 * * *", "with no spaces before or after"),
        ("0 0 5\t* * *", "with no spaces before or after"),
        ("0 0 5 L * *", "'L' in the field day is not supported"),
        ("0 0 5 ? * *", "'?' in the field day is not supported"),
        ("0 0 5 * * MON#1", "'MON#1' in the field day of week is not supported"),
        ("0 0 5 1W * *", "'1W' in the field day is not supported"),
        ("0 R R * * *", "'R' in the field minute is not supported"),
        ("0 0 5 * * monday", "'monday' in the field day of week is not supported"),
        ("0 0 \u0665 * * *", "in the field hour is not supported"),
        ("0 0 5 0 * *", "'0' in the field day is outside 1 to 31"),
        ("0 61 * * * *", "'61' in the field minute is outside 0 to 59"),
        ("0 0 5 * * 7", "'7' in the field day of week is outside 0 to 6 and sun to sat"),
        ("0 0 5 * feb-13 *", "'feb-13' in the field month is outside 1 to 12 and jan to dec"),
        ("0 0 22-4 * * *", "write it as a list, such as 22,23,0,1,2,3,4"),
        ("0 0 5 * * fri-mon", "write it as a list, such as fri,sat,sun,mon"),
        ("0 30-2 5 * * *", "'30-2' in the field minute is descending"),
        ("0 0 5 * 11-2 *", "write it as a list, such as nov,dec,jan,feb"),
        ("0 0 5-5 * * *", "write it as a list, such as 5"),
        ("0 */0 * * * *", "needs a step from 1 to 59"),
        ("0 0 5 31 2 *", "never occurs"),
        ("0 0 5 30,31 2 *", "never occurs"),
        ("0 0 5 , * *", "'' in the field day is not supported"),
    ],
)
def test_everything_else_is_an_error_that_says_so(schedule: str, problem: str) -> None:
    """The host would refuse it, and the function would never run, or read it otherwise than it is meant."""
    with pytest.raises(ValueError, match=r"schedule|field|occurs") as raised:
        check_schedule(schedule)
    assert problem in str(raised.value)


@st.composite
def _part(draw: st.DrawFn, least: int, most: int) -> str:
    first = draw(st.integers(least, most))
    last = draw(st.integers(least, most))
    text = draw(st.sampled_from(["*", str(first), f"{first}-{last}" if first < last else str(first)]))
    step = draw(st.integers(0, 6)) if text == "*" or "-" in text else 0
    return f"{text}/{step}" if step else text


def _parts(least: int, most: int) -> st.SearchStrategy[str]:
    return st.lists(_part(least, most), min_size=1, max_size=3).map(",".join)


SCHEDULES = st.tuples(
    *(_parts(*bounds) for bounds in ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))
).map(" ".join)


@given(schedule=SCHEDULES, at=st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1)))  # noqa: DTZ001 (given its zone below)
def test_the_host_runs_it_when_we_expect_it(schedule: str, at: datetime) -> None:
    """What counts as late is reckoned as the host reckons the next run."""
    now = at.replace(microsecond=0, tzinfo=UTC)
    try:
        check_schedule(schedule)
    except ValueError:
        return
    expected = turn_after(schedule, now)
    assert expected == next_occurrence(schedule, now)
    assert turn_before(schedule, next_occurrence(schedule, now) + timedelta(seconds=1)) == expected
