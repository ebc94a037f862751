"""What Recovery Services' JSON means here.

The SDK's models are read as the mappings they are, by the wire's own names: a VM's protected item has no model class
of its own there (its protectedItemType on the wire is not the one the SDK knows), and unknown job types have none.
Every field but a job's status and start may be missing.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from backup_retry.model import ItemState, Job, JobError, JobStatus, Operation, ProtectedItem, Vault
from backup_retry.schedule import BackupPolicy, Daily, Hourly, Schedule
from backup_retry.time_zones import time_zone

_VM_CONTAINER = re.compile(r"iaasvmcontainer(?:v2)?;[^;]+;.+", re.IGNORECASE)
#: the service writes "unset" as year 1, and as 2001 on machines that were never backed up
_NEVER = datetime(2001, 1, 1, tzinfo=UTC)

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_RETENTION_UNITS = {"days": 1, "weeks": 7, "months": 30, "years": 365}

Properties = Mapping[str, Any]


def read_job(name: str, properties: Properties, vault: Vault) -> Job:
    """A job of a vault, from the properties of its list or detail form."""
    errors = properties.get("errorDetails") or []
    return Job(
        id=name,
        vault=vault,
        management_type=_text(properties, "backupManagementType"),
        operation=_text(properties, "operation"),
        status=_status(_text(properties, "status")),
        started_at=_time(properties.get("startTime")) or datetime.min.replace(tzinfo=UTC),
        ended_at=_time(properties.get("endTime")),
        activity_id=_text(properties, "activityId"),
        entity_name=_text(properties, "entityFriendlyName"),
        item=_vm_item(vault, _text(properties, "containerName")),
        error=_job_error(errors[0]) if errors else None,
    )


def read_item(properties: Properties) -> ItemState:
    """A protected item."""
    return ItemState(
        protection_state=_text(properties, "protectionState") or "Protected",
        deleted=bool(properties.get("isScheduledForDeferredDelete")),
        kpi_title=_kpi_title(properties),
        last_recovery_point=_time(properties.get("lastRecoveryPoint")),
        policy_id=_text(properties, "policyId"),
    )


def read_policy(properties: Properties) -> BackupPolicy:
    """A backup policy's schedules by kind of backup, its zone, and how long it keeps a daily recovery point.

    https://learn.microsoft.com/rest/api/backup/protection-policies/get; a scheduleRunTime's date is that of the
    policy's creation and its Z means nothing: only the time of day counts, in the policy's own zone.
    """
    parts = {_text(part, "policyType").lower(): part for part in properties.get("subProtectionPolicy") or []}
    parts = parts or {"": properties}  # a VM's policy is one part; its policyType is a version, V1 or V2
    zone = properties.get("timeZone") or (properties.get("settings") or {}).get("timeZone") or "UTC"
    retentions = [_daily_retention(part.get("retentionPolicy") or {}) for part in parts.values()]
    return BackupPolicy(
        schedules={kind: tuple(_schedules(part.get("schedulePolicy") or {})) for kind, part in parts.items()},
        zone=time_zone(str(zone)),
        daily_retention=next((each for each in retentions if each), None),
    )


def _schedules(policy: Properties) -> Iterator[Schedule]:
    """The schedules of a SimpleSchedulePolicy of either version; a log schedule is none that a retry waits for."""
    frequency = _text(policy, "scheduleRunFrequency").lower()
    if frequency == "hourly" and (hourly := policy.get("hourlySchedule")):
        yield Hourly(
            interval=timedelta(hours=int(hourly["interval"])),
            starts=_time_of_day(hourly["scheduleWindowStartTime"]),
            window=timedelta(hours=int(hourly["scheduleWindowDuration"])),
        )
        return
    timed = policy.get(f"{frequency}Schedule") or policy
    times = tuple(_time_of_day(each) for each in timed.get("scheduleRunTimes") or [])
    if frequency == "daily" and times:
        yield Daily(times=times)
    if frequency == "weekly" and times:
        days = frozenset(_WEEKDAYS.index(day.lower()) for day in timed.get("scheduleRunDays") or [])
        yield Daily(times=times, weekdays=days)


def _time_of_day(text: str) -> time:
    return datetime.fromisoformat(text).time()


def _daily_retention(policy: Properties) -> timedelta | None:
    duration = (policy.get("dailySchedule") or {}).get("retentionDuration") or {}
    unit = _RETENTION_UNITS.get(_text(duration, "durationType").lower())
    return timedelta(days=unit * int(duration["count"])) if unit and duration.get("count") else None


def read_operation(body: Properties) -> Operation:
    """An operation's status; its endTime says nothing, the service sets it while the operation still runs."""
    error = body.get("error")
    job_id = _text(body.get("properties") or {}, "jobId")
    failure = JobError(title=_text(error, "code"), message=_text(error, "message")) if error else None
    return Operation(status=_text(body, "status"), job_id=job_id, error=failure)


def _text(properties: Properties, name: str) -> str:
    return str(properties.get(name) or "")


def _status(text: str) -> JobStatus:
    try:
        return JobStatus(text)
    except ValueError:
        return JobStatus.IN_PROGRESS


def _job_error(detail: Properties) -> JobError:
    code = detail.get("errorCode")
    return JobError(
        title=_text(detail, "errorTitle"),
        code=code if isinstance(code, int) else None,
        message=_text(detail, "errorString"),
    )


def _vm_item(vault: Vault, container: str) -> ProtectedItem | None:
    """The item of a VM job: its names are made from the job's containerName."""
    if not _VM_CONTAINER.fullmatch(container):
        return None
    return ProtectedItem(vault=vault, container=f"IaasVMContainer;{container}", name=f"VM;{container}")


def _kpi_title(properties: Properties) -> str:
    kpi = (properties.get("kpisHealths") or {}).get("BackupOperationStatusKPI") or {}
    details = kpi.get("resourceHealthDetails") or [{}]
    return _text(details[0], "title")


def _time(text: str | None) -> datetime | None:
    """An aware UTC time, or None for a time that the service calls unset."""
    if not text:
        return None
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at > _NEVER else None
