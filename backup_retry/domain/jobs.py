"""Jobs of a vault, failures among them, and what is asked of a vault."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.workloads import backup_rank, workload_in_name

#: of an error's name, which is part of keys, of subjects and of every list
_LONGEST_LABEL = 200


class Source(StrEnum):
    """Who told us of a failure."""

    ALERT = "alert"
    EVENT = "event"
    SWEEP = "sweep"
    #: a person, by the command line
    OPERATOR = "operator"


class JobStatus(StrEnum):
    """A job's state as Recovery Services writes it; the adapters translate the words of backup vaults."""

    IN_PROGRESS = "InProgress"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    COMPLETED = "Completed"
    COMPLETED_WITH_WARNINGS = "CompletedWithWarnings"
    FAILED = "Failed"
    #: a word that this app does not know: the job is waited for as one that runs, and a person looks at it after a day
    UNKNOWN = "Unknown"

    @property
    def succeeded(self) -> bool:
        """True when the job completed, which is no proof that it moved anything."""
        return self in {JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_WARNINGS}

    @property
    def running(self) -> bool:
        """True while the job is not known to have ended."""
        return self in {JobStatus.IN_PROGRESS, JobStatus.CANCELLING, JobStatus.UNKNOWN}


@dataclass(frozen=True, kw_only=True)
class JobError:
    """Why a job failed, as the service says it."""

    #: the code's name, such as UserErrorVmProvisioningStateFailed; empty where the service gave none
    title: str = ""
    #: the code's number, such as 400160
    code: int | None = None
    message: str = ""
    #: what the service itself recommends
    advice: str = ""
    #: whether the service says that a retry can help; None where it does not say (Recovery Services never does)
    retryable: bool | None = None

    @property
    def label(self) -> str:
        """The shortest name a person can search for."""
        return self.title[:_LONGEST_LABEL] or (str(self.code) if self.code is not None else "no error code")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job of a vault, as the vault reports it."""

    id: str
    vault: Vault
    #: its name in `workloads.WORKLOADS`; Azure's own for one that is not known
    workload: str
    #: Backup, Restore, ConfigureBackup, DeleteBackupData, "Backup (Log)" …
    operation: str
    status: JobStatus
    started_at: datetime
    ended_at: datetime | None = None
    #: the x-ms-client-request-id of whoever started it; a backup vault may give one of its own instead
    activity_id: str = ""
    #: False for one that the schedule started; None where the service does not say so reliably
    on_demand: bool | None = None
    #: what a person calls the item
    entity_name: str = ""
    #: the item, where the vault tells it
    item: ProtectedItem | None = None
    #: only the job's names say which item that is: whoever names an item knows better
    guessed: bool = False
    #: the items that the job's names fit, where they fit several
    candidates: tuple[ProtectedItem, ...] = ()
    #: whether one that completed with warnings moved data; None where that is not said, as in every list
    moved_data: bool | None = None
    error: JobError | None = None
    #: the policy rule and the retention tag that a backup vault's job ran with
    rule: str = ""
    retention_tag: str = ""

    @property
    def is_backup(self) -> bool:
        """True for a backup of any kind, false for restores, configuration and the rest."""
        return self.operation.lower().split(" ")[0] == "backup"

    @property
    def is_restore(self) -> bool:
        """True for a restore of any kind: Restore (Full), RestoreWithRehydrate, CrossRegionRestore."""
        return "restore" in self.operation.lower()

    @property
    def failed(self) -> bool:
        """True when the job ended badly."""
        return self.status in {JobStatus.FAILED, JobStatus.CANCELLED}

    @property
    def warning(self) -> str:
        """What a person has to know of one that completed with warnings, or ""."""
        if self.status is not JobStatus.COMPLETED_WITH_WARNINGS:
            return ""
        said = (
            f"{self.error.label}: {self.error.message}".removesuffix(": ")
            if self.error
            else "no reason given"
        )
        return f"Job {self.id} completed with warnings ({said})."

    @property
    def end(self) -> datetime | None:
        """When it ended, or began where the service does not say; None while it runs."""
        return None if self.status.running else self.ended_at or self.started_at

    @property
    def is_good(self) -> bool:
        """True for a backup that completed, and moved data as far as anybody knows."""
        return self.is_backup and self.status.succeeded and self.moved_data is not False

    def makes_up_for(self, failure: "FailedJob") -> bool:
        """True for a backup that ended well after the failure and is worth as much as the one that failed."""
        return (
            self.is_good
            and (self.ended_at or self.started_at) > failure.ended_at
            and backup_rank(self.operation) >= backup_rank(failure.operation)
        )

    def is_of(self, item: ProtectedItem) -> bool:
        """True when this job is known to belong to the item."""
        return self.item is not None and self.item.key == item.key


def database_of(entity_name: str) -> str:
    """The database in "database [server]", as names are compared."""
    return entity_name.partition(" [")[0].casefold()


@dataclass(frozen=True, kw_only=True)
class FailedJob:
    """A backup or restore that the vault itself reports as failed or cancelled."""

    id: str
    item: ProtectedItem
    workload: str
    operation: str
    status: JobStatus
    started_at: datetime
    ended_at: datetime
    activity_id: str = ""
    entity_name: str = ""
    error: JobError = JobError()
    rule: str = ""
    retention_tag: str = ""
    #: the kind of backup that its last retry asked for: a full one, where the log chain broke
    retried_as: str = ""

    def weight(self) -> tuple[int, datetime]:
        """How much it counts among failures of its item: the best kind of backup first, then what ended last."""
        return backup_rank(self.operation), self.ended_at

    @classmethod
    def of(cls, job: Job, item: ProtectedItem) -> "FailedJob":
        """A vault's job that ended badly, as a failure of the item; a restore is a matter of its own."""
        return cls(
            id=job.id,
            item=replace(item, restore_job=job.id) if job.is_restore else item,
            workload=job.workload or workload_in_name(item),
            operation=job.operation,
            status=job.status,
            started_at=job.started_at,
            ended_at=job.ended_at or job.started_at,
            activity_id=job.activity_id,
            entity_name=job.entity_name,
            error=job.error or JobError(),
            rule=job.rule,
            retention_tag=job.retention_tag,
        )


