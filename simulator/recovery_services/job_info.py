"""A job's details: its tasks, and the texts that the portal shows."""

from datetime import datetime

from simulator.arm.wire import UNSET, Json, brief_instant, duration
from simulator.estate.inventory import Job
from simulator.estate.outcomes import JobStatus

_NOON = 12


def extended_info(value: Job, now: datetime) -> Json:
    """A job's extendedInfo."""
    if value.item.workload.management_type == "AzureIaasVM":
        return _machine(value, now)
    if value.is_young_at(now) and value.is_backup:
        return {"tasksList": [], "propertyBag": {}}
    return {"tasksList": _one_task(value), "propertyBag": _bag(value)}


def machine_name(value: Job) -> str:
    """A VM's name: lower-cased, but where backup data are deleted."""
    name = value.item.friendly_name
    return name if value.operation == "DeleteBackupData" else name.lower()


# ---- VMs ---------------------------------------------------------------------------------------------------


def _machine(value: Job, now: datetime) -> Json:
    tasks = {"Backup": _tasks, "Restore": _restore_tasks}.get(value.operation)
    restored = value.operation == "Restore"
    name = {} if restored else {"VM Name": machine_name(value)}
    info: Json = {
        "tasksList": tasks(value, now) if tasks else [],
        "propertyBag": {**name, **_machine_bag(value)},
    }
    if value.is_backup:
        info["internalPropertyBag"] = {"IsInstantRpJob": "True"}
    if restored:
        info |= {"internalPropertyBag": {"restoreLocationType": "RestoreDisks"}}
        info["estimatedRemainingDuration"] = "PT0S"
    return info


def _machine_bag(value: Job) -> Json:
    """What the portal shows of a VM's job besides the name."""
    match value.operation:
        case "ConfigureBackup":
            return {"Policy Name": value.item.policy.name}
        case "DeleteBackupData":
            return {"Number of Recovery Points": str(value.item.recovery_points(value.start_time))}
        case "Undelete":
            return {"Undelete flag": "True"}
        case "Restore":
            return {
                "Job Type": "Recover disks",
                "Target VM Name": "vmName",
                "Target Storage Account Name": "restored",
                "Recovery point time ": _display(_point(value)),
            }
    bag = {"Recovery Point Expiry Time in UTC": _display(value.expires)} if value.expires else {}
    sizes = {JobStatus.CANCELLED: "0 MB", JobStatus.COMPLETED: "753 MB"}
    sizes[JobStatus.COMPLETED_WITH_WARNINGS] = "753 MB" if value.outcome.data else "0 MB"
    size = sizes.get(value.status) if value.is_backup else None
    return bag | ({"Backup Size": size} if size else {})


def _restore_tasks(value: Job, _now: datetime) -> list[Json]:
    task = {"taskId": "Transfer data from vault", "duration": "PT0S", "status": value.status}
    return [task | {"taskType": "Normal"}]


def _tasks(value: Job, now: datetime) -> list[Json]:
    """The snapshot, and the transfer, which is only reached by a backup whose snapshot succeeds."""
    done = value.status.made_recovery_point
    begun = {
        "startTime": brief_instant(value.start_time),
        "endTime": brief_instant(value.end_time) if value.end_time else UNSET,
        "duration": duration((value.end_time or now) - value.start_time),
    }
    never_begun = {"startTime": UNSET, "endTime": UNSET, "duration": "PT0S"}
    return [
        {
            "taskId": "Take Snapshot",
            **begun,
            "status": JobStatus.COMPLETED if done else value.status,
            "taskType": "Normal",
        },
        {
            "taskId": "Transfer data to vault",
            **(begun if done else never_begun),
            "status": _transfer(value),
            "taskType": "Normal",
        },
    ]


def _transfer(value: Job) -> str:
    """How the transfer of a VM's backup went, which is all that a backup may warn of."""
    if value.status in {JobStatus.CANCELLING, JobStatus.CANCELLED}:
        return value.status
    if not value.status.made_recovery_point:
        return "NotStarted"
    if value.outcome.data:
        return JobStatus.COMPLETED
    cancelled = value.outcome.error and "Cancelled" in value.outcome.error.title
    return JobStatus.CANCELLED if cancelled else JobStatus.FAILED


def _display(time: datetime) -> str:
    """A date as the portal shows it: `5/22/2024 7:00:29 AM`."""
    hour = time.hour % _NOON or _NOON
    return f"{time.month}/{time.day}/{time.year} {hour}:{time:%M:%S} {'AM' if time.hour < _NOON else 'PM'}"


# ---- shares and databases ----------------------------------------------------------------------------------


def _one_task(value: Job) -> list[Json]:
    """The task of a backup or restore that is no VM's; other operations have none, nor have restores of shares."""
    is_share = value.item.workload.management_type == "AzureStorage"
    match value.operation:
        case "Backup":
            snapshot = is_share or value.kind.startswith("Snapshot")
            name = "Take Snapshot" if snapshot else "Transfer data to vault"
        case "Restore" if not is_share:
            name = "Transfer data from vault"
        case "RestoreWithRehydrate":
            name = "Rehydrate from Archive storage"
        case _:
            return []
    return [{"taskId": name, "taskType": "Normal", "status": value.status}]


def _bag(value: Job) -> Json:
    """What the portal shows of a job, as text."""
    is_share = value.item.workload.management_type == "AzureStorage"
    match value.operation:
        case "Backup":
            return _backup_bag(value, is_share=is_share)
        case "Restore":
            return _share_restored(value) if is_share else _database_restored(value)
        case "RestoreWithRehydrate":
            return {"Rehydration Priority": "High", "Rehydrated Recovery Point Retention": "P15D"}
        case "MoveRecoveryPoint":
            return {"Recovery Point Time": f"{_point(value):%m/%d/%Y %H:%M:%S}"}
    bag: Json = {"File Share Name": value.item.friendly_name} if is_share else {}
    if value.operation == "ConfigureBackup":
        account = {"Storage Account Name": value.item.parent} if is_share else {}
        return bag | account | {"Policy Name": value.item.policy.name}
    return bag


def _backup_bag(value: Job, *, is_share: bool) -> Json:
    bag: Json = {"File Share Name": value.item.friendly_name} if is_share else {}
    if not value.status.running:
        moved = value.status.made_recovery_point and value.outcome.data and not is_share
        bag["Data Transferred (in MB)"] = "20.1147" if moved else "0"
    if is_share:
        bag["Whether job is adhoc or scheduled."] = str(value.user_triggered)
    return bag


def _share_restored(value: Job) -> Json:
    item = value.item
    return {
        "Source File Share Name": item.friendly_name,
        "Source Storage Account Name": item.parent,
        "RestoreRecoveryPointTime": _display(_point(value)),
        "Job Type": "Recovering to the original file share",
        "RestoreDestination": f"{item.parent}/{item.friendly_name}/",
        "Data Transferred (in MB)": "0",
        "Number Of Restored Files": "0",
        "Number Of Skipped Files": "0",
        "Number Of Failed Files": "0",
    }


def _database_restored(value: Job) -> Json:
    return {
        "Data Transferred (in MB)": "0",
        "Job Type": "Restore as files",
        "RestoreRecoveryPointTime": f"{_point(value):%Y-%m-%d %H:%M:%SZ}",
        "RestoreDestination": "C:",
    }


def _point(value: Job) -> datetime:
    """When the recovery point was made that is restored or moved."""
    return value.item.last_recovery_point(value.start_time) or value.start_time
