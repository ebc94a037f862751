"""When a backup policy runs next."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backup_retry.azure.recovery_services_wire import read_policy
from backup_retry.domain.schedule import BackupPolicy, Daily, Hourly, Schedule, repeating

BERLIN = ZoneInfo("Europe/Berlin")


def policy(*schedules: Schedule, zone: ZoneInfo | None = None) -> BackupPolicy:
    return BackupPolicy(schedules={"": schedules}, zone=zone or ZoneInfo("UTC"))


def days(number: int) -> timedelta:
    return timedelta(days=number)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


EVERY_FOUR_HOURS = Hourly(interval=timedelta(hours=4), starts=time(8), window=timedelta(hours=12))


@pytest.mark.parametrize(
    ("schedule", "after", "expected"),
    [
        # 22 November 2026 is a Sunday
        (Daily(times=(time(2),)), "2026-11-22T01:59", "2026-11-22T02:00"),
        (Daily(times=(time(2),)), "2026-11-22T02:00", "2026-11-23T02:00"),
        (Daily(times=(time(2), time(14))), "2026-11-22T02:00", "2026-11-22T14:00"),
        (Daily(times=(time(2),), weekdays=frozenset({0})), "2026-11-22T12:00", "2026-11-23T02:00"),
        (Daily(times=(time(2),), weekdays=frozenset({6})), "2026-11-22T12:00", "2026-11-29T02:00"),
        # 8, 12, 16, 20: the window of 12 hours holds both of its ends
        (EVERY_FOUR_HOURS, "2026-11-22T12:00", "2026-11-22T16:00"),
        (EVERY_FOUR_HOURS, "2026-11-22T16:30", "2026-11-22T20:00"),
        (EVERY_FOUR_HOURS, "2026-11-22T20:00", "2026-11-23T08:00"),
        # a window over midnight: 20, 0, 4
        (
            Hourly(interval=timedelta(hours=4), starts=time(20), window=timedelta(hours=8)),
            "2026-11-22T00:30",
            "2026-11-22T04:00",
        ),
        # every four hours from 13:00 on: 13, 17, 21, 1, 5, 9
        (repeating("R/2020-04-05T13:00:00+00:00/PT4H"), "2026-11-22T10:00", "2026-11-22T13:00"),
        (repeating("R/2020-04-05T13:00:00+00:00/PT4H"), "2026-11-22T22:00", "2026-11-23T01:00"),
        (repeating("R/2026-11-20T13:00:00+00:00/P2D"), "2026-11-22T13:00", "2026-11-24T13:00"),
        (repeating("R/2026-11-22T13:00:00+00:00/P1W"), "2026-11-22T13:00", "2026-11-29T13:00"),
    ],
)
def test_next_run(schedule: Schedule, after: str, expected: str) -> None:
    """The first run after a time; a run at that very time is not after it."""
    assert policy(schedule).next_run(utc(after)) == utc(expected)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        # CET is UTC+1: 02:30 on the clock is 01:30 UTC
        ("2026-11-22T00:00", "2026-11-22T01:30"),
        # CEST is UTC+2
        ("2026-07-01T00:00", "2026-07-01T00:30"),
        # 29 March 2026: the clocks skip from 02:00 to 03:00, so 02:30 runs as 03:30 CEST = 01:30 UTC
        ("2026-03-28T12:00", "2026-03-29T01:30"),
        # 25 October 2026: 02:30 comes twice, the first one is CEST = 00:30 UTC
        ("2026-10-24T12:00", "2026-10-25T00:30"),
    ],
)
def test_times_of_day_are_those_of_the_policys_own_zone(after: str, expected: str) -> None:
    """Daylight saving moves the run in UTC, not on the clock."""
    assert policy(Daily(times=(time(2, 30),)), zone=BERLIN).next_run(utc(after)) == utc(expected)


def test_a_repeating_day_keeps_its_hour_over_daylight_saving() -> None:
    """R/…/P1D that began in winter at 13:00 in Berlin still runs at 13:00 in Berlin in summer."""
    daily = policy(repeating("R/2026-01-10T12:00:00+00:00/P1D"), zone=BERLIN)
    assert daily.next_run(utc("2026-07-01T00:00")) == utc("2026-07-01T11:00")


def test_a_policy_without_schedules_has_no_next_run() -> None:
    """Nothing scheduled is not the same as scheduled now."""
    assert BackupPolicy().next_run(utc("2026-11-22T00:00")) is None


def test_the_kind_of_backup_chooses_among_sub_policies() -> None:
    """A failed differential waits for the next differential, not for the full."""
    both = BackupPolicy(
        schedules={"full": (Daily(times=(time(2),)),), "differential": (Daily(times=(time(9),)),)}
    )
    assert both.next_run(utc("2026-11-22T00:00"), "Differential") == utc("2026-11-22T09:00")
    assert both.next_run(utc("2026-11-22T00:00"), "full") == utc("2026-11-22T02:00")


@pytest.mark.parametrize(
    "text", ["", "P1D", "R/2026-01-01T00:00:00Z", "R/2026-01-01T00:00:00Z/PT0S", "R/never/P1D"]
)
def test_what_is_no_repeating_interval_is_refused(text: str) -> None:
    """A period of nothing would never end."""
    with pytest.raises(ValueError, match=r".+"):
        repeating(text)


def test_a_daily_policy_is_read_from_the_wire() -> None:
    """The date of a run time is that of the policy's creation and means nothing."""
    read = read_policy(
        {
            "backupManagementType": "AzureIaasVM",
            "schedulePolicy": {
                "schedulePolicyType": "SimpleSchedulePolicy",
                "scheduleRunFrequency": "Daily",
                "scheduleRunTimes": ["2022-05-13T16:00:00Z"],
            },
            "retentionPolicy": {
                "retentionPolicyType": "LongTermRetentionPolicy",
                "dailySchedule": {"retentionDuration": {"count": 45, "durationType": "Days"}},
            },
            "timeZone": "W. Europe Standard Time",
        }
    )
    assert read.next_run(utc("2026-11-22T00:00")) == utc("2026-11-22T15:00")
    assert read.base_retention == timedelta(days=45)


