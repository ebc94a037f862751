"""The wire format of Backup vaults, their backup instances and their policies.

Shapes follow recorded replies; https://learn.microsoft.com/rest/api/dataprotection/ describes them.
"""

import uuid
from datetime import datetime, timedelta
from typing import Any

from simulator.arm.identity import TENANT
from simulator.arm.wire import brief_instant, envelope, policy_id
from simulator.estate.inventory import Item, Vault
from simulator.estate.policies import Policy
from simulator.estate.workloads import BLOBS, CLUSTER

Json = dict[str, Any]

_KIND = "Microsoft.DataProtection/backupVaults"


def vault(value: Vault) -> Json:
    """A vault."""
    alerts = "Enabled" if value.alerts_for_all_job_failures else "Disabled"
    properties = {
        "provisioningState": "Succeeded",
        "bcdrSecurityLevel": "Poor",
        "secureScore": "None",
        "isVaultProtectedByResourceGuard": False,
        "monitoringSettings": {"azureMonitorAlertSettings": {"alertsForAllJobFailures": alerts}},
        "replicatedRegions": [],
        "securitySettings": {"softDeleteSettings": {"state": "On", "retentionDurationInDays": 14.0}},
        "storageSettings": [{"type": "LocallyRedundant", "datastoreType": "VaultStore"}],
    }
    resource = envelope(value.id, value.name, _KIND, properties)
    return resource | {"location": value.location, "tags": value.tags, "identity": identity(value)}


def identity(value: Vault) -> Json:
    """What the vault acts as, on the sources that it backs up."""
    principal = str(uuid.uuid5(uuid.NAMESPACE_URL, value.id.lower()))
    return {"principalId": principal, "tenantId": TENANT, "type": "SystemAssigned"}


def instance(value: Item) -> Json:
    """A backup instance. Keys that are not set are absent here, and nothing says how its last backup ended."""
    state = value.protection_state
    properties: Json = {"friendlyName": shown_name(value), "dataSourceInfo": data_source(value)}
    if value.workload is CLUSTER or value.workload.part:
        properties["dataSourceSetInfo"] = data_source_set(value)
    properties |= {
        "policyInfo": {"policyId": policy_id(value.policy, value.vault), **_policy_parameters(value)},
        "protectionStatus": {"status": state},
        "currentProtectionState": state,
        "provisioningState": "Succeeded",
        "objectType": "BackupInstance",
    }
    return envelope(value.id, value.name, f"{_KIND}/backupInstances", properties)


def deleted_instance(value: Item, deleted: datetime) -> Json:
    """A backup instance that was deleted then, and is kept for two weeks."""
    shown = instance(value)
    time = brief_instant(deleted)
    info = {
        "deletionTime": time,
        "billingEndDate": time,
        "scheduledPurgeTime": brief_instant(deleted + timedelta(days=14)),
        "deleteActivityID": str(uuid.uuid5(uuid.NAMESPACE_URL, value.id)),
    }
    properties = {"deletionInfo": info} | shown["properties"] | {"objectType": "DeletedBackupInstance"}
    identity = f"{value.vault.id}/deletedBackupInstances/{value.name}"
    return envelope(identity, value.name, f"{_KIND}/deletedBackupInstances", properties)


def data_source(value: Item) -> Json:
    """What an instance backs up."""
    return {
        "resourceID": value.source_resource_id,
        "resourceUri": value.source_resource_id,
        "datasourceType": value.workload.name,
        "resourceName": value.friendly_name,
        # Lower-cased of clusters.
        "resourceType": _resource_type(value).replace("managedClusters", "managedclusters"),
        "resourceLocation": value.vault.location,
        "objectType": "Datasource",
    }


def data_source_set(value: Item) -> Json:
    """What an instance's source belongs to: a database to its server, anything else to itself."""
    shown = data_source(value) | {"objectType": "DatasourceSet"}
    if not value.workload.part:
        return shown
    server = {"resourceID": value.holder_id, "resourceUri": value.holder_id, "resourceName": value.parent}
    return shown | server | {"resourceType": value.workload.source_type}


def _resource_type(value: Item) -> str:
    workload = value.workload
    return f"{workload.source_type}/{workload.part}" if workload.part else workload.source_type


def shown_name(value: Item) -> str:
    """The instance's name as jobs show it; that of a cluster has two parts, and that of a database."""
    name = value.friendly_name
    if value.workload.part:
        return f"{value.parent}/{name}"
    return f"{name}/{name}" if value.workload is CLUSTER else name


