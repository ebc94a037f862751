"""The things of the simulated Azure: subscriptions, vaults, protected items, jobs, and the estate at the start."""

import hashlib
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from simulator.estate.behaviour import Settings
from simulator.estate.outcomes import JobError, JobStatus, Outcome
from simulator.estate.policies import Policy
from simulator.estate.workloads import DATA_PROTECTION, RECOVERY_SERVICES, VM, Workload

#: Of what restores can be cancelled.
_RESTORED_BY_AZURE = frozenset({"AzureIaasVM", "AzureStorage", "AzureWorkload"})
_VAULT_TYPES = {RECOVERY_SERVICES: "vaults", DATA_PROTECTION: "backupVaults"}


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """An Azure subscription."""

    id: str
    name: str
    #: `Enabled`; `Disabled`: it can be read, and nothing can be started in it; `Deleted`: nobody finds it any more.
    state: str = "Enabled"
    #: Tags of its resource groups, by the group's lower-cased name.
    group_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FunctionApp:
    """A function app that signs in with the one identity."""

    subscription_id: str
    resource_group: str
    name: str
    host: str
    settings: Mapping[str, str]

    @property
    def id(self) -> str:
        """The ARM id."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.Web/sites/{self.name}"


@dataclass(eq=False, kw_only=True)
class Vault:
    """A Recovery Services vault or a Backup vault."""

    subscription_id: str
    resource_group: str
    name: str
    provider: str = RECOVERY_SERVICES
    location: str = "westeurope"
    #: Whether Azure Monitor raises an alert for each failed job.
    alerts_for_all_job_failures: bool = True
    tags: dict[str, str] = field(default_factory=dict)
    items: list["Item"] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    jobs: list["Job"] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The ARM id."""
        group = f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/{self.type}/{self.name}"

    @property
    def type(self) -> str:
        """The ARM type: `Microsoft.RecoveryServices/vaults`."""
        return f"{self.provider}/{_VAULT_TYPES[self.provider]}"


@dataclass(eq=False, kw_only=True)
class Item:
    """What a vault protects: a protected item, or a backup instance of a Backup vault."""

    vault: Vault = field(repr=False)
    workload: Workload = VM
    #: The name of the VM, share, database and so on, as its owner wrote it.
    friendly_name: str
    #: The resource group of what is protected.
    resource_group: str
    #: The storage account, the VM that hosts the database, or the server with the agent.
    parent: str = ""
    #: The SQL instance or the HANA system's SID.
    instance: str = ""
    #: Whether the item's name is a hash, as that of newer file shares.
    hashed_name: bool = False
    #: How its jobs call it; "": as its workload's jobs do.
    entity_name: str = ""
    policy: Policy = field(default_factory=Policy)
    protection_state: str = "Protected"
    tags: dict[str, str] = field(default_factory=dict)
    #: The start of the last successful backup before the simulation began; None: never backed up.
    backed_up_before: datetime | None = None
    #: How the next on-demand backups end, first one first; when empty they complete.
    next_outcomes: deque[Outcome] = field(default_factory=deque)
    jobs: list["Job"] = field(default_factory=list, repr=False)

    @cached_property
    def container_name(self) -> str:
        """The container as jobs and items name it: lower-cased by the service; "" in a Backup vault."""
        return self._named(self.workload.container)

    @property
    def container_id(self) -> str:
        """The ARM id of the protection container."""
        container = f"{self.workload.container_prefix}{self.container_name}"
        return f"{self.vault.id}/backupFabrics/Azure/protectionContainers/{container}"

    @cached_property
    def name(self) -> str:
        """The name of the protected item or backup instance."""
        return self._named((self.hashed_name and self.workload.hashed_item) or self.workload.item)

    @cached_property
    def id(self) -> str:
        """The ARM id of the protected item or backup instance."""
        if self.vault.provider == DATA_PROTECTION:
            return f"{self.vault.id}/backupInstances/{self.name}"
        return f"{self.container_id}/protectedItems/{self.name}"

    @property
    def server_name(self) -> str:
        """The name of the machine that hosts it, as that machine calls itself."""
        return self.parent[: self.workload.server_name_length]

    @property
    def source_name(self) -> str:
        """The name of the machine, account or server that is backed up, or that holds what is."""
        return self.parent or self.friendly_name

    @property
    def source_resource_id(self) -> str:
        """The ARM id of what is backed up, or of the machine that holds it; "": it is not in Azure."""
        part = self.workload.part
        return self.holder_id + (f"/{part}/{self.friendly_name}" if part else "")

    @property
    def holder_id(self) -> str:
        """The ARM id of the machine, account, server and so on that is backed up or holds what is."""
        if not self.workload.source_type:
            return ""
        group = f"/subscriptions/{self.vault.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/{self.workload.source_type}/{self.source_name}"

    def _named(self, pattern: str) -> str:
        """The pattern with this item's names, which Recovery Services lower-cases."""
        values = {"group": self.resource_group, "name": self.friendly_name}
        values |= {"parent": self.parent, "instance": self.instance}
        if self.vault.provider == RECOVERY_SERVICES:
            values = {key: value.lower() for key, value in values.items()}
        identity = f"{self.vault.id}/{self.parent}/{self.instance}/{self.friendly_name}".lower()
        values["hash"] = hashlib.sha256(identity.encode()).hexdigest()
        values["guid"] = str(uuid.uuid5(uuid.NAMESPACE_URL, identity))
        return pattern.format_map(values)

    def last_backup(self, at: datetime) -> "Job | None":
        """The backup that, as far as was known then, ended last."""
        ended = [job for job in reversed(self.jobs) if job.is_backup and not job.status_at(at).running]
        return max(ended, key=lambda job: job.end_time or job.start_time, default=None)

    def last_recovery_point(self, at: datetime) -> datetime | None:
        """The start of the newest backup that, as far as was known then, made a recovery point."""
        good = [
            job.start_time for job in self.jobs if job.is_backup and job.status_at(at).made_recovery_point
        ]
        before = [self.backed_up_before] if self.backed_up_before else []
        return max(good + before, default=None)

    def recovery_points(self, at: datetime) -> int:
        """How many backups, as far as was known then, can be restored from."""
        good = sum(job.is_backup and job.status_at(at).made_recovery_point for job in self.jobs)
        return good + (self.backed_up_before is not None)


