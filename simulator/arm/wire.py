"""The wire format: what all services share, and vaults. Items, jobs and policies are in modules of their own.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/backup/ describes them.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from simulator.estate.inventory import Item, Subscription, Vault
from simulator.estate.policies import Policy

Json = dict[str, Any]

#: .NET's smallest date: unset. It has no Z.
UNSET = "0001-01-01T00:00:00"


def instant(time: datetime) -> str:
    """ISO 8601 in UTC with seven decimals, as .NET writes it.

    Azure counts in ticks of 100 ns. The last digit is made up, as whoever reads it meets seven in real replies.
    """
    tick = time.microsecond and time.microsecond % 9 + 1
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}{tick}Z"


def brief_instant(time: datetime) -> str:
    """The same as the vaults' own replies have it: without zeros at the end."""
    return instant(time).replace(".0000000Z", "Z")


def duration(length: timedelta) -> str:
    """ISO 8601 as .NET writes it: `PT8H20M31.6817424S`."""
    days, rest = divmod(max(length.total_seconds(), 0), 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    text = f"{int(hours)}H" * bool(hours) + f"{int(minutes)}M" * bool(minutes)
    if rest or not (text or days):
        text += f"{f'{rest:.6f}'.rstrip('0').rstrip('.')}S"
    return "P" + f"{int(days)}D" * bool(days) + f"T{text}" * bool(text)


def timespan(length: timedelta) -> str:
    """`hh:mm:ss.fffffff` as .NET writes it, with the days before a dot where there are any: `1.09:22:25.7992056`."""
    minutes, seconds = divmod(max(length.total_seconds(), 0), 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    return (f"{days}." if days else "") + f"{hours:02}:{minutes:02}:{seconds:09.6f}0"


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


def source(item: Item) -> Json:
    """The machine, account or server behind an item, as far as anybody here asks."""
    return {
        "id": item.holder_id,
        "name": item.source_name,
        "type": item.workload.source_type,
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
            "backupStorageVersion": "V2",
            "monitoringSettings": {
                "azureMonitorAlertSettings": {"alertsForAllJobFailures": alerts},
                "classicAlertSettings": {"alertsForCriticalOperations": "Disabled"},
            },
            "securitySettings": {
                "immutabilitySettings": None,
                "softDeleteSettings": {"softDeleteRetentionPeriodInDays": 14, "softDeleteState": "Enabled"},
                "multiUserAuthorization": "Disabled",
            },
            "publicNetworkAccess": "Enabled",
            "restoreSettings": {
                "crossSubscriptionRestoreSettings": {"crossSubscriptionRestoreState": "Enabled"}
            },
        },
        "id": value.id,
        "type": "Microsoft.RecoveryServices/vaults",
        "sku": {"name": "Standard"},
    }


def policy_id(value: Policy, owner: Vault) -> str:
    """The ARM id of a policy."""
    return f"{owner.id}/backupPolicies/{value.name}"


def envelope(resource_id: str, name: str, kind: str, properties: Json) -> Json:
    """A resource."""
    return {"id": resource_id, "name": name, "type": kind, "properties": properties}
