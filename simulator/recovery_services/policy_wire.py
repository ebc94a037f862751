"""The wire format of backup policies of Recovery Services vaults.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/protection-policies/get describes them.
"""

from simulator.arm.wire import Json, envelope, policy_id
from simulator.estate.inventory import Policy, Vault


def policy(value: Policy, owner: Vault) -> Json:
    """A backup policy."""
    count = {"protectedItemsCount": sum(each.policy is value for each in owner.items)}
    properties = _SHAPES[value.workload.management_type](value) | count
    return envelope(
        policy_id(value, owner), value.name, "Microsoft.RecoveryServices/vaults/backupPolicies", properties
    )


def _machines(value: Policy) -> Json:
    return {
        "backupManagementType": "AzureIaasVM",
        "instantRPDetails": {},
        **_daily(value),
        "instantRpRetentionRangeInDays": 2,
        "timeZone": value.time_zone,
    }


def _shares(value: Policy) -> Json:
    return {
        "backupManagementType": "AzureStorage",
        "workLoadType": value.workload.name,
        **_daily(value),
        "timeZone": value.time_zone,
    }


def _databases(value: Policy) -> Json:
    """A policy of several schedules, one for each kind of backup; its time zone stands in the settings."""
    schedules: list[Json] = [{"policyType": value.workload.kinds[0], **_daily(value)}]
    if value.log_minutes is not None:
        schedules.append({"policyType": "Log", **_log(value, value.log_minutes)})
    return {
        "backupManagementType": "AzureWorkload",
        "workLoadType": value.workload.name,
        "settings": {"timeZone": value.time_zone, "issqlcompression": False, "isCompression": False},
        "subProtectionPolicy": schedules,
    }


_SHAPES = {"AzureIaasVM": _machines, "AzureStorage": _shares, "AzureWorkload": _databases}


def _daily(value: Policy) -> Json:
    """A daily schedule. Its times keep the date on which it was made; only the time of day counts."""
    times = [f"2022-05-13T{value.run_time}:00Z"]
    return {
        "schedulePolicy": {
            "schedulePolicyType": "SimpleSchedulePolicy",
            "scheduleRunFrequency": "Daily",
            "scheduleRunTimes": times,
            "scheduleWeeklyFrequency": 0,
        },
        "retentionPolicy": {
            "retentionPolicyType": "LongTermRetentionPolicy",
            "dailySchedule": {"retentionTimes": times, "retentionDuration": _days(value)},
        },
    }


def _log(value: Policy, minutes: int) -> Json:
    return {
        "schedulePolicy": {"schedulePolicyType": "LogSchedulePolicy", "scheduleFrequencyInMins": minutes},
        "retentionPolicy": {
            "retentionPolicyType": "SimpleRetentionPolicy",
            "retentionDuration": _days(value),
        },
    }


def _days(value: Policy) -> Json:
    return {"count": value.retention_days, "durationType": "Days"}
