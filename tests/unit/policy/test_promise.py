"""What a policy promises, schedule by schedule: from when on the next good recovery point is overdue."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backup_retry.domain.schedule import BackupPolicy, Daily, Hourly, Repeating
from backup_retry.policy.promise import UNKNOWN, promises

#: a Sunday, 14:00 UTC
NOW = datetime(2026, 11, 22, 14, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of November 2026."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


DAILY = BackupPolicy(schedules={"": (Daily(times=(time(22),)),)})
WEEKLY = BackupPolicy(schedules={"": (Daily(times=(time(22),), weekdays=frozenset({5})),)})
TWICE_A_WEEK = BackupPolicy(schedules={"": (Daily(times=(time(22),), weekdays=frozenset({0, 2})),)})
FOUR_HOURLY = BackupPolicy(schedules={"": (Hourly(interval=hours(4), starts=time(8), window=hours(12)),)})
DISK = BackupPolicy(
    rules={"every4": "Default"},
    schedules={
        "every4": (Repeating(start=datetime(2023, 6, 28, 2, tzinfo=UTC), period=hours(4)),),
        "": (Repeating(start=datetime(2023, 6, 28, 2, tzinfo=UTC), period=hours(4)),),
    },
)
BERLINS = BackupPolicy(schedules={"": (Daily(times=(time(23),)),)}, zone=BERLIN)


@pytest.mark.parametrize(
    ("policy", "point", "overdue"),
    [
        pytest.param(DAILY, at(21, 22, 7), at(23, 4, 7), id="daily: a day and a quarter"),
        pytest.param(DAILY, at(21, 10), at(22, 16), id="daily, a point on demand: a day and a quarter"),
        pytest.param(WEEKLY, at(14, 22), at(14, 22) + hours(7 * 30), id="weekly: a week and a quarter"),
        pytest.param(TWICE_A_WEEK, at(16, 22, 5), at(16, 22, 5) + hours(60), id="Monday to Wednesday"),
        pytest.param(TWICE_A_WEEK, at(18, 22, 5), at(18, 22, 5) + hours(150), id="Wednesday to Monday"),
        pytest.param(FOUR_HOURLY, at(22, 8, 1), at(22, 14, 1), id="hourly by day: the least grace"),
        pytest.param(FOUR_HOURLY, at(21, 20, 1), at(22, 11, 1), id="hourly: the night is no gap"),
        pytest.param(DISK, at(22, 6, 1), at(22, 12, 1), id="a disk every four hours, around the clock"),
        pytest.param(BERLINS, at(21, 22, 5), at(23, 4, 5), id="a policy's own zone"),
        pytest.param(
            DAILY, datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, 6, tzinfo=UTC), id="long ago"
        ),
    ],
)
def test_the_next_point_is_overdue_after_an_interval_and_its_grace(
    policy: BackupPolicy, point: datetime, overdue: datetime
) -> None:
    """The interval is the one in which the point lies; the grace a quarter of it, two hours at least."""
    [promise] = promises(policy, NOW)
    assert promise.overdue_from(point) == overdue


def test_what_runs_each_second_counts_by_its_interval() -> None:
    """Azure has no such policy; one that somebody has forged costs neither time nor memory."""
    each_second = Repeating(start=datetime(2023, 1, 1, tzinfo=UTC), period=timedelta(seconds=1))
    [promise] = promises(BackupPolicy(rules={"r": ""}, schedules={"": (each_second,)}), NOW)
    assert (promise.runs, promise.interval) == ((), timedelta(seconds=1))


def test_a_first_point_is_overdue_after_its_first_turn() -> None:
    """Set up on Monday, backed up on Saturdays: not before that, and not at once after it."""
    [promise] = promises(WEEKLY, NOW)
    since = at(16, 9)
    assert promise.turn_after(since) == at(21, 22)
    assert promise.first_overdue_from(since) == at(21, 22) + hours(42)


def test_each_sub_policy_is_a_promise_of_its_own() -> None:
    """A full one a week, a differential one a day, a log every quarter of an hour."""
    policy = BackupPolicy(
        schedules={
            "full": (Daily(times=(time(22),), weekdays=frozenset({5})),),
            "differential": (Daily(times=(time(22),)),),
            "log": (),
        },
        log_interval=timedelta(minutes=15),
    )
    full, differential, log = promises(policy, NOW)
    assert [each.kind for each in (full, differential, log)] == ["Full", "Differential", "Log"]
    assert log.overdue_from(at(22, 11, 30)) == at(22, 13, 45)
    assert (full.interval, differential.interval) == (timedelta(days=7), timedelta(days=1))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        pytest.param(None, UNKNOWN, id="a policy that nobody can read"),
        pytest.param(BackupPolicy(problem="odd"), UNKNOWN, id="a policy that nobody understands"),
        pytest.param(BackupPolicy(schedules={"": ()}), [], id="a paused schedule"),
        pytest.param(BackupPolicy(rules={}), [], id="operational backups"),
    ],
)
def test_what_is_not_known_and_what_is_not_promised_are_two_things(
    policy: BackupPolicy | None, expected: object
) -> None:
    """Of the one a week is taken for promised, as by the longest policy that there is; of the other nothing."""
    assert promises(policy, NOW) == expected