@dataclass(frozen=True, kw_only=True)
class UnreadJob:
    """A job of a vault's list that cannot be understood: it may run, have failed or have completed."""

    #: which job of which vault, and what is odd about it
    problem: str
    #: whose it is, where at least that can be read
    item: ProtectedItem | None = None


@dataclass(frozen=True, kw_only=True)
class JobList:
    """A vault's jobs, newest first, as they were when the vault was asked."""

    read_at: datetime
    jobs: Sequence[Job]
    #: what it shows besides; nothing is concluded from what it does not show
    unread: Sequence[UnreadJob] = ()

    def gap(self, item: ProtectedItem | None = None) -> str:
        """Why what it does not show of the item (None: of any) may be there all the same; "" where it is not."""
        for each in self.unread:
            if item is None or each.item is None or each.item.key == item.key:
                return each.problem
        return ""


@dataclass(frozen=True, kw_only=True)
class BackupRequest:
    """Which backup a vault is asked for."""

    #: its name in `workloads.WORKLOADS`
    workload: str
    #: Full, Differential …; "" where the workload has one kind only
    kind: str = ""
    #: when the recovery point expires; None: as the item's policy has it
    keep_until: datetime | None = None
    #: the policy rule and the retention tag to run with, in a backup vault
    rule: str = ""
    retention_tag: str = ""


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What the vault says about an accepted trigger: Succeeded means no more than that a job was made."""

    #: InProgress, Succeeded, Failed …
    status: str
    job_id: str = ""
    error: JobError | None = None

    @property
    def in_progress(self) -> bool:
        """True until it has ended; backup vaults write Inprogress."""
        return self.status.lower() == "inprogress"

    @property
    def failed(self) -> bool:
        """True where no job was made of it."""
        return self.status.lower() == "failed"
