"""What Recovery Services' JSON means here.

The SDK's models are read as the mappings they are, by the wire's own names: a VM's protected item has no model class
of its own there (its protectedItemType on the wire is not the one the SDK knows), and unknown job types have none.
Every field but a job's status and start may be missing.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from backup_retry.azure.json_fields import (
    Fields,
    OddAnswer,
    flag,
    name_of,
    part,
    parts,
    properties_of,
    required,
    text,
    texts,
    time_of,
)
from backup_retry.domain.arm_ids import STAND_IN, ProtectedItem, Vault
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import Job, JobError, JobStatus, Operation
from backup_retry.domain.schedule import BackupPolicy, Daily, Hourly, Schedule
from backup_retry.domain.time_zones import time_zone

_VM_CONTAINER = re.compile(r"(?:iaasvmcontainer;)?(?P<name>iaasvmcontainer(?:v2)?;[^;]+;.+)", re.IGNORECASE)
#: "database [server]", as jobs of databases name their item
_ENTITY = re.compile(r"(?P<name>.+?)(?: \[(?P<server>[^\]]*)\])?")
_NOT_IN_IDS = re.compile(r"[/?#\s]+")
#: the workload behind a backupManagementType; of AzureWorkload, the job's own workloadType says it
_WORKLOADS = {"azureiaasvm": "VM", "azurestorage": "AzureFileShare"}
_AGENTS = frozenset({"mab", "dpm", "azurebackupserver"})
#: of which the vault lists items that jobs call by name only
LISTED = frozenset({"azureiaasvm", "azurestorage", "azureworkload"}) | _AGENTS
_SERVERS = ("storageAccountName", "mabServerName", "dpmServerName")
_ITEM_SERVERS = ("serverName", "parentName", "computerName", "backupEngineName")
#: how much a VM's job, and others', moved: "753 MB", "20.1147"
_SIZES = ("Backup Size", "Data Transferred (in MB)")
#: the task of a job that moves data, as VMs' and databases' jobs have it
_TRANSFER = "transfer data to vault"
_AMOUNT = re.compile(r"\d+(?:\.\d+)?")
_STATUSES = {status.lower(): status for status in JobStatus}
_HEALTHY = frozenset({"", "success"})

_WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_RETENTION_UNITS = {"days": 1, "weeks": 7, "months": 30, "years": 365}


@dataclass(frozen=True, kw_only=True)
class Names:
    """What a job, or an item of the vault, says about whose it is: everything lower-cased."""

    entity: str
    workload: str = ""
    #: every name that the server or account goes by; empty: not said
    servers: frozenset[str] = frozenset()

    def fit(self, item: "Names") -> bool:
        """True where nothing speaks against the job's being the item's."""
        return (
            self.entity == item.entity
            and (not self.workload or not item.workload or self.workload == item.workload)
            and (not item.servers or self.servers <= item.servers)
        )


@dataclass(frozen=True, kw_only=True)
class Named:
    """An item of the vault with its names."""

    item: ProtectedItem
    names: Names


@dataclass(frozen=True, kw_only=True)
class Called:
    """A job with what it calls its item."""

    job: Job
    #: the service's word for the kind of its item
    management_type: str
    names: Sequence[Names]


def read_called(resource: object, vault: Vault) -> Called:
    """A job of a vault, as its list or itself has it."""
    properties = properties_of(resource)
    return Called(
        job=read_job(name_of(resource), properties, vault),
        management_type=text(properties, "backupManagementType"),
        names=job_names(properties),
    )


def read_job(name: str, properties: Fields, vault: Vault) -> Job:
    """A job of a vault, from the properties of its list or detail form."""
    errors = parts(properties, "errorDetails")
    status = _status(text(properties, "status"))
    started_at = time_of(properties, "startTime")
    if started_at is None and not status.running:
        raise OddAnswer("it has ended, and no startTime says when it began")
    return Job(
        id=name,
        vault=vault,
        workload=_workload(properties),
        operation=text(properties, "operation"),
        status=status,
        started_at=started_at or datetime.min.replace(tzinfo=UTC),
        ended_at=time_of(properties, "endTime"),
        activity_id=text(properties, "activityId"),
        entity_name=text(properties, "entityFriendlyName"),
        item=item_of(properties, vault),
        moved_data=_moved_data(properties),
        error=_job_error(errors[0]) if errors else None,
    )


def job_names(properties: Fields) -> Sequence[Names]:
    """By which names a job calls its item: a database by "name [server]", a share by its account next to it.

    Some call a database "instance/name [server]"; since a name may hold a slash itself, that is read second.
    """
    entity = _ENTITY.fullmatch(text(properties, "entityFriendlyName").lower())
    named = [text(properties, each).lower() for each in _SERVERS]
    named += (entity["server"] or "").split("\\") if entity else []
    whole = Names(
        entity=entity["name"] if entity else "",
        workload=_workload(properties).lower(),
        servers=frozenset(each for each in named if each),
    )
    instance, slash, name = whole.entity.partition("/")
    return [whole, replace(whole, entity=name, servers=whole.servers | {instance})] if slash else [whole]


def read_named(arm_id: str, properties: Fields) -> Named | None:
    """An item of the vault's list with its names; None where its id is none of an item."""
    item = ProtectedItem.parse(arm_id)
    if item is None or flag(properties, "isScheduledForDeferredDelete"):
        return None
    servers = {text(properties, each).lower() for each in _ITEM_SERVERS}
    servers.add(text(properties, "containerName").lower().rpartition(";")[2])
    entity = text(properties, "friendlyName") or item.friendly_name
    workload = text(properties, "workloadType").lower()
    is_agents = text(properties, "backupManagementType").lower() in _AGENTS
    return Named(
        item=item,
        names=Names(
            entity=entity.lower(),
            workload="" if is_agents else workload,
            servers=frozenset(each for each in servers if each),
        ),
    )


