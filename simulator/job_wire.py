"""The wire format of jobs and of the operations that start and stop them.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/job-details/get describes them.
"""

from datetime import datetime

from simulator.inventory import Job, Operation
from simulator.outcomes import JobError, JobStatus
from simulator.wire import UNSET, Json, duration, envelope, instant

_KIND = "Microsoft.RecoveryServices/vaults/backupJobs"
_NOON = 12


def job(value: Job, now: datetime) -> Json:
    """A job as lists show it."""
    return envelope(value.id, value.name, _KIND, _job(value, now))


def job_details(value: Job, now: datetime) -> Json:
    """A job as it is shown by itself: with its tasks."""
    properties = _job(value, now) | {"extendedInfo": _extended_info(value, now)}
    return envelope(value.id, value.name, _KIND, properties)


def operation_status(value: Operation, now: datetime) -> Json:
    """Where an operation stands. Succeeded means that its job exists, not that the job has ended."""
    ready = now >= value.ready
    status: Json = {
        "id": value.id,
        "name": value.id,
        "status": "Succeeded" if ready else "InProgress",
        "startTime": instant(value.start_time),
        "endTime": instant(value.start_time) if ready else UNSET,
    }
    return status | ({"properties": operation_job(value)} if ready else {})


def operation_job(value: Operation) -> Json:
    """The bare GUID of the job that an operation made."""
    return {"objectType": "OperationStatusJobExtendedInfo", "jobId": value.job.name}


def error_details(error: JobError) -> Json:
    """One entry of a job's errorDetails."""
    return {
        "errorCode": error.code,
        "errorTitle": error.title,
        "errorString": error.message,
        "recommendations": list(error.recommendations),
    }


def _job(value: Job, now: datetime) -> Json:
    properties: Json = {"jobType": "AzureIaaSVMJob"}
    if value.operation in {"Backup", "Restore"}:
        properties["actionsInfo"] = ["Cancellable"]  # also of a job that has ended
    properties |= {
        "containerName": value.item.container_name,
        "duration": duration((value.end_time or now) - value.start_time),
    }
    if value.error:
        properties["errorDetails"] = [error_details(value.error)]
    properties |= {
        "virtualMachineVersion": "Compute",
        "entityFriendlyName": value.item.friendly_name.lower(),
        "backupManagementType": "AzureIaasVM",
        "operation": value.operation,
        "status": value.status,
        "startTime": instant(value.start_time),
    }
    if value.end_time:
        properties["endTime"] = instant(value.end_time)
    return properties | {"activityId": value.activity_id}


def _extended_info(value: Job, now: datetime) -> Json:
    bag = {"VM Name": value.item.friendly_name.lower()}
    if value.expires:
        bag["Recovery Point Expiry Time in UTC"] = _display(value.expires)
    if value.status.made_recovery_point:
        bag["Backup Size"] = "753 MB"
    info: Json = {"tasksList": _tasks(value, now) if value.is_backup else [], "propertyBag": bag}
    return info | ({"internalPropertyBag": {"IsInstantRpJob": "True"}} if value.is_backup else {})


def _tasks(value: Job, now: datetime) -> list[Json]:
    """The snapshot, and the transfer, which is only reached by a backup that succeeds."""
    done = value.status.made_recovery_point
    begun = {
        "startTime": instant(value.start_time),
        "endTime": instant(value.end_time) if value.end_time else UNSET,
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
