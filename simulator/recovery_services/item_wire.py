"""The wire format of protected items and their containers, one shape for each backup management type.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/protected-items/get describes them.
"""

import zlib
from datetime import datetime, timedelta

from simulator.arm.wire import Json, brief_instant, envelope, policy_id
from simulator.estate.inventory import Item
from simulator.estate.outcomes import CANCELLED_BY_USER, JobError, JobStatus
from simulator.estate.workloads import SQL_DATABASE

#: What a VM shows as its last backup's time before the first; others show none.
NEVER = "2001-01-01T00:00:00Z"

_CONTAINER = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers"
#: How a last backup went: well, badly, not at all yet.
_WORDS = ("Completed", "Failed", "")
_DATABASE_WORDS = ("Healthy", "Unhealthy", "IRPending")


def item(value: Item, now: datetime) -> Json:
    """A protected item."""
    properties = _SHAPES[value.workload.management_type](value, now)
    return envelope(value.id, value.name, f"{_CONTAINER}/protectedItems", properties)


def listed(value: Item, now: datetime) -> Json:
    """A protected item as lists show it: of databases without the summary of all recovery points."""
    shown = item(value, now)
    if value.workload.management_type == "AzureWorkload":
        del shown["properties"]["extendedInfo"]
    return shown


def container(value: Item) -> Json:
    """The protection container of an item."""
    workload = value.workload
    properties = {
        "friendlyName": value.source_name,
        "backupManagementType": workload.management_type,
        "registrationStatus": "Registered",
        "healthStatus": "Healthy",
        "containerType": workload.container_type,
        "protectableObjectType": workload.container_type,
    }
    match workload.management_type:
        case "AzureIaasVM":
            properties |= {"virtualMachineId": value.source_resource_id, "virtualMachineVersion": "Compute"}
            properties["resourceGroup"] = value.resource_group
        case "AzureStorage":
            properties |= {"sourceResourceId": value.source_resource_id, "storageAccountVersion": "Storage"}
            properties["resourceGroup"] = value.resource_group
        case "AzureWorkload":
            properties |= {"sourceResourceId": value.source_resource_id, "workloadType": workload.name}
    return envelope(value.container_id, value.container_id.rpartition("/")[2], _CONTAINER, properties)


def last_backup(value: Item, at: datetime) -> Json:
    """An item's fields about its backups, as far as was known at `at`."""
    last, recovery_point = value.last_backup(at), value.last_recovery_point(at)
    is_database = value.workload.management_type == "AzureWorkload"
    good, bad, never = _DATABASE_WORDS if is_database else _WORDS
    said: Json = {"lastBackupStatus": never}
    if last is not None:
        status = good if last.status_at(at).made_recovery_point else bad
        if is_database and recovery_point is None:
            status = never
        elif not is_database and last.status_at(at) is JobStatus.COMPLETED_WITH_WARNINGS:
            status = JobStatus.COMPLETED_WITH_WARNINGS
        said = {"lastBackupStatus": status, "lastBackupTime": brief_instant(last.start_time)}
    elif value.backed_up_before:
        said = {"lastBackupStatus": good, "lastBackupTime": brief_instant(value.backed_up_before)}
    elif value.workload.management_type == "AzureIaasVM":
        said["lastBackupTime"] = NEVER
    return said | ({"lastRecoveryPoint": brief_instant(recovery_point)} if recovery_point else {})


def _machine(value: Item, now: datetime) -> Json:
    properties: Json = {
        "friendlyName": value.friendly_name,
        "virtualMachineId": value.source_resource_id,
        "protectionStatus": "Healthy",
        "protectionState": _state(value),
        "healthStatus": "Passed",
        **({} if value.protection_state == "IRPending" else _PRECHECK),
        **last_backup(value, now),
        "protectedItemDataId": _number(value),
        **(
            {"sourceSideScanning": 0} if value.protection_state == "IRPending" else {"extendedProperties": {}}
        ),
        **_identity(value),
        "policyName": value.policy.name,
        "vaultId": f"https://management.azure.com{value.vault.id}",
        "isArchiveEnabled": False,
        "softDeleteRetentionPeriod": 0,
        **_deleted(value, now),
    }
    trouble = _trouble(value, now)
    if trouble and properties["lastBackupStatus"] == "Failed":
        properties |= {"healthStatus": "ActionSuggested", "healthDetails": [_details(trouble)]}
    kpis = _kpis(trouble) | _restore_kpi(value, now)
    return properties | ({"kpisHealths": kpis} if trouble or len(kpis) > 1 else {})


#: What the check before each backup found; no check was made of a VM that was never backed up.
_PRECHECK: Json = {
    "healthDetails": [
        {
            "code": 400239,
            "title": "IaasVmHealthGreenDefault",
            "message": "Backup pre-check status of this virtual machine is OK.",
            "recommendations": [],
        }
    ]
}


def _share(value: Item, now: datetime) -> Json:
    """A file share: it does not say when its last recovery point was made."""
    trouble, backups = _trouble(value, now), last_backup(value, now)
    backups.pop("lastRecoveryPoint", None)
    return {
        "friendlyName": value.friendly_name,
        "protectionStatus": "Unhealthy" if trouble else "Healthy",
        "protectionState": _state(value),
        **backups,
        **({"kpisHealths": _kpis(trouble)} if trouble else {}),
        **_identity(value),
        **_deleted(value, now),
    }


