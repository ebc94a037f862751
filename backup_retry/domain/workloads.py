"""What differs from workload to workload: one row each. Adding one is adding a row (and teaching the simulator).

Names are Azure's own: workloadType in a Recovery Services vault, dataSourceType in a backup vault. The error catalogue,
SCOPE_WORKLOADS and the incidents use them too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind

_AZURE_BACKUP = "https://learn.microsoft.com/azure/backup/"


class Cap(StrEnum):
    """Which of the DAILY_CAP_ settings counts."""

    VM = "vm"
    FILES = "files"
    DATABASES = "databases"
    OTHERS = "others"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A kind of thing that Azure Backup protects."""

    name: str
    #: what a person calls it in a list, and in a sentence
    label: str
    words: str
    vault: VaultKind = VaultKind.RECOVERY_SERVICES
    cap: Cap = Cap.OTHERS
    #: objectType of a Recovery Services trigger's body; "": cannot be triggered through Azure
    request: str = ""
    #: has Full, Differential, Log … backups, and a retry has to name one
    has_kinds: bool = False
    #: the shortest and the longest time that Azure keeps the recovery point of a retry
    shortest: timedelta = timedelta(days=7)
    longest: timedelta = timedelta(days=9999)
    #: how a person runs a failed backup again, where nobody can from here
    by_hand: str = ""
    #: how many on-demand backups of an item Azure takes in 24 hours, whoever starts them; None: not known
    on_demand_limit: int | None = None
    #: Microsoft's page on what goes wrong with it
    troubleshooting: str = _AZURE_BACKUP
    #: how a person runs a failed restore again
    restore: str = "Start it again in the vault: Backup items, then Restore."

    @property
    def retried(self) -> bool:
        """True where a failed backup can be triggered again through Azure."""
        return bool(self.request) or self.vault is VaultKind.BACKUP


_RECOVERY_SERVICES = (
    Workload(
        name="VM",
        label="VM",
        words="an Azure VM",
        cap=Cap.VM,
        request="IaasVMBackupRequest",
        on_demand_limit=9,
        troubleshooting=_AZURE_BACKUP + "backup-azure-vms-troubleshoot",
        restore="Run it again with az backup restore restore-disks, or in the vault under Backup items.",
    ),
    Workload(
        name="AzureFileShare",
        label="File share",
        words="a file share",
        cap=Cap.FILES,
        request="AzureFileShareBackupRequest",
        on_demand_limit=10,
        troubleshooting=_AZURE_BACKUP + "troubleshoot-azure-files",
        restore="Run it again with az backup restore restore-azurefileshare, or in the vault under Backup items.",
    ),
    Workload(
        name="SQLDataBase",
        label="SQL database",
        words="a SQL database",
        cap=Cap.DATABASES,
        request="AzureWorkloadBackupRequest",
        has_kinds=True,
        shortest=timedelta(days=45),
        troubleshooting=_AZURE_BACKUP + "backup-sql-server-azure-troubleshoot",
        restore="Run it again with az backup restore restore-azurewl, or in the vault under Backup items.",
    ),
    Workload(
        name="SAPHanaDatabase",
        label="SAP HANA",
        words="an SAP HANA database",
        cap=Cap.DATABASES,
        request="AzureWorkloadBackupRequest",
        has_kinds=True,
        shortest=timedelta(days=45),
        troubleshooting=_AZURE_BACKUP + "backup-azure-sap-hana-database-troubleshoot",
        restore="Run it again with az backup restore restore-azurewl, or in the vault under Backup items.",
    ),
    Workload(
        name="SAPHanaDBInstance",
        label="SAP HANA instance",
        words="an SAP HANA instance",
        cap=Cap.DATABASES,
        request="AzureWorkloadBackupRequest",
        has_kinds=True,
        troubleshooting=_AZURE_BACKUP + "sap-hana-database-instance-troubleshoot",
        restore="Run it again with az backup restore restore-azurewl, or in the vault under Backup items.",
    ),
    Workload(
        name="MAB",
        label="MARS agent",
        words="a MARS agent's folder",
        by_hand="Run it on the server itself: Get-OBPolicy | Start-OBBackup, or Back Up Now in the agent.",
        troubleshooting=_AZURE_BACKUP + "backup-azure-mars-troubleshoot",
        restore="Run it again in the agent on the server: Recover Data.",
    ),
    Workload(
        name="DPM",
        label="DPM",
        words="a DPM or MABS data source",
        by_hand="Run it on the DPM or MABS server: New-DPMRecoveryPoint -BackupType Online, or in its console.",
        troubleshooting=_AZURE_BACKUP + "backup-azure-mabs-troubleshoot",
        restore="Run it again in the DPM or MABS console: Recovery.",
    ),
)


