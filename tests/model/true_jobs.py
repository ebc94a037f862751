"""Jobs and protected items as they really are, whatever the vault shows of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import takewhile
from math import inf

from backup_retry.domain.arm_ids import STAND_IN, ProtectedItem, VaultKind
from backup_retry.domain.jobs import Job, JobError, JobStatus
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.domain.workloads import workload
from tests.model.agenda import START

PASSING = ("CloudInternalError", "VMCreationTimeOutStorageErrorV2", "BackUpOperationFailed")
PERSON = "UserErrorVmProvisioningStateFailed"
CONFLICT = "UserErrorBackupOperationInProgress"
UNKNOWN = "UserErrorNobodyHasSeenThis"
#: of a database: no differential or log backup fits on its last full one
CHAIN_BROKE = "UserErrorSQLLSNValidationFailure"
DATABASE_CONFLICT = "OperationCancelledBecauseConflictingOperationRunningUserError"
CONFLICTS = frozenset({CONFLICT, DATABASE_CONFLICT})
FULL, DIFFERENTIAL, LOG = "Full", "Differential", "Log"
#: what a backup is worth beside others of its database; a machine's as much as a full one
_RANKS = {LOG: 1, DIFFERENTIAL: 2}
_BEST = 3


def workload_of(item: ProtectedItem) -> str:
    """What kind of thing it is, as `workloads.WORKLOADS` names it."""
    if item.vault.kind is VaultKind.BACKUP:
        return "Microsoft.Compute/disks"
    return "SQLDataBase" if item.container.startswith("VMAppContainer") else "VM"


def kind_of(operation: str) -> str:
    """The kind of backup in "Backup (Full)"; "" in "Backup"."""
    return operation.removeprefix("Backup").strip(" ()")


def rank_of(operation: str) -> int:
    """What a backup is worth beside others of its item."""
    return _RANKS.get(kind_of(operation), _BEST)


def is_database(item: ProtectedItem) -> bool:
    """Whether it has backups of several kinds."""
    return workload(workload_of(item)).has_kinds


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
    #: whether it tells neither its server nor its workload before it has ended, as young ones of databases do
    nameless: bool = False
    #: the node of an availability group that it is called after for good; "": after its item's own server
    node: str = ""

    @property
    def is_backup(self) -> bool:
        """Whether it backs up, and changes no protection."""
        return self.operation.startswith("Backup")

    @property
    def kind(self) -> str:
        """Full, Differential or Log; "" for a machine's."""
        return kind_of(self.operation)

    @property
    def rank(self) -> int:
        """How much it makes up for: a full backup for all others, a log backup for no other."""
        return rank_of(self.operation)

    def makes_up_for(self, failed: "TrueJob") -> bool:
        """Whether, once completed, it leaves nothing to mend of that one."""
        return self.ends_at > failed.ends_at and self.rank >= failed.rank

    def runs_at(self, when: float) -> bool:
        """Whether it has begun and not ended."""
        return self.started_at <= when < self.ends_at

    def failed_at(self, when: float) -> bool:
        """Whether it has ended badly."""
        return when >= self.ends_at and self.status in {JobStatus.FAILED, JobStatus.CANCELLED}

    def completed_at(self, when: float) -> bool:
        """Whether it has made a recovery point."""
        return when >= self.ends_at and self.status.succeeded

    @property
    def shown_item(self) -> ProtectedItem:
        """The item that its names make of it, where nobody names another: its own, or a stand-in of a node's."""
        return _stand_in(self.item, self.node) if self.node else self.item

    def seen_at(self, when: float) -> Job:
        """The job as the vault shows it then."""
        ended = when >= self.ends_at
        nameless = self.nameless and not ended
        name = self.item.friendly_name
        return Job(
            id=self.id,
            vault=self.item.vault,
            workload="" if nameless else workload_of(self.item),
            operation=self.operation,
            status=self.status if ended else JobStatus.IN_PROGRESS,
            started_at=_moment(self.started_at),
            ended_at=_moment(self.ends_at) if ended else None,
            activity_id=self.activity_id,
            on_demand=bool(self.attempt_id) if self.item.vault.kind is VaultKind.BACKUP else None,
            entity_name=f"{name} [{self.node}]" if self.node and not nameless else name,
            item=_stand_in(self.item, "unknown") if nameless else self.shown_item,
            guessed=nameless or bool(self.node),
            error=JobError(title=self.error) if ended and self.error else None,
        )


@dataclass(kw_only=True)
class TrueItem:
    """A protected item as it really is."""

    item: ProtectedItem
    #: whether a job of it bears the id that it was asked for with
    keeps_ids: bool = True
    protected: bool = True
    #: when that last changed
    changed_at: float = -inf
    #: the nodes of its availability group, after which its jobs are called now and then
    nodes: Sequence[str] = ()
    #: when it is backed up by schedule, where the vault tells
    policy: BackupPolicy | None = None
    jobs: list[TrueJob] = field(default_factory=list)

    def backups(self) -> Iterator[TrueJob]:
        """Its backups, newest first."""
        return (job for job in reversed(self.jobs) if job.is_backup)

    def since(self, earliest: float) -> Iterator[TrueJob]:
        """Its jobs that began then or later, newest first."""
        return takewhile(lambda job: job.started_at >= earliest, reversed(self.jobs))

    def is_busy(self, kind: str, when: float) -> bool:
        """Whether a job runs that keeps a backup of that kind from running; a log backup minds no other kind."""
        running = [job for job in self.jobs if job.runs_at(when)]
        return any((job.kind == LOG) is (kind == LOG) for job in running)

    def chain_is_broken(self, when: float) -> bool:
        """Whether a backup has found the log chain broken, and no full one has completed since."""
        ended = [job for job in self.jobs if job.ends_at <= when]
        broke = max((job.ends_at for job in ended if job.error == CHAIN_BROKE), default=-inf)
        full = max((job.ends_at for job in ended if job.status.succeeded and job.kind == FULL), default=-inf)
        return broke > full

    def mended(self, failed: TrueJob, when: float) -> bool:
        """Whether a backup worth as much as that failed one has completed since."""
        return any(job.completed_at(when) and job.makes_up_for(failed) for job in self.backups())

    def is_seen_mended(self, failed: TrueJob, when: float) -> bool:
        """The same of a backup that is known to be the item's: nobody can say so of one that bears another name."""
        known = (job for job in self.backups() if not job.node)
        return any(job.completed_at(when) and job.makes_up_for(failed) for job in known)

    def unmended(self, when: float) -> Sequence[TrueJob]:
        """Its newest failed backup of each worth, of those that none has made up for."""
        newest: dict[int, TrueJob] = {}
        for job in sorted((job for job in self.backups() if job.failed_at(when)), key=_end):
            newest[job.rank] = job
        return [job for job in newest.values() if not self.mended(job, when)]


def _stand_in(item: ProtectedItem, server: str) -> ProtectedItem:
    """What the adapters make of a job that names a database, and a server that the vault lists it under nowhere."""
    return replace(item, container=f"{STAND_IN}{workload_of(item)};{server}", name=item.friendly_name)


def _end(job: TrueJob) -> float:
    return job.ends_at


def _moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)