def test_an_hourly_v2_policy_is_read_from_the_wire() -> None:
    """Version 2 of the schedule has an interval and a window, and no run times."""
    read = read_policy(
        {
            "policyType": "V2",
            "schedulePolicy": {
                "schedulePolicyType": "SimpleSchedulePolicyV2",
                "scheduleRunFrequency": "Hourly",
                "hourlySchedule": {
                    "interval": 4,
                    "scheduleWindowStartTime": "2022-05-13T08:00:00Z",
                    "scheduleWindowDuration": 12,
                },
            },
            "timeZone": "UTC",
        }
    )
    assert read.next_run(utc("2026-11-22T12:00")) == utc("2026-11-22T16:00")
    assert read.base_retention is None


def test_a_weekly_v2_policy_is_read_from_the_wire() -> None:
    """Version 2 keeps its run times one level further down."""
    read = read_policy(
        {
            "schedulePolicy": {
                "schedulePolicyType": "SimpleSchedulePolicyV2",
                "scheduleRunFrequency": "Weekly",
                "weeklySchedule": {
                    "scheduleRunDays": ["Monday"],
                    "scheduleRunTimes": ["2022-05-13T03:00:00Z"],
                },
            }
        }
    )
    monday = date(2026, 11, 23)
    assert read.next_run(utc("2026-11-22T12:00")) == datetime.combine(monday, time(3), UTC)


def kept(count: int, unit: str) -> dict[str, object]:
    """A tier of a retention policy."""
    return {"retentionDuration": {"count": count, "durationType": unit}}


