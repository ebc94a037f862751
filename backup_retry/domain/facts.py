"""What the vault says about a protected item and its jobs at the time of a decision."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

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


class OtherFailure(NamedTuple):
    """Another item of the vault that fails with the same error."""

    #: the item's id, or its name where the list tells no more
    item: str
    #: when its last such backup failed
    failed_at: datetime


@dataclass(frozen=True, kw_only=True)
class SimilarFailures:
    """How many items of a vault fail with one error."""

    error: JobError = field(default_factory=JobError)
    #: at any time that the vault's list reports, the item in question among them
    ever: int = 1
    #: the others that failed at the same time as the item in question: as its last backup, and as the first one
    near: tuple[tuple[OtherFailure, ...], ...] = ()

    @property
    def items(self) -> int:
        """How many failed at the same time, the item in question among them."""
        return 1 + len(self.others)

    @property
    def others(self) -> tuple[str, ...]:
        """Those that failed at the same time as the item in question, which is not among them."""
        return tuple(other.item for other in max(self.near, key=len, default=()))

    def since(self, at: datetime) -> "SimilarFailures":
        """The same without what had failed by then."""
        near = (tuple(other for other in group if other.failed_at > at) for group in self.near)
        return replace(self, near=tuple(near))


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
