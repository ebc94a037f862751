"""What Azure Backup protects: one row for each workload with all in which it differs from the others.

https://learn.microsoft.com/azure/backup/backup-support-matrix
https://learn.microsoft.com/azure/backup/backup-vault-overview
"""

from dataclasses import dataclass
from enum import StrEnum

RECOVERY_SERVICES = "Microsoft.RecoveryServices"
DATA_PROTECTION = "Microsoft.DataProtection"


class Parent(StrEnum):
    """What holds the protected thing, by the key that names it in the estate's JSON."""

    NONE = ""
    SERVER = "server"
    ACCOUNT = "account"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A kind of thing that a vault protects.

    Names are patterns of `{group}`, `{name}`, `{parent}`, `{instance}`, `{hash}` (64 hex digits) and `{guid}`, all
    lower-case but the name of a backup instance.
    """

    #: Azure's own name: the workloadType or dataSourceType.
    name: str
    provider: str = RECOVERY_SERVICES
    #: `backupManagementType` of Recovery Services.
    management_type: str = ""
    #: `jobType` of Recovery Services.
    job_type: str = ""
    #: `protectedItemType` of Recovery Services.
    item_type: str = ""
    #: What jobs and items say as workloadType where that is not `name`.
    workload_type: str = ""
    #: The `objectType` of a request to back it up; "": no backup can be started from Azure.
    request_type: str = ""
    #: Whether its running jobs can be cancelled.
    cancellable: bool = False
    #: The kinds of backup, the usual one first; none: a backup has no kind.
    kinds: tuple[str, ...] = ()
    #: The container as items and jobs name it, and what the container's id has before that.
    container: str = ""
    container_prefix: str = ""
    #: `containerType`.
    container_type: str = ""
    #: The protected item or backup instance, and the form it takes for items with hashed names.
    item: str = "{name}-{name}-{guid}"
    hashed_item: str = ""
    #: `parentType` of a database.
    parent_type: str = ""
    parent: Parent = Parent.NONE
    #: The ARM type of the machine, account, server and so on that is backed up; "": nothing in Azure.
    source_type: str = ""
    #: The name of the collection it belongs to: `databases` of a server.
    part: str = ""
    #: The policy of items that name none; "": its policies are not in the vault.
    default_policy: str = ""
    #: Titles of the errors of a backup that ran into another one, and of one that says nothing else.
    collision: str = "UserErrorBackupOperationInProgress"
    usual_error: str = "CloudInternalError"
    #: How soon a backup fails that was started while another one of the item runs.
    collision_seconds: float = 1.0
    #: Of Backup vaults: the `backupType` of policies; whether backups go to the vault and not only to snapshots next to
    #: the source; whether jobs and instances name a set that the source is part of.
    backup_type: str = "Full"
    vaulted: bool = False
    has_set: bool = False
    #: How many characters of its server's name are shown: Windows computers have at most 15.
    server_name_length: int | None = None
    #: Of Backup vaults: whether its jobs say how much they moved.
    progress: bool = False
    #: Whether its name is lower-cased on the item, and on a job while that runs.
    lower_while_running: bool = False
    #: How alerts call it: `sourceVersion` and `formattedSourceType`.
    alert_version: str = ""
    alert_type: str = ""

    @property
    def shown_type(self) -> str:
        """The workloadType of Recovery Services."""
        return self.workload_type or self.name


VM = Workload(
    name="VM",
    management_type="AzureIaasVM",
    job_type="AzureIaaSVMJob",
    item_type="Microsoft.Compute/virtualMachines",
    request_type="IaasVMBackupRequest",
    cancellable=True,
    container="iaasvmcontainerv2;{group};{name}",
    container_prefix="IaasVMContainer;",
    container_type="Microsoft.Compute/virtualMachines",
    item="VM;iaasvmcontainerv2;{group};{name}",
    source_type="Microsoft.Compute/virtualMachines",
    default_policy="DefaultPolicy",
    usual_error="VMCreationTimeOutStorageErrorV2",
    alert_version="IaasVMContainer",
    alert_type="AzureIaasVM",
)
FILE_SHARE = Workload(
    name="AzureFileShare",
    management_type="AzureStorage",
    job_type="AzureStorageJob",
    item_type="AzureFileShareProtectedItem",
    request_type="AzureFileShareBackupRequest",
    container="StorageContainer;storage;{group};{parent}",
    container_type="StorageContainer",
    item="AzureFileShare;{name}",
    hashed_item="AzureFileShare;{hash}",
    parent=Parent.ACCOUNT,
    source_type="Microsoft.Storage/storageAccounts",
    default_policy="DailyShares",
    collision="ParallelSnapshotRequest",
    usual_error="FileshareBackupFailedWithAzureRpRequestThrottling",
    alert_version="StorageContainer",
    alert_type="AzureStorage",
)
SQL_DATABASE = Workload(
    name="SQLDataBase",
    management_type="AzureWorkload",
    job_type="AzureWorkloadJob",
    item_type="AzureVmWorkloadSQLDatabase",
    request_type="AzureWorkloadBackupRequest",
    cancellable=True,
    kinds=("Full", "Differential", "Log", "CopyOnlyFull"),
    container="VMAppContainer;compute;{group};{parent}",
    container_type="VMAppContainer",
    item="SQLDataBase;{instance};{name}",
    parent_type="AzureVmWorkloadSQLInstance",
    parent=Parent.SERVER,
    source_type="Microsoft.Compute/virtualMachines",
    server_name_length=15,
    default_policy="HourlyLogBackup",
    collision="OperationCancelledBecauseConflictingOperationRunningUserError",
    collision_seconds=193.0,
    usual_error="UserErrorAGReplicaRoleIsResolving",
    alert_version="VMAppContainer",
    alert_type="AzureVmSQL",
)
HANA_DATABASE = Workload(
    name="SAPHanaDatabase",
    management_type="AzureWorkload",
    job_type="AzureWorkloadJob",
    item_type="AzureVmWorkloadSAPHanaDatabase",
    request_type="AzureWorkloadBackupRequest",
    cancellable=True,
    kinds=("Full", "Differential", "Incremental", "Log"),
    container="VMAppContainer;compute;{group};{parent}",
    container_type="VMAppContainer",
    item="SAPHanaDatabase;{instance};{name}",
    parent_type="AzureVmWorkloadSAPHanaSystem",
    parent=Parent.SERVER,
    source_type="Microsoft.Compute/virtualMachines",
    lower_while_running=True,
    default_policy="HanaLogBackup",
    collision="OperationCancelledBecauseConflictingOperationRunningUserError",
    usual_error="UserErrorHANALSNValidationFailure",
    alert_version="VMAppContainer",
    alert_type="AzureVmSAPHana",
)
HANA_INSTANCE = Workload(
    name="SAPHanaDBInstance",
    management_type="AzureWorkload",
    job_type="AzureWorkloadJob",
    item_type="AzureVmWorkloadSAPHanaDBInstance",
    request_type="AzureWorkloadBackupRequest",
    cancellable=True,
    kinds=("SnapshotFull", "SnapshotCopyOnlyFull"),
    container="VMAppContainer;compute;{group};{parent}",
    container_type="VMAppContainer",
    item="SAPHanaDBInstance;{name}",
    parent_type="AzureVmWorkloadSAPHanaSystem",
    parent=Parent.SERVER,
    source_type="Microsoft.Compute/virtualMachines",
    default_policy="HanaSnapshots",
    collision="OperationCancelledBecauseConflictingOperationRunningUserError",
    usual_error="WorkloadExtensionNotReachable",
    alert_version="VMAppContainer",
    alert_type="AzureVmSAPHana",
)
MARS_AGENT = Workload(
    name="MAB",
    management_type="MAB",
    job_type="MabJob",
    item_type="MabFileFolderProtectedItem",
    workload_type="FileFolder",
    container="Windows;{parent}",
    container_type="Windows",
    item="FileFolder;{hash}",
    parent=Parent.SERVER,
    alert_version="Windows",
    alert_type="MAB",
)
DPM_SERVER = Workload(
    name="DPM",
    management_type="DPM",
    job_type="DpmJob",
    item_type="DPMProtectedItem",
    workload_type="FileFolder",
    container="DPMContainer;{parent}",
    container_type="DPMContainer",
    item="DPMItem;{hash}",
    parent=Parent.SERVER,
    alert_version="DPMContainer",
    alert_type="DPM",
)
DISK = Workload(
    name="Microsoft.Compute/disks",
    provider=DATA_PROTECTION,
    source_type="Microsoft.Compute/disks",
    default_policy="DailyDisks",
    backup_type="Incremental",
    collision="UserErrorMaxConcurrentOperationLimitReached",
)
BLOBS = Workload(
    name="Microsoft.Storage/storageAccounts/blobServices",
    provider=DATA_PROTECTION,
    source_type="Microsoft.Storage/storageAccounts",
    default_policy="DailyBlobs",
    backup_type="Discrete",
    vaulted=True,
    has_set=True,
)
CLUSTER = Workload(
    name="Microsoft.ContainerService/managedClusters",
    provider=DATA_PROTECTION,
    source_type="Microsoft.ContainerService/managedClusters",
    default_policy="DailyClusters",
    backup_type="Incremental",
    has_set=True,
    usual_error="ExtensionTimedOutWaitingForBackupItemSync",
)
POSTGRESQL = Workload(
    name="Microsoft.DBforPostgreSQL/flexibleServers",
    provider=DATA_PROTECTION,
    source_type="Microsoft.DBforPostgreSQL/flexibleServers",
    default_policy="DailyPostgreSQL",
    vaulted=True,
    progress=True,
    cancellable=True,
)
POSTGRESQL_DATABASE = Workload(
    name="Microsoft.DBforPostgreSQL/servers/databases",
    provider=DATA_PROTECTION,
    item="{parent}-{name}-{guid}",
    parent=Parent.SERVER,
    source_type="Microsoft.DBforPostgreSQL/servers",
    part="databases",
    default_policy="WeeklyPostgreSQLDatabases",
    vaulted=True,
    has_set=True,
    progress=True,
)
MYSQL = Workload(
    name="Microsoft.DBforMySQL/flexibleServers",
    provider=DATA_PROTECTION,
    source_type="Microsoft.DBforMySQL/flexibleServers",
    default_policy="DailyMySQL",
    vaulted=True,
    progress=True,
)

WORKLOADS = {
    workload.name: workload
    for workload in (
        VM,
        FILE_SHARE,
        SQL_DATABASE,
        HANA_DATABASE,
        HANA_INSTANCE,
        MARS_AGENT,
        DPM_SERVER,
        DISK,
        BLOBS,
        CLUSTER,
        POSTGRESQL,
        POSTGRESQL_DATABASE,
        MYSQL,
    )
}
