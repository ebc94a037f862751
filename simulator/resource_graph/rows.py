"""The state as Resource Graph's rows. Types are lower-case, and job flags are text, as they are there."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from simulator.arm import wire
from simulator.arm.identity import TENANT
from simulator.estate.inventory import Item, Job, Vault
from simulator.estate.state import Azure
from simulator.estate.workloads import DATA_PROTECTION, RECOVERY_SERVICES
from simulator.recovery_services import item_wire, job_wire
from simulator.resource_graph import backup_vault_rows

Row = dict[str, Any]

_VAULT = "microsoft.recoveryservices/vaults"


def tables(azure: Azure, at: datetime) -> dict[str, list[Row]]:
    """All tables, with the jobs as far as the vaults knew them at `at`."""
    allowed = [vault for vault in azure.vaults if not azure.is_denied(vault)]
    vaults = [vault for vault in allowed if vault.provider == RECOVERY_SERVICES]
    backup_vaults = [vault for vault in allowed if vault.provider == DATA_PROTECTION]
    items = [item for vault in vaults for item in vault.items]
    jobs = [job for vault in vaults for job in vault.jobs if job.is_known_at(at)]
    return {
        "Resources": [
            *map(_vault, vaults),
            *map(backup_vault_rows.vault, backup_vaults),
            *_sources([item for vault in allowed for item in vault.items]),
            *_function_apps(azure),
        ],
        "ResourceContainers": [*_subscriptions(azure), *_groups(azure, allowed)],
        "RecoveryServicesResources": [
            *(_job(job, at) for job in jobs),
            *(_item(item, at) for item in items),
            *backup_vault_rows.jobs_and_instances(backup_vaults, at),
        ],
    }


def _subscriptions(azure: Azure) -> Iterator[Row]:
    for subscription in filter(None, map(azure.subscription, (each.id for each in azure.subscriptions))):
        kind = "microsoft.resources/subscriptions"
        place = {"subscriptionId": subscription.id, "tenantId": TENANT}
        properties = {"state": subscription.state}
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


def _sources(items: list[Item]) -> Iterator[Row]:
    """The machines, accounts and so on that the items are or are on, each once and with all its tags."""
    rows: dict[str, Row] = {}
    for item in items:
        if identity := item.holder_id:
            kind = item.workload.source_type.lower()
            row = _row(item.vault, identity, item.source_name, kind, {})
            tags = {"tags": dict(item.tags), "resourceGroup": item.resource_group.lower()}
            rows.setdefault(identity.lower(), row | tags)["tags"].update(item.tags)
    yield from rows.values()


def _function_apps(azure: Azure) -> Iterator[Row]:
    for app in azure.function_apps:
        place = {"subscriptionId": app.subscription_id, "resourceGroup": app.resource_group.lower()}
        identity = {"id": app.id, "name": app.name, "type": "microsoft.web/sites", "tenantId": TENANT}
        kind = {"kind": "functionapp,linux", "properties": {"defaultHostName": app.host}}
        yield {**identity, **place, **kind}


def _job(job: Job, at: datetime) -> Row:
    status = job.status_at(at)
    ended = job.end_time is not None and not status.running
    end = job.end_time if ended and job.end_time else at
    properties: Row = {
        "operation": job.shown_operation(at),
        "status": status,
        "startTime": wire.instant(job.start_time),
        "endTime": wire.instant(end) if ended else None,
        "duration": wire.timespan(end - job.start_time),
        "isUserTriggered": "true" if job.user_triggered else "false",
        "activityId": job.activity_id,
        "entityFriendlyName": job_wire.entity_name(job, at),
        "backupManagementType": job.item.workload.management_type,
        "workloadType": job.item.workload.shown_type,
        "backupInstanceId": job.item.id,
        "policyId": wire.policy_id(job.item.policy, job.vault),
        "containerName": job.item.container_name,
    }
    if ended and (error := job_wire.error_details(job)):
        properties["errorDetails"] = [error]
    if job.is_young_at(at):
        del properties["workloadType"]
    return _row(job.vault, job.id, job.name, f"{_VAULT}/backupjobs", properties)


def _item(item: Item, at: datetime) -> Row:
    properties = {
        "friendlyName": item.friendly_name,
        "sourceResourceId": item.source_resource_id,
        "policyId": wire.policy_id(item.policy, item.vault),
        "policyName": item.policy.name,
        "currentProtectionState": item.protection_state,
        "protectionState": item.protection_state,
        "backupManagementType": item.workload.management_type,
        "workloadType": item.workload.shown_type,
        "containerName": item.container_name,
        "vaultId": item.vault.id,
        **item_wire.last_backup(item, at),
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
