"""What the vault says about a protected item and its jobs at the time of a decision."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from backup_retry.domain.jobs import FailedJob, Job, JobError, Operation
from backup_retry.domain.schedule import BackupPolicy


@dataclass(frozen=True, kw_only=True)
class ItemState:
    """What the vault says about a protected item now."""

    protection_state: str
    #: soft-deleted: kept for a while, backed up no more
    deleted: bool = False
    #: title of the item's backup KPI, where the string code (UserError…) stands
    kpi_title: str = ""
    last_recovery_point: datetime | None = None
    policy_id: str = ""
    #: the ARM id of the protected resource, where the vault tells it
    source_id: str = ""
    #: when and for how long the item is backed up; None: not known
    policy: BackupPolicy | None = None


@dataclass(frozen=True, kw_only=True)
class SimilarFailures:
    """How many items of a vault fail with one error."""

    error: JobError = field(default_factory=JobError)
    #: at the same time, the item in question among them
    items: int = 1
    #: at any time that the vault's list reports
    ever: int = 1
    #: those at the same time besides the item in question, by id, or by name where the list tells no more
    others: tuple[str, ...] = ()
    #: when the last such backup of each of `others` failed, in their order
    failed_at: tuple[datetime, ...] = ()

    def items_since(self, at: datetime) -> int:
        """How many of `items` have failed since then, if the item in question has."""
        return 1 + sum(failed_at > at for failed_at in self.failed_at)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known about an incident's item at the time of a decision."""

    #: the item's jobs that run or ended since the incident's first failure did, those of its attempts whenever they
    #: ended, and those running that may be the item's; newest first
    jobs: Sequence[Job] = ()
    #: all of the item's jobs that the vault listed, back to a day before that failure at least, newest first
    listed: Sequence[Job] = ()
    #: when the vault was asked for all of them; None: not yet, or not all could be read
    read_at: datetime | None = None
    #: why there may be more jobs of the item than these; "": there are none
    gap: str = ""
    #: None: the vault itself says that it has no such item, and does not list it either
    item: ItemState | None = None
    #: the items of the vault that fail with the same error
    similar: SimilarFailures = SimilarFailures()
    #: the operation of the attempt in flight, asked for only where its job has not appeared
    operation: Operation | None = None

    def make_up_for(self, failure: FailedJob) -> bool:
        """True when one of the item's jobs makes up for the failure, which may be older than the one that counts."""
        known = {job.id for job in self.jobs}  # what their details say is not in the list
        older = (job for job in self.listed if job.id not in known)
        return any(job.makes_up_for(failure) for job in (*self.jobs, *older))
