"""Every workload whose backups are retried: what is protected, with what it fails, and which backup mends it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from backup_retry.domain.error_catalog import look_up
from tests.running_app import Json
from tests.vm_estate import SUBSCRIPTION

RECOVERY_SERVICES, BACKUP_VAULT = "recovery_services", "backup"
#: of the policies of backup vaults, none of them the usual one
BACKUP_RULE, RETENTION_TAG = "BackupNightly", "Monthly"
ADVICE = "Set the password anew."


@dataclass(frozen=True, kw_only=True)
class Retried:
    """One row: a workload, or one kind of its backups."""

    id: str
    workload: str = "VM"
    vault: str = RECOVERY_SERVICES
    #: what else an item of it has in the estate
    item: Mapping[str, Any] = field(default_factory=dict)
    #: the error that passes by itself, and the one that needs a person
    passing: str = "CloudInternalError"
    person: str = "BMSUserErrorDataSourceObjectNotFound"
    #: which kind of backup fails, and which kind the retry is; "": it has but one
    fails: str = ""
    retry: str = ""

    def item_file(self, name: str, **options: Any) -> Json:
        """The item of that name, in a file of an estate."""
        named = {"vm": name} if self.workload == "VM" else {"workload": self.workload, "name": name}
        policy = {} if self.vault == RECOVERY_SERVICES else {"policy": self.policy["name"]}
        return {**named, **self.item, **policy, **options}

    @property
    def policy(self) -> Json:
        """A backup vault's policy for it."""
        name = "Nightly" + self.workload.rpartition("/")[2]
        rule = {"backup_rule": BACKUP_RULE, "retention_tag": RETENTION_TAG}
        return {"name": name, "workload": self.workload, **rule}

    @property
    def remedy(self) -> str:
        """What a person is told to do: the catalogue's word, or the service's where it knows nothing."""
        entry = look_up(title=self.person, numeric=None, kpi_title=None, workload=self.workload)
        return entry.remedy if entry.known else ADVICE

    def failed(self, name: str, error: str) -> Json:
        """A scheduled backup of the item of that name that fails at once."""
        if self.vault == RECOVERY_SERVICES or error == self.passing:
            told: Json | str = error
        else:
            # What the service says of its own errors, where the catalogue does not know them.
            told = {"title": error, "retryable": False, "recommendations": [ADVICE]}
        return {
            "item": name,
            "kind": self.fails,
            "outcome": {"status": "Failed", "seconds": 0, "error": told},
        }


_SQL = {"server": "sql-vm-1", "instance": "MSSQLSERVER"}
_HANA = {"server": "hana-vm-1", "instance": "HXE"}
#: without a full backup of late, that one is missed, whatever becomes of the others
_LAST_FULL = {"jobs": [{"kind": "Full", "age_seconds": 43_200}]}
_REPLICA, _GUEST = "UserErrorAGReplicaRoleIsResolving", "GuestAgentStatusUnavailableUserError"
_CHAIN, _PASSWORD = "UserErrorLatestFullPitIsOld", "UserErrorDatabaseUserPasswordExpired"


def _share(name: str, *, hashed: bool) -> Retried:
    return Retried(
        id=name,
        workload="AzureFileShare",
        item={"account": "stfinance", "hashed_name": hashed},
        passing="FileshareBackupFailedWithAzureRpRequestThrottling",
        person="AFSMaxSnapshotReached",
    )


def _sql(name: str, fails: str, retry: str, passing: str = _REPLICA) -> Retried:
    kinds = {"fails": fails, "retry": retry}
    item = _SQL if retry == "Full" else _SQL | _LAST_FULL
    return Retried(id=name, workload="SQLDataBase", item=item, passing=passing, person=_GUEST, **kinds)


def _instance(name: str, workload: str, passing: str, person: str) -> Retried:
    return Retried(id=name, workload=workload, vault=BACKUP_VAULT, passing=passing, person=person)


WORKLOADS = (
    Retried(id="vm", person="UserErrorVmProvisioningStateFailed"),
    _share("share", hashed=False),
    _share("hashed-share", hashed=True),
    _sql("sql-full", "Full", "Full"),
    _sql("sql-differential", "Differential", "Differential"),
    _sql("sql-broken-differential", "Differential", "Full", _CHAIN),
    _sql("sql-broken-log", "Log", "Full", _CHAIN),
    Retried(id="hana", workload="SAPHanaDatabase", item=_HANA, person=_PASSWORD, fails="Full", retry="Full"),
    Retried(
        id="hana-incremental",
        workload="SAPHanaDatabase",
        item=_HANA | _LAST_FULL,
        person=_PASSWORD,
        fails="Incremental",
        retry="Incremental",
    ),
    Retried(
        id="hana-instance",
        workload="SAPHanaDBInstance",
        item={"server": "hana-vm-1"},
        fails="SnapshotFull",
        retry="SnapshotFull",
    ),
    _instance("disk", "Microsoft.Compute/disks", "DiskSnapshotServerBusy", "UserErrorDESKeyVaultKeyDisabled"),
    _instance(
        "blobs",
        "Microsoft.Storage/storageAccounts/blobServices",
        "BlobRestorePointBusy",
        "UserErrorNoContainersSelectedForOperation",
    ),
    _instance(
        "aks",
        "Microsoft.ContainerService/managedClusters",
        "ExtensionTimedOutWaitingForBackupItemSync",
        "UserErrorBackupPluginPodRestartedDuringBackup",
    ),
    _instance(
        "postgresql", "Microsoft.DBforPostgreSQL/flexibleServers", "ServerBusy", "AuthenticationRefused"
    ),
    _instance("mysql", "Microsoft.DBforMySQL/flexibleServers", "ServerBusy", "AuthenticationRefused"),
)


def vault_file(kind: str, name: str, items: Iterable[Json], **options: Any) -> Json:
    """A vault with the policies of everything that a backup vault protects here."""
    policies = [each.policy for each in WORKLOADS if each.vault == kind == BACKUP_VAULT]
    place = {"subscription": SUBSCRIPTION, "resource_group": "rg-backup", "name": name, "kind": kind}
    return {**place, "items": list(items), "policies": policies, **options}


def estate_of(*vaults: Json, told: bool = True, **settings: Any) -> Json:
    """An estate in which Azure tells of failures at once, or not at all, and ARM has no quota worth mentioning."""
    buckets = {"writes": 5000, "write_refill": 1000, "reads": 5000, "read_refill": 1000}
    pace = {"backup_seconds": 0.2, "operation_seconds": 0.1, "alert_delay_seconds": 0, "delivery_pace": 0.02}
    topics = [("grid", "EventGridSchema"), ("news", "CloudEventSchemaV1_0")]
    return {
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Test"}],
        "vaults": list(vaults),
        "action_groups": [{"name": "ag-backup", "kind": "webhook"}] if told else [],
        "event_subscriptions": [{"name": name, "topic": name, "schema": schema} for name, schema in topics],
        "settings": {**pace, "arm_buckets": buckets, "hourly_reads": 5000, **settings},
    }
