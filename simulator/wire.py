"""The wire format: the state's things as the JSON that Azure answers with. Jobs are in `job_wire`.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/ describes them.
"""

import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.inventory import Item, Policy, Subscription, Vault
from simulator.outcomes import CANCELLED_BY_USER, JobError

Json = dict[str, Any]

#: .NET's smallest date: unset. It has no Z.
UNSET = "0001-01-01T00:00:00"
#: What a VM shows as its last backup's time before the first.
NEVER = "2001-01-01T00:00:00Z"


def instant(time: datetime) -> str:
    """ISO 8601 in UTC with seven decimals, as .NET writes it."""
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def duration(length: timedelta) -> str:
    """ISO 8601 as .NET writes it: `PT8H20M31.6817424S`."""
    seconds = max(length.total_seconds(), 0)
    hours, rest = divmod(seconds, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{int(hours)}H" * bool(hours) + f"{int(minutes)}M" * bool(minutes)
    fraction = f"{rest:.6f}".rstrip("0").rstrip(".")
    return f"PT{text}{fraction}S" if rest or not text else f"PT{text}"


def page(rows: list[Json], next_link: str | None = None) -> Json:
    """A list's body; the last page has no nextLink key."""
    return {"value": rows} | ({"nextLink": next_link} if next_link else {})


def subscription(value: Subscription, tenant: str) -> Json:
    """A subscription."""
    return {
        "id": f"/subscriptions/{value.id}",
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": value.id,
        "tenantId": tenant,
        "displayName": value.name,
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "EnterpriseAgreement_2014-09-01",
            "spendingLimit": "Off",
        },
    }


def resource_group(subscription_id: str, name: str, location: str) -> Json:
    """A resource group."""
    return {
        "id": f"/subscriptions/{subscription_id}/resourceGroups/{name}",
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": location,
        "properties": {"provisioningState": "Succeeded"},
    }


def virtual_machine(item: Item) -> Json:
    """The VM behind an item, as far as anybody here asks."""
    return {
        "id": item.source_resource_id,
        "name": item.friendly_name,
        "type": "Microsoft.Compute/virtualMachines",
        "location": item.vault.location,
        "tags": item.tags,
        "properties": {"provisioningState": "Succeeded"},
    }


def vault(value: Vault) -> Json:
    """A vault."""
    alerts = "Enabled" if value.alerts_for_all_job_failures else "Disabled"
    return {
        "location": value.location,
        "name": value.name,
        "etag": "W/\"datetime'2026-01-01T00%3A00%3A00.0000000Z'\"",
        "tags": value.tags,
        "properties": {
            "provisioningState": "Succeeded",
            "privateEndpointStateForBackup": "None",
            "privateEndpointStateForSiteRecovery": "None",
            "monitoringSettings": {
                "azureMonitorAlertSettings": {"alertsForAllJobFailures": alerts},
                "classicAlertSettings": {"alertsForCriticalOperations": "Disabled"},
            },
            "publicNetworkAccess": "Enabled",
        },
        "id": value.id,
        "type": "Microsoft.RecoveryServices/vaults",
        "sku": {"name": "Standard"},
    }


def item(value: Item, now: datetime) -> Json:
    """A protected item."""
    kind = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems"
    return envelope(value.id, value.name, kind, _item(value, now))


def container(value: Item) -> Json:
    """The protection container of a VM."""
    properties = {
        "friendlyName": value.friendly_name,
        "backupManagementType": "AzureIaasVM",
        "registrationStatus": "Registered",
        "healthStatus": "Healthy",
        "containerType": "Microsoft.Compute/virtualMachines",
        "protectableObjectType": "Microsoft.Compute/virtualMachines",
        "virtualMachineId": value.source_resource_id,
        "virtualMachineVersion": "Compute",
        "resourceGroup": value.resource_group,
    }
    kind = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers"
    return envelope(value.container_id, value.container_id.rpartition("/")[2], kind, properties)


