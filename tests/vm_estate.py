"""An estate of VMs on the simulator, and the alerts that its failed backups raise."""

from typing import Any
from uuid import uuid4

Json = dict[str, Any]
SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"


def vault_id(name: str = "vault-1") -> str:
    """The ARM id of a vault of the estate."""
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-backup"
    return f"{group}/providers/Microsoft.RecoveryServices/vaults/{name}"


def item_id(vm: str) -> str:
    """The ARM id of a VM's protected item in vault-1."""
    name = f"iaasvmcontainerv2;rg-app;{vm}"
    container = f"{vault_id()}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}"
    return f"{container}/protectedItems/VM;{name}"


def estate(vms: int, **settings: Any) -> Json:
    """One vault of so many VMs (vm-01, vm-02 …), nobody told of alerts, a topic of either event schema.

    The on-demand backups of `fails-once` and `fails-always` do; who retries `asks-first` has to ask first.
    """
    failure = {"status": "Failed", "seconds": 0, "error": "CloudInternalError"}
    items: list[Json] = [{"vm": f"vm-{number:02}"} for number in range(1, vms + 1)]
    items += [{"vm": "fails-once", "next_outcomes": [failure]}]
    items += [{"vm": "fails-always", "next_outcomes": [failure] * 9}]
    items += [{"vm": "asks-first", "tags": {"Backup-Retry": "ask", "backup-retry-profile": "night"}}]
    return {
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Test"}],
        "vaults": [
            {
                "subscription": SUBSCRIPTION,
                "resource_group": "rg-backup",
                "name": "vault-1",
                "items": [{"resource_group": "rg-app", **item} for item in items],
            }
        ],
        "action_groups": [],
        "event_subscriptions": [
            {"name": "grid", "topic": "grid", "schema": "EventGridSchema"},
            {"name": "cloud", "topic": "cloud", "schema": "CloudEventSchemaV1_0"},
        ],
        "settings": {
            "backup_seconds": 0.2,
            "operation_seconds": 0.1,
            "delivery_pace": 0.02,
            "hourly_reads": 10**6,
            **settings,
        },
    }


def backup_failure(vm: str, job: str | None = None) -> Json:
    """The built-in alert of a VM, as an action group posts it; without a job it names the item only."""
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {
            "essentials": {
                "alertId": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.AlertsManagement/alerts/{uuid4()}",
                "alertRule": "Backup Failure",
                "severity": "Sev1",
                "signalType": "Log",
                "monitorCondition": "Fired",
                "monitoringService": "Azure Backup",
                "alertTargetIDs": [vault_id().lower()],
                "firedDateTime": "2026-03-13T11:56:13.9392346Z",
                "description": "The backup failed.",
                "essentialsVersion": "1.0",
            },
            "alertContext": {
                "category": "Jobs",
                "protectedItemId": item_id(vm),
                "extendedInfo": {"jobId": job, "occurrenceCount": 1, "possibleCauses": None},
            },
            "customProperties": None,
        },
    }