@dataclass(eq=False, kw_only=True)
class Job:
    """A job of a vault."""

    item: Item
    #: The GUID that names it.
    name: str
    #: Backup, Restore, ConfigureBackup and so on.
    operation: str
    #: The kind of backup, such as Full; "" where the workload has none.
    kind: str = ""
    #: Of Backup vaults: the retention tag that the backup was given.
    retention_tag: str = ""
    start_time: datetime
    #: The `x-ms-client-request-id` of the call that started it.
    activity_id: str
    user_triggered: bool
    outcome: Outcome
    #: When it will end.
    due: datetime
    #: Each status with the time from which the vault showed it, oldest first.
    history: list[tuple[datetime, JobStatus]]
    end_time: datetime | None = None
    #: Of databases: when it begins to say which server and kind of backup it is about.
    named_at: datetime | None = None
    #: When the recovery point of an on-demand backup expires.
    expires: datetime | None = None

    @property
    def vault(self) -> Vault:
        """The vault that the job belongs to."""
        return self.item.vault

    @property
    def id(self) -> str:
        """The ARM id."""
        return f"{self.vault.id}/backupJobs/{self.name}"

    @property
    def status(self) -> JobStatus:
        """What the vault shows now."""
        return self.history[-1][1]

    @property
    def error(self) -> JobError | None:
        """Why the job failed, or what it warns of; None while it runs. A cancelled job has no error."""
        return self.outcome.error if self.status is self.outcome.status else None

    def error_at(self, at: datetime) -> JobError | None:
        """The error as far as it was known then."""
        return self.error if self.status_at(at) is self.status else None

    def is_young_at(self, at: datetime) -> bool:
        """Whether it ran then, and did not say yet all that it says later of its item."""
        return self.named_at is not None and at < self.named_at and self.status_at(at).running

    def shown_operation(self, at: datetime) -> str:
        """The operation as Recovery Services wrote it then: `Backup (Full)`, and `Backup` of a young job."""
        return f"{self.operation} ({self.kind})" if self.kind and not self.is_young_at(at) else self.operation

    @property
    def is_backup(self) -> bool:
        """Whether it is a backup, as opposed to a restore or a change of protection."""
        return self.operation == "Backup"

    @property
    def moves_data(self) -> bool:
        """Whether it is a backup or a restore."""
        return self.is_backup or "Restore" in self.operation

    @property
    def is_cancellable(self) -> bool:
        """Whether it can be cancelled while it runs: a share's backup cannot, a share's restore can."""
        if self.operation == "Backup":
            return self.item.workload.cancellable
        return self.operation == "Restore" and self.item.workload.management_type in _RESTORED_BY_AZURE

    def is_known_at(self, at: datetime) -> bool:
        """Whether the vault listed the job then."""
        return self.history[0][0] <= at

    def status_at(self, at: datetime) -> JobStatus:
        """What the vault showed then; InProgress if it did not know the job yet."""
        known = (status for since, status in reversed(self.history) if since <= at)
        return next(known, JobStatus.IN_PROGRESS)


@dataclass(frozen=True, kw_only=True)
class Operation:
    """An asynchronous request that ARM answered with 202: a trigger or a cancellation."""

    id: str
    job: Job
    start_time: datetime
    #: When it turns from InProgress to Succeeded.
    ready: datetime


@dataclass(frozen=True, kw_only=True)
class PastJob:
    """A job that began before the simulation did, and may be running yet."""

    item: Item
    operation: str
    kind: str
    outcome: Outcome
    age: timedelta
    user_triggered: bool


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What there is when the simulation begins."""

    subscriptions: tuple[Subscription, ...] = ()
    vaults: tuple[Vault, ...] = ()
    function_apps: tuple[FunctionApp, ...] = ()
    #: Lower-cased names of the vaults on which the app's identity has no role.
    denied_vaults: frozenset[str] = frozenset()
    #: What had been going on before.
    jobs: tuple[PastJob, ...] = ()
    settings: Settings = field(default_factory=Settings)
