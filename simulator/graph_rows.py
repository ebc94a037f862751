"""The state as Resource Graph's rows. Types are lower-case, and job flags are text, as they are there."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from simulator import job_wire, wire
from simulator.estate import Azure
from simulator.identity import TENANT
from simulator.inventory import Item, Job, Vault

Row = dict[str, Any]

_VAULT = "microsoft.recoveryservices/vaults"


def tables(azure: Azure, at: datetime) -> dict[str, list[Row]]:
    """All tables, with the jobs as far as the vaults knew them at `at`."""
    vaults = [vault for vault in azure.vaults if not azure.is_denied(vault)]
    items = [item for vault in vaults for item in vault.items]
    jobs = [job for vault in vaults for job in vault.jobs if job.is_known_at(at)]
    return {
        "Resources": [*map(_vault, vaults), *map(_machine, items)],
        "ResourceContainers": [*_subscriptions(azure), *_groups(azure, vaults)],
        "RecoveryServicesResources": [*(_job(job, at) for job in jobs), *(_item(item, at) for item in items)],
    }


def _subscriptions(azure: Azure) -> Iterator[Row]:
    for subscription in azure.subscriptions:
        kind = "microsoft.resources/subscriptions"
        place = {"subscriptionId": subscription.id, "tenantId": TENANT}
        properties = {"state": "Enabled"}
        identity = {"id": f"/subscriptions/{subscription.id}", "name": subscription.name, "type": kind}
        yield {**identity, **place, "properties": properties}


def _groups(azure: Azure, vaults: list[Vault]) -> Iterator[Row]:
    groups = {(vault.subscription_id, vault.resource_group): vault for vault in vaults}
    groups |= {
        (vault.subscription_id, item.resource_group): vault for vault in vaults for item in vault.items
    }
    tags = {subscription.id: subscription.group_tags for subscription in azure.subscriptions}
    for (subscription, name), vault in groups.items():
        identity = f"/subscriptions/{vault.subscription_id}/resourceGroups/{name}"
        row = _row(vault, identity, name, "microsoft.resources/subscriptions/resourcegroups", {})
        yield row | {"resourceGroup": name.lower(), "tags": dict(tags[subscription].get(name.lower(), {}))}


def _vault(vault: Vault) -> Row:
    shown = wire.vault(vault)
    return _row(vault, vault.id, vault.name, _VAULT, shown["properties"]) | {
        "tags": vault.tags,
        "sku": shown["sku"],
    }


def _machine(item: Item) -> Row:
    row = _row(
        item.vault, item.source_resource_id, item.friendly_name, "microsoft.compute/virtualmachines", {}
    )
    return row | {"resourceGroup": item.resource_group.lower(), "tags": item.tags}


def _job(job: Job, at: datetime) -> Row:
    status = job.status_at(at)
    ended = job.end_time is not None and not status.running
    end = job.end_time if ended and job.end_time else at
    properties: Row = {
        "operation": job.operation,
        "status": status,
        "startTime": wire.instant(job.start_time),
        "endTime": wire.instant(end) if ended else None,
        "duration": _clock(end, job.start_time),
        "isUserTriggered": "true" if job.user_triggered else "false",
        "activityId": job.activity_id,
        "entityFriendlyName": job.item.friendly_name.lower(),
        "backupManagementType": "AzureIaasVM",
        "backupInstanceId": job.item.id,
        "policyId": wire.policy_id(job.item.policy, job.vault),
        "containerName": job.item.container_name,
    }
    if ended and job.error:
        properties["errorDetails"] = [job_wire.error_details(job.error)]
    return _row(job.vault, job.id, job.name, f"{_VAULT}/backupjobs", properties)


def _item(item: Item, at: datetime) -> Row:
    properties = {
        "friendlyName": item.friendly_name,
        "sourceResourceId": item.source_resource_id,
        "policyId": wire.policy_id(item.policy, item.vault),
        "policyName": item.policy.name,
        "currentProtectionState": item.protection_state,
        "protectionState": item.protection_state,
        "backupManagementType": "AzureIaasVM",
        "workloadType": "VM",
        "containerName": item.container_name,
        "vaultId": item.vault.id,
        **wire.last_backup(item, at),
    }
    kind = f"{_VAULT}/backupfabrics/protectioncontainers/protecteditems"
    return _row(item.vault, item.id, item.name, kind, properties)


def _row(vault: Vault, resource_id: str, name: str, kind: str, properties: Row) -> Row:
    return {
        "id": resource_id,
        "name": name,
        "type": kind,
        "tenantId": TENANT,
        "location": vault.location,
        "resourceGroup": vault.resource_group.lower(),
        "subscriptionId": vault.subscription_id,
        "properties": properties,
    }


def _clock(end: datetime, start: datetime) -> str:
    """`hh:mm:ss.fffffff`, as durations are shown here and in no other place."""
    minutes, seconds = divmod(max((end - start).total_seconds(), 0), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours:02}:{minutes:02}:{seconds:09.6f}0"
