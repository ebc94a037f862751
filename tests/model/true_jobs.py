"""Jobs and protected items as they really are, whatever the vault shows of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from math import inf

from backup_retry.arm_ids import ProtectedItem, VaultKind
from backup_retry.model import Job, JobError, JobStatus
from backup_retry.schedule import BackupPolicy
from tests.model.agenda import START

PASSING = ("CloudInternalError", "VMCreationTimeOutStorageErrorV2", "BackUpOperationFailed")
PERSON = "UserErrorVmProvisioningStateFailed"
CONFLICT = "UserErrorBackupOperationInProgress"
UNKNOWN = "UserErrorNobodyHasSeenThis"
_WORKLOADS = {VaultKind.RECOVERY_SERVICES: "VM", VaultKind.BACKUP: "Microsoft.Compute/disks"}


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a backup is going to end."""

    status: JobStatus = JobStatus.COMPLETED
    seconds: float = 600.0
    error: str = ""


@dataclass(kw_only=True)
class TrueJob:
    """A job as it really is."""

    id: str
    item: ProtectedItem
    started_at: float
    visible_at: float
    ends_at: float
    status: JobStatus
    error: str = ""
    activity_id: str = ""
    #: the attempt of ours that started it; "": somebody else did
    attempt_id: str = ""
    operation: str = "Backup"

    def runs_at(self, when: float) -> bool:
        """Whether it has begun and not ended."""
        return self.started_at <= when < self.ends_at

    def failed_at(self, when: float) -> bool:
        """Whether it has ended badly."""
        return when >= self.ends_at and self.status in {JobStatus.FAILED, JobStatus.CANCELLED}

    def completed_at(self, when: float) -> bool:
        """Whether it has made a recovery point."""
        return when >= self.ends_at and self.status.succeeded

    def seen_at(self, when: float) -> Job:
        """The job as the vault shows it then."""
        ended = when >= self.ends_at
        return Job(
            id=self.id,
            vault=self.item.vault,
            workload=_WORKLOADS[self.item.vault.kind],
            operation=self.operation,
            status=self.status if ended else JobStatus.IN_PROGRESS,
            started_at=_moment(self.started_at),
            ended_at=_moment(self.ends_at) if ended else None,
            activity_id=self.activity_id,
            on_demand=bool(self.attempt_id) if self.item.vault.kind is VaultKind.BACKUP else None,
            entity_name=self.item.friendly_name,
            item=self.item,
            error=JobError(title=self.error) if ended and self.error else None,
        )


@dataclass(kw_only=True)
class TrueItem:
    """A protected item as it really is."""

    item: ProtectedItem
    protected: bool = True
    #: when that last changed
    changed_at: float = -inf
    #: when it is backed up by schedule, where the vault tells
    policy: BackupPolicy | None = None
    jobs: list[TrueJob] = field(default_factory=list)

    def backups(self) -> Iterator[TrueJob]:
        """Its backups, newest first."""
        return (job for job in reversed(self.jobs) if job.operation == "Backup")

    def since(self, earliest: float) -> Iterator[TrueJob]:
        """Its jobs that began then or later, newest first."""
        return takewhile(lambda job: job.started_at >= earliest, reversed(self.jobs))

    def unmended(self, when: float) -> TrueJob | None:
        """Its newest failure, where no backup has completed since."""
        ended = [job for job in self.jobs if job.operation == "Backup" and job.ends_at <= when]
        newest = max((job for job in ended if job.failed_at(when)), key=_end, default=None)
        last = max((job for job in ended if job.completed_at(when)), key=_end, default=None)
        return None if newest and last and last.ends_at > newest.ends_at else newest


def _end(job: TrueJob) -> float:
    return job.ends_at


def _moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)
