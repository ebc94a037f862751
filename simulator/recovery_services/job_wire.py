"""The wire format of jobs and of the operations that start and stop them.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/job-details/get describes them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from simulator.arm.wire import UNSET, Json, brief_instant, duration, envelope
from simulator.estate.inventory import Job, Operation
from simulator.estate.outcomes import JobStatus

_KIND = "Microsoft.RecoveryServices/vaults/backupJobs"
_NOON = 12


def job(value: Job, now: datetime) -> Json:
    """A job as lists show it."""
    return envelope(value.id, value.name, _KIND, _job(value, now))


def job_details(value: Job, now: datetime) -> Json:
    """A job as it is shown by itself: with its tasks."""
    return envelope(value.id, value.name, _KIND, _job(value, now, _extended_info(value, now)))


def operation_status(value: Operation, now: datetime) -> Json:
    """Where an operation stands. Succeeded means that its job exists, not that the job has ended."""
    ready = now >= value.ready
    status: Json = {
        "id": value.id,
        "name": value.id,
        "status": "Succeeded" if ready else "InProgress",
        "startTime": brief_instant(value.start_time),
        "endTime": brief_instant(value.start_time) if ready else UNSET,
    }
    return status | ({"properties": operation_job(value)} if ready else {})


def operation_job(value: Operation) -> Json:
    """The bare GUID of the job that an operation made."""
    return {"objectType": "OperationStatusJobExtendedInfo", "jobId": value.job.name}


def error_details(value: Job) -> Json | None:
    """The one entry of a job's errorDetails; None: it has no error.

    What there is of it differs: jobs of file shares have no title, those of agents not even a number.
    """
    error = value.error
    if error is None:
        return None
    details: Json = {
        "errorCode": error.code,
        "errorTitle": error.title,
        "errorString": error.message,
        "recommendations": list(error.recommendations),
    }
    for key in _ABSENT[value.item.workload.management_type]:
        del details[key]
    return details


def entity_name(value: Job) -> str:
    """What a job calls its item."""
    item, workload = value.item, value.item.workload
    if workload.management_type == "AzureIaasVM":
        return _machine_name(value)
    if value.operation == "Register":
        return item.source_name
    if workload.management_type != "AzureWorkload" or not value.moves_data:
        return item.friendly_name
    name = item.friendly_name
    if workload.lower_while_running and value.status.running:
        name = name.lower()
    return f"{name} [{item.server_name}]"


def _machine_name(value: Job) -> str:
    """Lower-cased, but where backup data are deleted."""
    name = value.item.friendly_name
    return name if value.operation == "DeleteBackupData" else name.lower()


#: What errorDetails lack, by backup management type.
_ABSENT: Mapping[str, Sequence[str]] = {
    "AzureIaasVM": (),
    "AzureStorage": ("errorTitle",),
    "AzureWorkload": (),
    "MAB": ("errorCode", "errorTitle"),
    "DPM": ("errorCode", "errorTitle"),
}


def _job(value: Job, now: datetime, details: Json | None = None) -> Json:
    """The properties in the order in which the service writes them."""
    before, after = _SHAPES[value.item.workload.management_type](value)
    error = error_details(value)
    properties: Json = {
        "jobType": value.item.workload.job_type,
        **before,
        "duration": duration((value.end_time or now) - value.start_time),
        **({"errorDetails": [error]} if error else {}),
        **after,
        **({"extendedInfo": details} if details else {}),
        **_user_triggered(value),
        "entityFriendlyName": entity_name(value),
        "backupManagementType": value.item.workload.management_type,
        "operation": value.shown_operation,
        "status": value.status,
        "startTime": brief_instant(value.start_time),
    }
    if value.end_time:
        properties["endTime"] = brief_instant(value.end_time)
    return properties | {"activityId": value.activity_id}


def _user_triggered(value: Job) -> Json:
    """Jobs of VMs and of agents do not say who started them."""
    says = value.item.workload.management_type in {"AzureStorage", "AzureWorkload"}
    return {"isUserTriggered": value.user_triggered} if says else {}


def _actions(value: Job) -> Json:
    """Also of a job that has ended."""
    return {"actionsInfo": ["Cancellable"]} if value.is_cancellable else {}


def _machine(value: Job) -> tuple[Json, Json]:
    before = _actions(value) | {"containerName": value.item.container_name}
    return before, {"virtualMachineVersion": "Compute"}


def _share(value: Job) -> tuple[Json, Json]:
    return {}, {"storageAccountName": value.item.parent, "storageAccountVersion": "Storage"}


def _database(value: Job) -> tuple[Json, Json]:
    return _actions(value) | {"workloadType": value.item.workload.name}, {}


def _agent(value: Job) -> tuple[Json, Json]:
    server = {"mabServerName": value.item.server_name, "mabServerType": value.item.workload.container_type}
    return server | {"workloadType": value.item.workload.shown_type}, {}


def _dpm(value: Job) -> tuple[Json, Json]:
    workload = value.item.workload
    server = {"dpmServerName": value.item.server_name, "containerName": value.item.container_name}
    return server | {"containerType": workload.container_type, "workloadType": workload.shown_type}, {}


#: What stands before and after the duration, by backup management type.
_SHAPES = {
    "AzureIaasVM": _machine,
    "AzureStorage": _share,
    "AzureWorkload": _database,
    "MAB": _agent,
    "DPM": _dpm,
}


def _extended_info(value: Job, now: datetime) -> Json:
    if value.item.workload.management_type != "AzureIaasVM":
        return {"tasksList": _one_task(value), "propertyBag": _bag(value)}
    info: Json = {
        "tasksList": _tasks(value, now) if value.is_backup else [],
        "propertyBag": {"VM Name": _machine_name(value), **_machine_bag(value)},
    }
    return info | ({"internalPropertyBag": {"IsInstantRpJob": "True"}} if value.is_backup else {})


def _machine_bag(value: Job) -> Json:
    """What the portal shows of a VM's job besides the name."""
    match value.operation:
        case "ConfigureBackup":
            return {"Policy Name": value.item.policy.name}
        case "DeleteBackupData":
            return {"Number of Recovery Points": str(value.item.recovery_points(value.start_time))}
    bag = {"Recovery Point Expiry Time in UTC": _display(value.expires)} if value.expires else {}
    sizes = {JobStatus.CANCELLED: "0 MB", JobStatus.COMPLETED: "753 MB"}
    size = sizes.get(value.status) if value.is_backup else None
    return bag | ({"Backup Size": size} if size else {})