def policy(value: Policy, owner: Vault) -> Json:
    """A backup policy. Its schedule starts on the day it was made; operational blobs have none."""
    rules = [_retention_rule(value, "Default", store) for store in _stores(value)]
    if value.vault_days:
        rules.append(_copied(value, value.vault_days))
    elif value.retention_tag != "Default":
        rules.append(_retention_rule(value, value.retention_tag, _stores(value)[-1]) | {"isDefault": False})
    if value.backup_rule:
        # Rules are in the order in which they were put; those of snapshots the other way round.
        rules.insert(len(rules) * value.workload.vaulted, _backup_rule(value, value.backup_rule))
    properties = {
        "policyRules": rules,
        "datasourceTypes": [value.workload.name],
        "objectType": "BackupPolicy",
    }
    return envelope(policy_id(value, owner), value.name, f"{_KIND}/backupPolicies", properties)


def store(value: Policy) -> str:
    """Where the policy's backups go."""
    return "VaultStore" if value.workload.vaulted and value.backup_rule else "OperationalStore"


def _stores(value: Policy) -> list[str]:
    """The stores that a policy has retention rules for; blobs in a vault are kept in the account as well."""
    both = value.workload is BLOBS and value.backup_rule is not None
    return ["OperationalStore", "VaultStore"] if both else [store(value)]


def _store_info(name: str) -> Json:
    return {"dataStoreType": name, "objectType": "DataStoreInfoBase"}


def _retention_rule(value: Policy, name: str, store_name: str) -> Json:
    copies: Json = {"targetDataStoreCopySettings": []} if store(value) == "VaultStore" else {}
    lifecycle = _lifecycle(value.retention_days, store_name, copies)
    return {"lifecycles": [lifecycle], "isDefault": True, "name": name, "objectType": "AzureRetentionRule"}


def _lifecycle(days: int, store_name: str, copies: Json) -> Json:
    return {
        "deleteAfter": {"objectType": "AbsoluteDeleteOption", "duration": f"P{days}D"},
        **copies,
        "sourceDataStore": _store_info(store_name),
    }


def _copied(value: Policy, days: int) -> Json:
    """The rule by which the tagged snapshots go to the vault as well."""
    copy = {"dataStore": _store_info("VaultStore"), "copyAfter": {"objectType": "ImmediateCopyOption"}}
    lifecycles = [
        _lifecycle(value.retention_days, "OperationalStore", {"targetDataStoreCopySettings": [copy]}),
        _lifecycle(days, "VaultStore", {"targetDataStoreCopySettings": []}),
    ]
    rule = {"isDefault": False, "name": value.retention_tag, "objectType": "AzureRetentionRule"}
    return {"lifecycles": lifecycles} | rule


def _backup_rule(value: Policy, name: str) -> Json:
    criteria = [_tagging("Default", priority=99)]
    if value.retention_tag != "Default":
        which = "FirstOfDay" if value.vault_days else "AllBackup"
        first = {"objectType": "ScheduleBasedBackupCriteria", "absoluteCriteria": [which]}
        criteria.insert(
            not value.vault_days, _tagging(value.retention_tag, priority=25) | {"criteria": [first]}
        )
    start = f"2023-06-28T{value.run_time}:00+00:00"
    # The start's offset says it all; the key is there where somebody has put it.
    zone = {"timeZone": value.time_zone} if value.workload.vaulted or value.time_zone != "UTC" else {}
    return {
        "backupParameters": {"backupType": value.workload.backup_type, "objectType": "AzureBackupParams"},
        "trigger": {
            "schedule": {"repeatingTimeIntervals": [f"R/{start}/{value.period}"], **zone},
            "taggingCriteria": criteria,
            "objectType": "ScheduleBasedTriggerContext",
        },
        "dataStore": _store_info(store(value)),
        "name": name,
        "objectType": "AzureBackupRule",
    }


def _tagging(tag: str, *, priority: int) -> Json:
    info = {"tagName": tag, "id": f"{tag}_"}
    return {"tagInfo": info, "taggingPriority": priority, "isDefault": tag == "Default"}


def _policy_parameters(value: Item) -> Json:
    """Snapshots lie in a resource group that the instance names."""
    if store(value.policy) != "OperationalStore" or value.workload is BLOBS:
        return {}
    group = f"/subscriptions/{value.vault.subscription_id}/resourceGroups/{value.resource_group}"
    place = {
        "dataStoreType": "OperationalStore",
        "objectType": "AzureOperationalStoreParameters",
        "resourceGroupId": group,
    }
    cluster = {"backupDatasourceParametersList": [_CLUSTER]} if value.workload is CLUSTER else {}
    return {"policyParameters": {"dataStoreParametersList": [place], **cluster}}


#: What of a cluster is backed up.
_CLUSTER: Json = {
    "objectType": "KubernetesClusterBackupDatasourceParameters",
    "includeClusterScopeResources": True,
    "snapshotVolumes": True,
    "includedNamespaces": None,
    "excludedNamespaces": None,
    "includedResourceTypes": None,
    "excludedResourceTypes": None,
    "labelSelectors": None,
    "includedVolumeTypes": None,
    "backupHookReferences": None,
}