BEYOND = {"monthlySchedule": kept(60, "Months"), "yearlySchedule": kept(10, "Years")}


@pytest.mark.parametrize(
    ("retention", "expected"),
    [
        ({"dailySchedule": kept(30, "Days"), "weeklySchedule": kept(52, "Weeks"), **BEYOND}, days(30)),
        ({"weeklySchedule": kept(52, "Weeks"), **BEYOND}, days(364)),
        ({"dailySchedule": None, "weeklySchedule": kept(4, "Weeks")}, days(28)),
        # nothing of the base schedule is known: the default of the app, never the years
        (BEYOND, None),
        ({}, None),
        (None, None),
    ],
)
def test_retention_is_that_of_the_base_schedule(
    retention: dict[str, object] | None, expected: timedelta | None
) -> None:
    """Daily, else weekly; monthly and yearly points are kept for years, in an immutable vault beyond recall."""
    assert read_policy({"retentionPolicy": retention}).base_retention == expected


def test_a_vaulted_share_is_kept_as_long_as_its_points_in_the_vault() -> None:
    """Its policy has no retentionPolicy but one for the vault, and days for the snapshots."""
    vaulted = {"snapshotRetentionInDays": 5, "vaultRetention": {"dailySchedule": kept(60, "Days"), **BEYOND}}
    read = read_policy({"retentionPolicy": None, "vaultRetentionPolicy": vaulted})
    assert read.base_retention == days(60)


@pytest.mark.parametrize(
    "lacking",
    [
        {"timeZone": "Middle-earth Standard Time"},
        {"schedulePolicy": {"scheduleRunFrequency": "Daily", "scheduleRunTimes": ["at noon"]}},
        {"schedulePolicy": {"scheduleRunFrequency": "Hourly", "hourlySchedule": {"interval": 4}}},
    ],
)
def test_a_schedule_that_cannot_be_read_costs_the_schedule_only(lacking: dict[str, object]) -> None:
    """How long a point is kept, and how often the log is backed up, does not depend on it."""
    schedule = {"scheduleRunFrequency": "Daily", "scheduleRunTimes": ["2022-05-13T16:00:00Z"]}
    read = read_policy(
        {"schedulePolicy": schedule, "retentionPolicy": {"dailySchedule": kept(45, "Days")}, **lacking}
    )
    assert (read.next_run(utc("2026-11-22T00:00")), read.base_retention) == (None, days(45))
    assert read.problem.startswith("Its schedule cannot be read: ")


def test_runs_between_two_times_come_in_order() -> None:
    """The first moment is left out, the last one counts; a run of two schedules is one."""
    twice = policy(Daily(times=(time(20), time(8))), Daily(times=(time(8),)))
    assert twice.runs(utc("2026-11-21T20:00"), utc("2026-11-22T20:00")) == [
        utc("2026-11-22T08:00"),
        utc("2026-11-22T20:00"),
    ]


def test_a_workload_policy_is_read_from_the_wire() -> None:
    """Its sub-policies have schedules of their own; the log's is none that a retry waits for."""
    read = read_policy(
        {
            "backupManagementType": "AzureWorkload",
            "settings": {"timeZone": "UTC"},
            "subProtectionPolicy": [
                {
                    "policyType": "Full",
                    "schedulePolicy": {
                        "scheduleRunFrequency": "Daily",
                        "scheduleRunTimes": ["2022-05-13T16:00:00Z"],
                    },
                    "retentionPolicy": {
                        "dailySchedule": {"retentionDuration": {"count": 2, "durationType": "Weeks"}}
                    },
                },
                {"policyType": "Log", "schedulePolicy": {"scheduleFrequencyInMins": 60}},
            ],
        }
    )
    assert read.next_run(utc("2026-11-22T00:00"), "full") == utc("2026-11-22T16:00")
    assert read.next_run(utc("2026-11-22T00:00"), "log") is None
    assert read.base_retention == timedelta(weeks=2)