def owned(job: Job, readings: Sequence[Names], items: Sequence[Named]) -> Job:
    """The job with the item that its names fit; with those that it may be of, where they fit several.

    Where they fit none, the item gets an id of our own making, the same for every job of it: the vault need not list
    what an agent backs up, nor what it protects no more.
    """
    fits = (tuple(each.item for each in items if names.fit(each.names)) for names in readings)
    fitting = next((found for found in fits if found), ())
    if len(fitting) > 1:
        return replace(job, candidates=fitting)
    return replace(job, item=fitting[0] if fitting else _stand_in(job, readings[0]), guessed=True)


def read_item(properties: Fields) -> ItemState:
    """A protected item."""
    return ItemState(
        protection_state=text(properties, "protectionState") or "Protected",
        deleted=flag(properties, "isScheduledForDeferredDelete"),
        kpi_title=_kpi_title(properties),
        last_recovery_point=time_of(properties, "lastRecoveryPoint"),
        policy_id=text(properties, "policyId"),
        source_id=text(properties, "sourceResourceId"),
    )


def read_policy(properties: Fields) -> BackupPolicy:
    """A backup policy's schedules by kind of backup, its zone, and how long it keeps what they make.

    A schedule that cannot be read, or whose zone is unknown, costs the schedules and not the retention.
    https://learn.microsoft.com/rest/api/backup/protection-policies/get; a scheduleRunTime's date is that of the
    policy's creation and its Z means nothing: only the time of day counts, in the policy's own zone.
    """
    by_kind = {text(each, "policyType").lower(): each for each in parts(properties, "subProtectionPolicy")}
    by_kind = by_kind or {"": properties}  # a VM's policy is one part; its policyType is a version, V1 or V2
    zone = text(properties, "timeZone") or text(part(properties, "settings"), "timeZone") or "UTC"
    retentions = [_base_retention(each) for each in by_kind.values()]
    policy = BackupPolicy(
        base_retention=next((each for each in retentions if each), None),
        log_interval=_log_interval(by_kind.get("log") or {}),
    )
    try:
        schedules = {kind: tuple(_schedules(part(each, "schedulePolicy"))) for kind, each in by_kind.items()}
        return replace(policy, schedules=schedules, zone=time_zone(zone))
    except (ValueError, KeyError) as error:
        return replace(policy, problem=f"Its schedule cannot be read: {error}")


def _log_interval(policy: Fields) -> timedelta | None:
    minutes = part(policy, "schedulePolicy").get("scheduleFrequencyInMins")
    return timedelta(minutes=int(minutes)) if minutes else None