def _one_task(value: Job) -> list[Json]:
    """The task of a backup that is no VM's; other operations have none."""
    is_share = value.item.workload.management_type == "AzureStorage"
    name = "Take Snapshot" if is_share or value.kind.startswith("Snapshot") else "Transfer data to vault"
    return [{"taskId": name, "status": value.status}] if value.is_backup else []


def _bag(value: Job) -> Json:
    """What the portal shows of a job, as text."""
    is_share = value.item.workload.management_type == "AzureStorage"
    bag: Json = {"File Share Name": value.item.friendly_name} if is_share else {}
    if value.operation == "ConfigureBackup":
        account = {"Storage Account Name": value.item.parent} if is_share else {}
        return bag | account | {"Policy Name": value.item.policy.name}
    if value.status.made_recovery_point and value.moves_data:
        bag["Data Transferred (in MB)"] = "0" if is_share else "20.1147"
    if is_share and value.is_backup:
        bag["Whether job is adhoc or scheduled."] = str(value.user_triggered)
    return bag


def _tasks(value: Job, now: datetime) -> list[Json]:
    """The snapshot, and the transfer, which is only reached by a backup that succeeds."""
    done = value.status.made_recovery_point
    begun = {
        "startTime": brief_instant(value.start_time),
        "endTime": brief_instant(value.end_time) if value.end_time else UNSET,
        "duration": duration((value.end_time or now) - value.start_time),
    }
    never_begun = {"startTime": UNSET, "endTime": UNSET, "duration": "PT0S"}
    cancelled = value.status in {JobStatus.CANCELLING, JobStatus.CANCELLED}
    snapshot = JobStatus.COMPLETED if done else value.status
    transfer = snapshot if done or cancelled else "NotStarted"
    return [
        {"taskId": "Take Snapshot", **begun, "status": snapshot, "taskType": "Normal"},
        {
            "taskId": "Transfer data to vault",
            **(begun if done else never_begun),
            "status": transfer,
            "taskType": "Normal",
        },
    ]


def _display(time: datetime) -> str:
    """A date as the portal shows it: `5/22/2024 7:00:29 AM`."""
    hour = time.hour % _NOON or _NOON
    return f"{time.month}/{time.day}/{time.year} {hour}:{time:%M:%S} {'AM' if time.hour < _NOON else 'PM'}"
