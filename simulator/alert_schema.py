"""The built-in alert "Backup Failure" of a VM in the common alert schema.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from simulator.inventory import Item, Job, Vault
from simulator.wire import instant

Json = dict[str, Any]


def backup_failure(job: Job, *, alert_guid: str, fired: datetime) -> Json:
    """What an action group posts when `job` has failed.

    As in real payloads the vault's id is lower-cased in `alertTargetIDs` and keeps its casing in
    `protectedItemId`, and no field holds an error code.
    """
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": _essentials(job, alert_guid, fired),
            "alertContext": _alert_context(job),
            "customProperties": None,
        },
    }


def alert_id(vault: Vault, alert_guid: str) -> str:
    """The ARM id of the alert."""
    return f"/subscriptions/{vault.subscription_id}/providers/Microsoft.AlertsManagement/alerts/{alert_guid}"


def _essentials(job: Job, alert_guid: str, fired: datetime) -> Json:
    vault = job.vault
    identity = alert_id(vault, alert_guid)
    return {
        "alertId": identity,
        "alertRule": "Backup Failure",
        "severity": "Sev1",
        "signalType": "Log",
        "monitorCondition": "Fired",
        "monitoringService": "Azure Backup",
        "alertTargetIDs": [vault.id.lower()],
        "configurationItems": [vault.name],
        "originAlertId": f"{_ticks(fired)}_{job.name.replace('-', '')}{_error_title(job).lower()}",
        "firedDateTime": instant(fired),
        "description": job.error.message if job.error else "",
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
        "investigationLink": "https://portal.azure.com/#view/Microsoft_Azure_Monitoring_Alerts/"
        f"Issue.ReactView/alertId/{quote(identity, safe='')}",
        "region": vault.location,
        "targetResourceType": "microsoft.recoveryservices/vaults",
        "targetResourceGroup": vault.resource_group.lower(),
    }


def _alert_context(job: Job) -> Json:
    item = job.item
    source = f"{item.source_resource_id}/providers/Microsoft.RecoveryServices/backupProtectedItem/{item.name}"
    return {
        "alertVersionNumber": "V2020_10",
        "category": "Jobs",
        "sourceId": source,
        "sourceType": "VM",
        "sourceVersion": "IaasVMContainer",
        "formattedSourceType": "AzureIaasVM",
        "affectedItems": source,
        "protectedItemId": item.id,
        "linkedResourceId": item.source_resource_id,
        "linkedResourceName": item.friendly_name,
        "firstLevelContainerId": _container_id(item),
        "secondLevelContainerId": None,
        "extendedInfo": {
            "jobId": job.name,
            "occurrenceCount": 1,
            "possibleCauses": None,
            "recommendedActions": " ".join(job.error.recommendations) if job.error else "",
        },
    }


def _container_id(item: Item) -> str:
    """`iaasvmcontainerv2;rg;vm`, without the container type that may stand before it."""
    return item.container_name.removeprefix("IaasVMContainer;")


def _error_title(job: Job) -> str:
    return job.error.title if job.error else ""


def _ticks(time: datetime) -> int:
    """Microseconds, counted downwards so that newer alerts sort first."""
    return 9_999_999_999_999_999 - int(time.timestamp() * 1_000_000)
