"""The built-in alerts "Backup Failure" and "Restore Failure" in the common alert schema.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from simulator.estate.inventory import Item, Job
from simulator.estate.workloads import DATA_PROTECTION
from simulator.monitor.alert_envelope import AlertRule, alert_id, envelope, fired_by

Json = dict[str, Any]


def job_failure(job: Job, *, alert_guid: str, fired: datetime) -> Json:
    """What an action group posts when `job` has failed.

    As in real payloads the vault's id is lower-cased in `alertTargetIDs` and keeps its casing in
    `protectedItemId`, and no field holds an error code.
    """
    backup_vault = job.vault.provider == DATA_PROTECTION
    context = _backup_vault_context(job) if backup_vault else _alert_context(job)
    extended = {
        "jobId": job.name,
        "occurrenceCount": 1,
        "possibleCauses": None,
        "recommendedActions": " ".join(job.error.recommendations) if job.error else "",
    }
    head = {"alertVersionNumber": "V2020_10", "category": "Jobs"}
    essentials = _essentials(job, alert_id(job.vault.subscription_id, alert_guid), fired)
    return envelope(essentials, head | context | {"extendedInfo": extended})


def _essentials(job: Job, identity: str, at: datetime) -> Json:
    vault = job.vault
    rule = AlertRule(
        name="Backup Failure" if job.is_backup else "Restore Failure",
        severity="Sev1",
        signal_type="Log",
        monitoring_service="Azure Backup",
        description=job.error.message if job.error else "",
    )
    origin = f"{_ticks(at)}_{job.name.replace('-', '')}{_error_title(job).lower()}"
    return fired_by(rule, identity, [vault.id], origin=origin, at=at) | {
        "investigationLink": "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/"
        f"Issue.ReactView/alertId/{quote(identity, safe='')}",
        "region": vault.location,
        "targetResourceType": vault.type.lower(),
        "targetResourceGroup": vault.resource_group.lower(),
    }


def _alert_context(job: Job) -> Json:
    item, workload = job.item, job.item.workload
    source_id = item.source_resource_id or job.vault.id
    item_id = _item_id(item)
    name = item_id.rpartition("/")[2]
    source = f"{source_id}/providers/Microsoft.RecoveryServices/backupProtectedItem/{name}"
    container = item_id.rpartition("/protectedItems/")[0].rpartition("/")[2]
    return {
        "sourceId": source,
        "sourceType": workload.name,
        "sourceVersion": workload.alert_version,
        "formattedSourceType": workload.alert_type,
        "affectedItems": source,
        "protectedItemId": item_id,
        "linkedResourceId": source_id,
        "linkedResourceName": item.source_name,
        "firstLevelContainerId": container.partition(";")[2],
        "secondLevelContainerId": None,
    }


def _backup_vault_context(job: Job) -> Json:
    """No payload of a Backup vault is public; this has the keys of one of a Recovery Services vault."""
    item = job.item
    return {
        "sourceId": item.source_resource_id,
        "sourceType": item.workload.name,
        "sourceVersion": None,
        "formattedSourceType": item.workload.name,
        "affectedItems": item.id,
        "protectedItemId": item.id,
        "linkedResourceId": item.source_resource_id,
        "linkedResourceName": item.source_name,
        "firstLevelContainerId": None,
        "secondLevelContainerId": None,
    }


def _item_id(item: Item) -> str:
    """The ARM id; of a database it keeps the casing of its owners, where the service itself lower-cases it."""
    workload = item.workload
    if workload.management_type != "AzureWorkload":
        return item.id
    container = f"{workload.container_type};Compute;{item.resource_group};{item.parent}"
    name = ";".join(filter(None, (workload.name, item.instance, item.friendly_name)))
    return f"{item.vault.id}/backupFabrics/Azure/protectionContainers/{container}/protectedItems/{name}"


def _error_title(job: Job) -> str:
    return job.error.title if job.error else ""


def _ticks(time: datetime) -> int:
    """Microseconds, counted downwards so that newer alerts sort first."""
    return 9_999_999_999_999_999 - int(time.timestamp() * 1_000_000)