def _database(value: Item, now: datetime) -> Json:
    """A database, or a HANA instance."""
    trouble, backups = _trouble(value, now), last_backup(value, now)
    backups.pop("lastRecoveryPoint", None)
    point = value.last_recovery_point(now)
    health = backups["lastBackupStatus"]
    pending = health == "IRPending"
    kpis = _kpis(None if pending else trouble) | _restore_kpi(value, now)
    properties: Json = {
        **({"kpisHealths": kpis} if "lastBackupTime" in backups else {}),
        **_server(value),
        "protectionStatus": "Unhealthy" if trouble and not pending else "Healthy",
        "protectionState": _state(value),
        **backups,
        **({} if health == "Healthy" else _last_error(trouble)),
        "protectedItemDataSourceId": _number(value),
        "protectedItemHealthStatus": health,
        "extendedInfo": _recovery_points(value, now),
        **_identity(value),
        "vaultId": f"https://management.azure.com{value.vault.id}",
        "softDeleteRetentionPeriod": 0,
        **_deleted(value, now),
    }
    return (
        properties
        | ({"lastRecoveryPoint": _point(value, point)} if point else {})
        | {"isArchiveEnabled": False}
    )


def _point(value: Item, time: datetime) -> str:
    """When a recovery point was made: those of SQL databases are known to the second, and never before the backup."""
    if value.workload is SQL_DATABASE and time.microsecond:
        time = time.replace(microsecond=0) + timedelta(seconds=1)
    return brief_instant(time)


def _server(value: Item) -> Json:
    """The database, the machine and the instance or system that it belongs to."""
    workload, name = value.workload, value.friendly_name
    return {
        "friendlyName": name.lower() if workload.lower_while_running else name,
        "serverName": value.server_name,
        "parentName": value.instance or name,
        "parentType": workload.parent_type,
    }


def _last_error(trouble: JobError | None) -> Json:
    """A database that was never backed up has the error Success."""
    said: Json = {"code": "Success", "message": ""}
    if trouble:
        advice = list(trouble.recommendations)
        said = {"code": trouble.title, "message": trouble.message, "recommendations": advice}
    return {"lastBackupErrorDetail": said}


def _recovery_points(value: Item, now: datetime) -> Json:
    good = [job.start_time for job in value.jobs if job.is_backup and job.status_at(now).made_recovery_point]
    points = ([value.backed_up_before] if value.backed_up_before else []) + good
    info: Json = {"oldestRecoveryPoint": _point(value, min(points))} if points else {}
    info |= {"recoveryPointCount": value.recovery_points(now), "policyState": "Consistent"}
    return info | ({"recoveryModel": "FULL"} if value.workload is SQL_DATABASE else {})


def _agent(value: Item, now: datetime) -> Json:
    """Files of a machine with the MARS agent; the policy is the agent's own."""
    return {
        "friendlyName": value.friendly_name,
        "computerName": value.server_name,
        "protectionState": value.protection_state,
        **last_backup(value, now),
        **_identity(value),
    }


def _dpm(value: Item, now: datetime) -> Json:
    """Something that a DPM server or Azure Backup Server protects."""
    backups = last_backup(value, now)
    return {
        "friendlyName": value.friendly_name,
        "backupEngineName": value.server_name,
        "protectionState": value.protection_state,
        "extendedInfo": {"lastBackupStatus": backups.pop("lastBackupStatus"), "protected": True},
        **_identity(value),
    }


_SHAPES = {
    "AzureIaasVM": _machine,
    "AzureStorage": _share,
    "AzureWorkload": _database,
    "MAB": _agent,
    "DPM": _dpm,
}


def _identity(value: Item) -> Json:
    """What items of all kinds have; what is not in Azure has neither source nor policy there."""
    workload = value.workload
    identity = {
        "protectedItemType": workload.item_type,
        "backupManagementType": workload.management_type,
        "workloadType": workload.shown_type,
        "containerName": value.container_name,
    }
    if not workload.source_type:
        return identity
    policy = policy_id(value.policy, value.vault)
    return identity | {"sourceResourceId": value.source_resource_id, "policyId": policy}


def _number(value: Item) -> str:
    return str(zlib.crc32(value.id.encode()))


def _trouble(value: Item, now: datetime) -> JobError | None:
    """Why the last backup made no recovery point, or what it warns of; a cancelled one has no error on its job."""
    last = value.last_backup(now)
    if last is None or last.status.made_recovery_point:
        return last.error if last else None
    return last.error or CANCELLED_BY_USER


def _kpis(error: JobError | None) -> Json:
    """Where the string code of a failure stands on the item; None: the last backup went well."""
    return {"BackupOperationStatusKPI": _kpi(error)}


def _restore_kpi(value: Item, now: datetime) -> Json:
    """The same of the last restore, if there was one."""
    restores = [job for job in value.jobs if job.operation == "Restore" and not job.status_at(now).running]
    return {"RestoreOperationStatusKPI": _kpi(restores[-1].error)} if restores else {}


def _kpi(error: JobError | None) -> Json:
    status = "TransientDegraded" if error else "Healthy"
    return {"resourceHealthStatus": status, "resourceHealthDetails": [_details(error)]}


def _details(error: JobError | None) -> Json:
    return {
        "code": error.code if error else 0,
        "title": error.title if error else "Success",
        "message": error.message if error else "",
        "recommendations": list(error.recommendations) if error else [],
    }


def _state(value: Item) -> str:
    """The protection state; an item that was deleted and is kept for a while is one whose protection is stopped."""
    return "ProtectionStopped" if value.protection_state == "SoftDeleted" else value.protection_state


def _deleted(value: Item, now: datetime) -> Json:
    if value.protection_state != "SoftDeleted":
        return {}
    until = brief_instant(now + timedelta(days=14))
    return {"isScheduledForDeferredDelete": True, "deferredDeleteTimeInUTC": until}
