"""The wire format of backup policies of Recovery Services vaults.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/protection-policies/get describes them.
"""

from collections.abc import Sequence

from simulator.arm.wire import Json, envelope, policy_id
from simulator.estate.inventory import Vault
from simulator.estate.policies import Policy


def policy(value: Policy, owner: Vault) -> Json:
    """A backup policy."""
    count = {"protectedItemsCount": sum(each.policy is value for each in owner.items)}
    properties = _SHAPES[value.workload.management_type](value) | count
    return envelope(
        policy_id(value, owner), value.name, "Microsoft.RecoveryServices/vaults/backupPolicies", properties
    )


def _machines(value: Policy) -> Json:
    """Hourly backups are the second version's."""
    version = {"policyType": "V2"} if value.frequency == "Hourly" else {}
    details: Json = {"instantRPDetails": {}} if value.frequency == "Daily" else {}
    return {
        "backupManagementType": "AzureIaasVM",
        **version,
        **details,
        **_simple(value, "SimpleSchedulePolicyV2" if version else "SimpleSchedulePolicy"),
        "instantRpRetentionRangeInDays": 5 if value.frequency == "Weekly" else 2,
        "timeZone": value.time_zone,
    }


def _shares(value: Policy) -> Json:
    return {
        "backupManagementType": "AzureStorage",
        "workLoadType": value.workload.name,
        **_simple(value),
        "timeZone": value.time_zone,
    }


def _databases(value: Policy) -> Json:
    """A policy of several schedules, one for each kind of backup; its time zone is in the settings."""
    schedules: list[Json] = [{"policyType": value.workload.kinds[0], **_simple(value)}]
    for kind, days in (("Differential", value.differential_days), ("Incremental", value.incremental_days)):
        if days:
            schedule = _weekly(value, "SimpleSchedulePolicy", days)
            schedules.append({"policyType": kind, "schedulePolicy": schedule, **_simple_retention(value)})
    if value.log_minutes is not None:
        frequency = {
            "schedulePolicyType": "LogSchedulePolicy",
            "scheduleFrequencyInMins": value.log_minutes,
        }
        schedules.append({"policyType": "Log", "schedulePolicy": frequency, **_simple_retention(value)})
    return {
        "backupManagementType": "AzureWorkload",
        "workLoadType": value.workload.name,
        "settings": {"timeZone": value.time_zone, "issqlcompression": False, "isCompression": False},
        "subProtectionPolicy": schedules,
    }


_SHAPES = {"AzureIaasVM": _machines, "AzureStorage": _shares, "AzureWorkload": _databases}


def _simple(value: Policy, kind: str = "SimpleSchedulePolicy") -> Json:
    """A schedule and how long its backups are kept."""
    return {"schedulePolicy": _SCHEDULES[value.frequency](value, kind), **_long_term(value)}


def _times(value: Policy) -> list[str]:
    """The times keep the date on which they were made; only the time of day counts."""
    return [f"2022-05-13T{value.run_time}:00Z"]


def _daily(value: Policy, kind: str) -> Json:
    return {
        "schedulePolicyType": kind,
        "scheduleRunFrequency": "Daily",
        "scheduleRunTimes": _times(value),
        "scheduleWeeklyFrequency": 0,
    }


def _weekly(value: Policy, kind: str, days: Sequence[str] = ()) -> Json:
    return {
        "schedulePolicyType": kind,
        "scheduleRunFrequency": "Weekly",
        "scheduleRunDays": list(days or value.run_days),
        "scheduleRunTimes": _times(value),
        "scheduleWeeklyFrequency": 0,
    }


def _hourly(value: Policy, kind: str) -> Json:
    window = {
        "interval": value.interval_hours,
        "scheduleWindowStartTime": _times(value)[0],
        "scheduleWindowDuration": value.window_hours,
    }
    return {"schedulePolicyType": kind, "scheduleRunFrequency": "Hourly", "hourlySchedule": window}


_SCHEDULES = {"Daily": _daily, "Weekly": _weekly, "Hourly": _hourly}


def _long_term(value: Policy) -> Json:
    """A weekly policy keeps its backups for whole weeks, and the first one of a month may be kept for longer."""
    kept: Json = {"retentionPolicyType": "LongTermRetentionPolicy"}
    if value.frequency == "Weekly":
        weeks = {"count": -(-value.retention_days // 7), "durationType": "Weeks"}
        days = {"daysOfTheWeek": list(value.run_days)}
        kept["weeklySchedule"] = days | {"retentionTimes": _times(value), "retentionDuration": weeks}
    else:
        kept["dailySchedule"] = {"retentionTimes": _times(value), "retentionDuration": _days(value)}
    if value.retention_months:
        kept["monthlySchedule"] = _monthly(value, value.retention_months)
    return {"retentionPolicy": kept}


def _monthly(value: Policy, months: int) -> Json:
    return {
        "retentionScheduleFormatType": "Weekly",
        "retentionScheduleWeekly": {"daysOfTheWeek": ["Sunday"], "weeksOfTheMonth": ["First"]},
        "retentionTimes": _times(value),
        "retentionDuration": {"count": months, "durationType": "Months"},
    }


def _simple_retention(value: Policy) -> Json:
    kept = {"retentionPolicyType": "SimpleRetentionPolicy", "retentionDuration": _days(value)}
    return {"retentionPolicy": kept}


def _days(value: Policy) -> Json:
    return {"count": value.retention_days, "durationType": "Days"}