def policy(value: Policy, owner: Vault) -> Json:
    """A backup policy. Its times keep the date on which it was made; only the time of day counts."""
    times = [f"2022-05-13T{value.run_time}:00Z"]
    properties = {
        "backupManagementType": "AzureIaasVM",
        "instantRPDetails": {},
        "schedulePolicy": {
            "schedulePolicyType": "SimpleSchedulePolicy",
            "scheduleRunFrequency": "Daily",
            "scheduleRunTimes": times,
            "scheduleWeeklyFrequency": 0,
        },
        "retentionPolicy": {
            "retentionPolicyType": "LongTermRetentionPolicy",
            "dailySchedule": {
                "retentionTimes": times,
                "retentionDuration": {"count": value.retention_days, "durationType": "Days"},
            },
        },
        "instantRpRetentionRangeInDays": 2,
        "timeZone": value.time_zone,
        "protectedItemsCount": sum(each.policy is value for each in owner.items),
    }
    kind = "Microsoft.RecoveryServices/vaults/backupPolicies"
    return envelope(policy_id(value, owner), value.name, kind, properties)


def policy_id(value: Policy, owner: Vault) -> str:
    """The ARM id of a policy."""
    return f"{owner.id}/backupPolicies/{value.name}"


def last_backup(value: Item, at: datetime) -> Json:
    """What an item says of its backups, as far as was known at `at`."""
    last, recovery_point = value.last_backup(at), value.last_recovery_point(at)
    said: Json = {"lastBackupStatus": "", "lastBackupTime": NEVER}
    if last is not None:
        good = last.status_at(at).made_recovery_point
        said = {
            "lastBackupStatus": "Completed" if good else "Failed",
            "lastBackupTime": instant(last.start_time),
        }
    elif value.backed_up_before:
        said = {"lastBackupStatus": "Completed", "lastBackupTime": instant(value.backed_up_before)}
    return said | ({"lastRecoveryPoint": instant(recovery_point)} if recovery_point else {})


def envelope(resource_id: str, name: str, kind: str, properties: Json) -> Json:
    """A resource."""
    return {"id": resource_id, "name": name, "type": kind, "properties": properties}


def _item(value: Item, now: datetime) -> Json:
    properties: Json = {
        "friendlyName": value.friendly_name,
        "virtualMachineId": value.source_resource_id,
        "protectionStatus": "Healthy",
        "protectionState": value.protection_state,
        "healthStatus": "Passed",
        **last_backup(value, now),
        "protectedItemDataId": str(zlib.crc32(value.id.encode())),
        "extendedProperties": {},
        "protectedItemType": "Microsoft.Compute/virtualMachines",
        "backupManagementType": "AzureIaasVM",
        "workloadType": "VM",
        "containerName": value.container_name,
        "sourceResourceId": value.source_resource_id,
        "policyId": policy_id(value.policy, value.vault),
        "policyName": value.policy.name,
        "vaultId": f"https://management.azure.com{value.vault.id}",
        "isArchiveEnabled": False,
        "softDeleteRetentionPeriod": 0,
    }
    if trouble := _trouble(value, now):
        properties |= {"protectionStatus": "Unhealthy", "kpisHealths": _kpis(trouble)}
    return properties


def _trouble(value: Item, now: datetime) -> JobError | None:
    """Why the last backup made no recovery point; a cancelled one shows an error here and none on the job."""
    last = value.last_backup(now)
    if last is None or last.status.made_recovery_point:
        return None
    return last.error or CANCELLED_BY_USER


def _kpis(error: JobError) -> Json:
    """Where the string code of a failure stands on the item."""
    details = {
        "code": error.code,
        "title": error.title,
        "message": error.message,
        "recommendations": list(error.recommendations),
    }
    return {
        "BackupOperationStatusKPI": {
            "resourceHealthStatus": "PersistentUnhealthy",
            "resourceHealthDetails": [details],
        }
    }