def _of_backup_vault(
    name: str, label: str, words: str, page: str, *, cap: Cap = Cap.OTHERS, on_demand_limit: int | None = None
) -> Workload:
    return Workload(
        name=name,
        label=label,
        words=words,
        vault=VaultKind.BACKUP,
        cap=cap,
        on_demand_limit=on_demand_limit,
        troubleshooting=_AZURE_BACKUP + page,
        restore="Run it again with az dataprotection backup-instance restore trigger, or in the vault.",
    )


_BLOBS = "backup-azure-troubleshoot-blob-backup"
_BACKUP = (
    _of_backup_vault("Microsoft.Compute/disks", "Disk", "a managed disk", "disk-backup-troubleshoot"),
    _of_backup_vault(
        "Microsoft.Storage/storageAccounts/blobServices",
        "Blobs",
        "a storage account's blobs",
        _BLOBS,
        on_demand_limit=4,
    ),
    _of_backup_vault(
        "Microsoft.Storage/storageAccounts/adlsBlobServices", "Data lake", "a data lake's blobs", _BLOBS
    ),
    _of_backup_vault(
        "Microsoft.ContainerService/managedClusters",
        "AKS cluster",
        "an AKS cluster",
        "azure-kubernetes-service-backup-troubleshoot",
    ),
    _of_backup_vault(
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "PostgreSQL",
        "a PostgreSQL server",
        "backup-azure-database-postgresql-flex-troubleshoot",
        cap=Cap.DATABASES,
    ),
    _of_backup_vault(
        "Microsoft.DBforPostgreSQL/servers/databases",
        "PostgreSQL database",
        "a PostgreSQL database",
        "backup-azure-database-postgresql-troubleshoot",
        cap=Cap.DATABASES,
    ),
    _of_backup_vault(
        "Microsoft.DBforMySQL/flexibleServers",
        "MySQL",
        "a MySQL server",
        "backup-azure-mysql-flexible-server-troubleshoot",
        cap=Cap.DATABASES,
    ),
)
WORKLOADS: Sequence[Workload] = (*_RECOVERY_SERVICES, *_BACKUP)
_BY_NAME = {workload.name.lower(): workload for workload in WORKLOADS}


def workload(name: str) -> Workload:
    """The workload of that name, in any casing; one that is not known is none that can be retried."""
    known = _BY_NAME.get(name.lower())
    return known or Workload(name=name, label=name, words=name or "an unknown workload")


def workload_in_name(item: ProtectedItem) -> str:
    """The workload that an item's name begins with, or ""; a young job of a database does not say it."""
    known = _BY_NAME.get(item.name.partition(";")[0].lower())
    return known.name if known else ""


# ---- kinds of backup ---------------------------------------------------------------------------------------

FULL, LOG = "Full", "Log"
#: reason codes in the place of an operation, where Azure does not let us look for the job that may have failed
CAUSES = frozenset({"no_permission", "not_reachable"})
#: operations that end an item's protection, or set it up; each edit of a policy is one of the latter
STOPS_PROTECTION, SETS_UP_PROTECTION = frozenset({"disablebackup", "deletebackupdata"}), "configurebackup"
#: what a backup is worth next to others of its database; a better one makes up for a failed lesser one, never
#: the other way round: a log backup that completes every fifteen minutes must not hide a failed full one
_BACKUP_RANKS = {"log": 1, "differential": 2, "incremental": 2}
_BEST = 3


def kind_of(operation: str) -> str:
    """The kind of backup in an operation such as "Backup (Full)", or ""."""
    return operation.partition("(")[2].rstrip(") ")


def backup_rank(operation: str) -> int:
    """How much a backup operation is worth; one without a kind as much as a full one, and a cause nothing."""
    if operation in CAUSES:
        return 0
    return _BACKUP_RANKS.get(kind_of(operation).lower(), _BEST)
