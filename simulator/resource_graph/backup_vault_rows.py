"""Backup vaults as Resource Graph's rows: vaults, jobs and backup instances.

Shapes follow recorded rows, in which what is not set is null.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from simulator.arm.identity import TENANT
from simulator.arm.wire import UNSET, instant
from simulator.data_protection import job_wire
from simulator.data_protection import vault_wire as wire
from simulator.estate.inventory import Item, Job, Vault

Row = dict[str, Any]

_VAULT = "microsoft.dataprotection/backupvaults"
#: An unset time span, as .NET writes it.
_NO_TIME = "-10675199.02:48:05.4775808"
_UNSET_OF_INSTANCES = (
    "resourceGuardOperationRequests",
    "datasourceAuthCredentials",
    "protectionErrorDetails",
    "dataSourceProperties",
    "identityDetails",
    "validationType",
)


def vault(value: Vault) -> Row:
    """A vault in the table Resources, where its id is cased otherwise than everywhere else."""
    identity = value.id.replace("/backupVaults/", "/BackupVaults/")
    properties = wire.vault(value)["properties"]
    return _row(value, identity, value.name, _VAULT, properties) | {
        "tags": value.tags,
        "identity": wire.identity(value),
    }


def jobs_and_instances(vaults: Iterable[Vault], at: datetime) -> list[Row]:
    """The rows of the table RecoveryServicesResources, as far as the vaults knew it at `at`."""
    rows = []
    for each in vaults:
        rows += [_job(job, at) for job in each.jobs if job.is_known_at(at)]
        rows += [_instance(item, at) for item in each.items]
    return rows


def _job(job: Job, at: datetime) -> Row:
    shown = job_wire.job(job, at)
    info = job_wire.extended_info(job, at)
    if info["targetRecoverPoint"]:
        info["targetRecoverPoint"]["recoveryPointTime"] = f"{UNSET}.0000000Z"
    properties = shown["properties"] | {"startTime": instant(job.start_time), "extendedInfo": info}
    if properties["endTime"] and job.end_time:
        properties["endTime"] = instant(job.end_time)
    return _row(job.vault, job.id, job.name, f"{_VAULT}/backupjobs", properties) | {"location": ""}


def _instance(item: Item, at: datetime) -> Row:
    source = wire.data_source(item) | {"resourceProperties": None, "baseUri": None}
    shown = wire.instance(item)["properties"]
    properties = shown | {
        "policyInfo": {"policyParameters": None, "policyVersion": ""} | shown["policyInfo"],
        "dataSourceInfo": source,
        "dataSourceSetInfo": source | wire.data_source_set(item),
        "protectionStatus": {"errorDetails": None, "status": item.protection_state},
        "backupInstanceExtendedProperties": _extended(item, at),
        **dict.fromkeys(_UNSET_OF_INSTANCES),
    }
    return _row(item.vault, item.id, item.name, f"{_VAULT}/backupinstances", properties)


def _extended(item: Item, at: datetime) -> Row:
    """What only Resource Graph knows of an instance, such as its newest recovery point."""
    point, unset = item.last_recovery_point(at), f"{UNSET}Z"
    name = item.friendly_name
    latest = f"{point:%Y-%m-%dT%H:%M:%S}.{point.microsecond // 1000:03}0000Z" if point else unset
    return {
        "allowedOperations": _allowed(item),
        "protectionStateInSecondaryRegion": "NotProtected",
        "protectedPrimaryRegion": item.vault.location,
        "vaultId": item.vault.id,
        "protectedSecondaryRegion": "",
        "dataSourceExtendedInfo": {"dataSourceId": f"{item.parent}\\{name}" if item.parent else name},
        "policyExtendedInfo": {
            "configuredRPGenerationFrequencyInSecondaryRegion": _NO_TIME,
            "configuredMaximumRetentionInSecondaryRegion": _NO_TIME,
            "rpoWarningThresholdInSecondaryRegion": _NO_TIME,
            "rpoWarningThresholdInPrimaryRegion": _NO_TIME,
            "configuredRPGenerationFrequency": _NO_TIME,
            "configuredMaximumRetention": f"{item.policy.retention_days}.00:00:00",
        },
        "recoveryPointInfo": {
            "oldestRecoveryPointInSecondaryRegion": unset,
            "latestRecoveryPointInSecondaryRegion": unset,
            "latestRecoveryPointInPrimaryRegion": latest,
            "oldestRecoveryPointInPrimaryRegion": latest,
        },
    }


def _allowed(item: Item) -> list[str]:
    if item.protection_state == "ProtectionStopped":
        return ["Restore", "ResumeBackup", "Delete"]
    if item.policy.backup_rule is None:
        return ["Restore", "StopProtection", "Delete"]
    return ["BackupNow", "Restore", "ChangePolicy", "EditBackupInstance", "StopBackup", "Delete"]


def _row(owner: Vault, resource_id: str, name: str, kind: str, properties: Row) -> Row:
    return {
        "id": resource_id,
        "name": name,
        "type": kind,
        "tenantId": TENANT,
        "location": owner.location,
        "resourceGroup": owner.resource_group.lower(),
        "subscriptionId": owner.subscription_id,
        "properties": properties,
    }
