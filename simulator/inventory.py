"""The things of the simulated Azure: subscriptions, vaults, protected VMs, jobs, and the estate at the start."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from simulator.outcomes import JobError, JobStatus, Outcome

RECOVERY_SERVICES = "Microsoft.RecoveryServices"


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """An Azure subscription."""

    id: str
    name: str
    #: Tags of its resource groups, by the group's lower-cased name.
    group_tags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A daily backup policy for VMs."""

    name: str = "DefaultPolicy"
    #: Time of day of the backup, `hh:mm` in `time_zone`.
    run_time: str = "22:00"
    #: A Windows time zone id.
    time_zone: str = "UTC"
    retention_days: int = 30


@dataclass(eq=False, kw_only=True)
class Vault:
    """A Recovery Services vault."""

    subscription_id: str
    resource_group: str
    name: str
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
        return f"{group}/providers/{RECOVERY_SERVICES}/vaults/{self.name}"


@dataclass(eq=False, kw_only=True)
class Item:
    """A protected VM in a vault."""

    vault: Vault = field(repr=False)
    #: The VM's name, as its owner wrote it.
    friendly_name: str
    #: The resource group of the VM.
    resource_group: str
    policy: Policy = field(default_factory=Policy)
    protection_state: str = "Protected"
    tags: dict[str, str] = field(default_factory=dict)
    #: The start of the last good backup before the simulation began; None: never backed up.
    backed_up_before: datetime | None = None
    #: How the next on-demand backups end, first one first; when empty they complete.
    next_outcomes: deque[Outcome] = field(default_factory=deque)
    jobs: list["Job"] = field(default_factory=list, repr=False)

    @property
    def container_name(self) -> str:
        """The name that jobs carry: lower-cased by the service, without the container's type."""
        return f"iaasvmcontainerv2;{self.resource_group};{self.friendly_name}".lower()

    @property
    def container_id(self) -> str:
        """The ARM id of the protection container."""
        container = f"IaasVMContainer;{self.container_name}"
        return f"{self.vault.id}/backupFabrics/Azure/protectionContainers/{container}"

    @property
    def name(self) -> str:
        """The name of the protected item."""
        return f"VM;{self.container_name}"

    @property
    def id(self) -> str:
        """The ARM id of the protected item."""
        return f"{self.container_id}/protectedItems/{self.name}"

    @property
    def source_resource_id(self) -> str:
        """The ARM id of the VM."""
        group = f"/subscriptions/{self.vault.subscription_id}/resourceGroups/{self.resource_group}"
        return f"{group}/providers/Microsoft.Compute/virtualMachines/{self.friendly_name}"

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


@dataclass(eq=False, kw_only=True)
class Job:
    """A job of a vault."""

    item: Item
    #: The GUID that names it.
    name: str
    operation: str
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
        """Why the job failed; None unless it did. A cancelled job has no error."""
        return self.outcome.error if self.status is JobStatus.FAILED else None

    @property
    def is_backup(self) -> bool:
        """Whether it is a backup, as opposed to a restore or a change of protection."""
        return self.operation == "Backup"

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
class TokenBuckets:
    """The sizes of ARM's token buckets per subscription, and what flows in per second."""

    writes: int = 200
    write_refill: float = 10
    reads: int = 250
    read_refill: float = 25


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the simulated Azure behaves. Times are seconds."""

    backup_seconds: float = 1.0
    #: How far Resource Graph lags behind the vaults.
    graph_lag_seconds: float = 0.0
    #: From a job's end to its alert.
    alert_delay_seconds: float = 0.2
    #: Multiplies the waiting times of action groups and Event Grid.
    delivery_pace: float = 1.0
    #: How long a trigger's or cancellation's operation is InProgress.
    operation_seconds: float = 0.2
    #: Jobs, items and so on per page of a list.
    page_size: int = 200
    arm_buckets: TokenBuckets = field(default_factory=TokenBuckets)


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What there is when the simulation begins."""

    subscriptions: tuple[Subscription, ...] = ()
    vaults: tuple[Vault, ...] = ()
    #: Lower-cased names of the vaults on which the app's identity has no role.
    denied_vaults: frozenset[str] = frozenset()
    settings: Settings = field(default_factory=Settings)