def _schedules(policy: Fields) -> Iterator[Schedule]:
    """The schedules of a SimpleSchedulePolicy of either version; a log schedule is none that a retry waits for."""
    frequency = text(policy, "scheduleRunFrequency").lower()
    if frequency == "hourly" and (hourly := policy.get("hourlySchedule")):
        if int(hourly["interval"]) <= 0:
            raise ValueError(f"interval {hourly['interval']!r} never advances")
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


def _base_retention(policy: Fields) -> timedelta | None:
    """How long a daily point is kept, or a weekly one where none is daily; a vaulted share's are those in the vault.

    Monthly and yearly points do not count: a retry's would be kept for years, in an immutable vault beyond recall.
    """
    kept = part(policy, "retentionPolicy") or part(part(policy, "vaultRetentionPolicy"), "vaultRetention")
    base = part(kept, "dailySchedule") or part(kept, "weeklySchedule")
    duration = part(base, "retentionDuration")
    unit = _RETENTION_UNITS.get(text(duration, "durationType").lower())
    return timedelta(days=unit * int(duration["count"])) if unit and duration.get("count") else None


def read_operation(body: Fields) -> Operation:
    """An operation's status; its endTime says nothing, the service sets it while the operation still runs."""
    error = part(body, "error")
    job_id = text(part(body, "properties"), "jobId")
    failure = JobError(title=text(error, "code"), message=text(error, "message")) if error else None
    return Operation(status=required(body, "status"), job_id=job_id, error=failure)


def _status(text: str) -> JobStatus:
    return _STATUSES.get(text.lower(), JobStatus.UNKNOWN)


def _job_error(detail: Fields) -> JobError:
    code = detail.get("errorCode")
    return JobError(
        title=text(detail, "errorTitle"),
        code=code if isinstance(code, int) else None,
        message=text(detail, "errorString"),
        advice=" ".join(texts(detail, "recommendations")),
    )


def _moved_data(properties: Fields) -> bool | None:
    """Whether a job moved data to the vault, of one that completed with warnings; only its details say how much.

    Where they say no size, the transfer has to have completed: a warning by itself proves no recovery point. A share
    is kept as snapshots, of which each good one moves 0 MB.
    """
    warned = _status(text(properties, "status")) is JobStatus.COMPLETED_WITH_WARNINGS
    if not warned or _workload(properties) == "AzureFileShare":
        return None
    details = part(properties, "extendedInfo")
    bag, tasks = part(details, "propertyBag"), parts(details, "tasksList")
    size = _AMOUNT.match(next((text(bag, name) for name in _SIZES if text(bag, name)), ""))
    if size:
        return float(size[0]) > 0
    done = {text(each, "taskId").lower() for each in tasks if text(each, "status").lower() == "completed"}
    return _TRANSFER in done if details else None


def item_of(properties: Fields, vault: Vault) -> ProtectedItem | None:
    """The item of a VM job: its names are made from the job's containerName."""
    found = _VM_CONTAINER.fullmatch(text(properties, "containerName"))
    if not found:
        return None
    name = found["name"]
    return ProtectedItem(vault=vault, container=f"IaasVMContainer;{name}", name=f"VM;{name}")


def _kpi_title(properties: Fields) -> str:
    """Where the string code of the last failure stands: on a VM in its KPI, on a database next to it as well."""
    kpi = part(part(properties, "kpisHealths"), "BackupOperationStatusKPI")
    details = parts(kpi, "resourceHealthDetails")
    title = text(details[0], "title") if details else ""
    return title if title.lower() not in _HEALTHY else text(part(properties, "lastBackupErrorDetail"), "code")


def _workload(properties: Fields) -> str:
    kind = text(properties, "backupManagementType")
    if kind.lower() == "azureworkload":
        return text(properties, "workloadType")
    return "DPM" if kind.lower() == "azurebackupserver" else _WORKLOADS.get(kind.lower(), kind)


def _stand_in(job: Job, names: Names) -> ProtectedItem:
    server = next(iter(sorted(names.servers)), "")
    container = f"{STAND_IN}{job.workload};{server or 'unknown'}"
    name = _NOT_IN_IDS.sub("-", job.entity_name) or "unknown"
    return ProtectedItem(vault=job.vault, container=_NOT_IN_IDS.sub("-", container), name=name)
