"""The wire format of jobs and of the operations that start and stop them.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/job-details/get describes them.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from simulator.arm.wire import UNSET, Json, brief_instant, duration, envelope
from simulator.estate.inventory import Job, Operation
from simulator.recovery_services import job_info
from simulator.recovery_services.job_info import machine_name

_KIND = "Microsoft.RecoveryServices/vaults/backupJobs"


def job(value: Job, now: datetime) -> Json:
    """A job as lists show it."""
    return envelope(value.id, value.name, _KIND, _job(value, now))


def job_details(value: Job, now: datetime) -> Json:
    """A job as it is shown by itself: with its tasks."""
    return envelope(value.id, value.name, _KIND, _job(value, now, job_info.extended_info(value, now)))


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


def entity_name(value: Job, at: datetime) -> str:
    """What a job called its item then; a young job of a database names the database alone."""
    item, workload = value.item, value.item.workload
    if item.entity_name and not value.is_young_at(at):
        return item.entity_name
    if workload.management_type == "AzureIaasVM":
        return machine_name(value)
    if value.operation == "Register":
        return item.source_name
    name = item.friendly_name
    if workload.management_type != "AzureWorkload" or value.operation in _OF_PROTECTION:
        return name
    if workload.lower_while_running and value.status_at(at).running:
        name = name.lower()
    return name if value.is_young_at(at) else f"{name} [{item.server_name}]"


#: Operations on the protection of a database, whose jobs name only the database.
_OF_PROTECTION = frozenset({"ConfigureBackup", "DisableBackup", "DeleteBackupData", "Undelete"})
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
    if value.is_backup and value.is_young_at(now):
        before.pop("workloadType", None)
    error = error_details(value)
    properties: Json = {
        "jobType": value.item.workload.job_type,
        **before,
        "duration": duration((value.end_time or now) - value.start_time),
        **({"errorDetails": [error]} if error else {}),
        **after,
        **({"extendedInfo": details} if details else {}),
        **_user_triggered(value),
        "entityFriendlyName": entity_name(value, now),
        "backupManagementType": value.item.workload.management_type,
        "operation": value.shown_operation(now),
        "status": value.status,
        "startTime": brief_instant(value.start_time),
    }
    if value.end_time:
        properties["endTime"] = brief_instant(value.end_time)
    return properties | {"activityId": value.activity_id}


def _user_triggered(value: Job) -> Json:
    """Jobs of VMs and of agents do not say who started them; those of shares say that nobody did."""
    match value.item.workload.management_type:
        case "AzureStorage":
            return {"isUserTriggered": False}
        case "AzureWorkload":
            return {"isUserTriggered": value.user_triggered}
    return {}


def _actions(value: Job) -> Json:
    """Also of a job that has ended."""
    return {"actionsInfo": ["Cancellable"]} if value.is_cancellable else {}


def _machine(value: Job) -> tuple[Json, Json]:
    before = _actions(value) | {"containerName": value.item.container_name}
    return before, {"virtualMachineVersion": "Compute"}


def _share(value: Job) -> tuple[Json, Json]:
    version = {"Backup": "MicrosoftStorage", "Restore": "ClassicCompute"}.get(value.operation, "Storage")
    account = {"storageAccountName": value.item.parent, "storageAccountVersion": version}
    return _actions(value), account


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
