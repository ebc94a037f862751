"""The wire format of Backup vaults' jobs and of the operations that start them.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/dataprotection/jobs/get describes them. What
is not set is null, except in an operation.
"""

import base64
import binascii
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from simulator.arm.wire import UNSET, brief_instant, duration, envelope, policy_id, timespan
from simulator.data_protection.vault_wire import shown_name, store
from simulator.estate.inventory import Job, Operation
from simulator.estate.outcomes import JobError, JobStatus

Json = dict[str, Any]

_KIND = "Microsoft.DataProtection/backupVaults/backupJobs"
_OPERATIONS = {
    "ConfigureBackup": "ConfigureProtection",
    "DisableBackup": "StopProtection",
    "DeleteBackupData": "DeleteBackupInstance",
}
#: Data stores have other names in jobs than in policies.
_STORES = {"OperationalStore": "OperationalTierStore", "VaultStore": "VaultStore"}


def job(value: Job, at: datetime) -> Json:
    """A job as lists showed it at a time: the duration as a time span, no extendedInfo."""
    return _resource(
        value, _job(value, at) | {"duration": timespan(_length(value, at)).removesuffix(".0000000")}
    )


def job_details(value: Job, at: datetime) -> Json:
    """A job as it was shown by itself at a time: the duration is PT0S until it ends."""
    shown = {"duration": duration(_length(value, at)), "extendedInfo": extended_info(value, at)}
    return _resource(value, _job(value, at) | shown)


def extended_info(value: Job, at: datetime) -> Json:
    """What a job used and had done at a time."""
    point, moved, status = None, None, value.status_at(at)
    if status.made_recovery_point and value.is_backup:
        point = {"recoveryPointID": uuid.UUID(value.name).hex, "recoveryPointTime": f"{UNSET}Z"}
        moved = 616490449.0 * value.outcome.data if value.item.workload.progress else None
    warning = value.error_at(at) if status is JobStatus.COMPLETED_WITH_WARNINGS else None
    return {
        "backupInstanceState": None,
        "dataTransferredInBytes": moved,
        "targetRecoverPoint": point if value.outcome.data else None,
        "sourceRecoverPoint": None,
        "recoveryDestination": None,
        "subTasks": [_sub_task(value, status)],
        "additionalDetails": {"RetentionTag": value.retention_tag} if value.is_backup else None,
        "warningDetails": _warnings(value, warning) if warning else None,
    }


def operation_status(value: Operation, scope: str, now: datetime) -> Json:
    """Where an operation stands that is asked for under `scope`. Succeeded means that its job exists."""
    name, ready = operation_name(value), now >= value.ready
    status: Json = {
        "id": f"{scope}/operationStatus/{name}",
        "name": name,
        "status": "Succeeded" if ready else "Inprogress",
        "startTime": brief_instant(value.start_time),
        "endTime": f"{value.ready.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if ready else f"{UNSET}Z",
    }
    return status | ({"properties": operation_job(value)} if ready else {})


def operation_job(value: Operation) -> Json:
    """The whole ARM id of the job that an operation made."""
    return {"jobId": value.job.id, "objectType": "OperationJobExtendedInfo"}


def operation_name(value: Operation) -> str:
    """Base64 of two GUIDs, the first of which is the operation's."""
    second = uuid.uuid5(uuid.NAMESPACE_OID, value.id)
    return base64.b64encode(f"{value.id};{second}".encode()).decode()


def operation_id(name: str) -> str:
    """The operation of that name; "" if there is none."""
    try:
        return base64.b64decode(name, validate=True).decode().partition(";")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def user_facing(error: JobError) -> Json:
    """One entry of errorDetails with those within it, in which it is often said once more what the innermost is."""
    return {
        "message": error.message,
        "recommendedAction": list(error.recommendations),
        "details": [user_facing(each) for each in error.details] or None,
        "code": error.title,
        "target": error.target,
        "innerError": error.inner,
        "isRetryable": error.retryable,
        "isUserError": error.user_error,
        "properties": None,
    }


def _resource(value: Job, properties: Json) -> Json:
    return envelope(value.id, value.name, _KIND, properties)


def _end(value: Job, at: datetime) -> datetime | None:
    return None if value.status_at(at).running else value.end_time


def _length(value: Job, at: datetime) -> timedelta:
    return (_end(value, at) or value.start_time) - value.start_time


def _job(value: Job, at: datetime) -> Json:
    item, vault, status, end = value.item, value.vault, value.status_at(at), _end(value, at)
    error = value.error_at(at) if status is JobStatus.FAILED else None
    operation = _OPERATIONS.get(value.operation, value.operation)
    stored = value.is_backup and not status.running and not item.workload.part
    return {
        "activityID": value.activity_id,
        "subscriptionId": vault.subscription_id,
        "backupInstanceId": item.id,
        "policyId": policy_id(item.policy, vault),
        "dataSourceId": item.source_resource_id,
        "vaultName": vault.name,
        "backupInstanceFriendlyName": shown_name(item),
        "policyName": item.policy.name,
        "sourceResourceGroup": item.resource_group,
        "dataSourceSetName": item.source_name if item.workload.has_set else None,
        "dataSourceName": item.friendly_name,
        "sourceDataStoreName": None,
        "sourceDataStoreType": None,
        "destinationDataStoreName": _STORES[store(item.policy)] if stored else None,
        "progressEnabled": item.workload.progress,
        "etag": f"W/\"datetime'{quote(brief_instant(end or value.start_time))}'\"",
        "sourceSubscriptionID": vault.subscription_id,
        "dataSourceLocation": vault.location,
        "startTime": brief_instant(value.start_time),
        "endTime": brief_instant(end) if end else None,
        "dataSourceType": item.workload.name,
        "operationCategory": operation if value.moves_data else "Management",
        "operation": operation,
        "status": status,
        "restoreType": "ALR" if value.operation == "Restore" else None,
        "isUserTriggered": value.user_triggered,
        "rehydrationPriority": None,
        "supportedActions": _actions(value, status),
        "duration": None,
        "progressUrl": None,
        "isCrossRegionRestore": None,
        "errorDetails": [user_facing(_nested(error))] if error else None,
        "extendedInfo": None,
    }


def _sub_task(value: Job, status: JobStatus) -> Json:
    ended = {
        "OriginalDatasourceSizeInBytes": "4294967296",
        "TaskId": value.activity_id,
        "DatasourceType": value.item.workload.name,
    }
    return {
        "taskId": 1,
        "taskName": f"Trigger {value.operation}",
        "taskStatus": status,
        "taskProgress": None,
        "additionalDetails": None if status.running else ended,
    }


def _nested(error: JobError) -> JobError:
    """An error as jobs most often have it: said once more within itself, unless it is known what is there."""
    return error if error.details else replace(error, details=(error,))


def _warnings(value: Job, warning: JobError) -> list[Json]:
    return [{"resourceName": value.item.friendly_name, "warning": user_facing(warning)}]


def _actions(value: Job, status: JobStatus) -> list[str]:
    """What can be done to a job; on one that somebody has started an empty text stays where nothing can."""
    if value.is_backup and value.is_cancellable:
        return ["Cancellable"]
    return [""] if status.running or value.user_triggered else []
