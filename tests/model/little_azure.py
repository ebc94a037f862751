"""Azure's own truth in the model: items, their jobs, and what becomes of a trigger. It knows nothing of networks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from uuid import UUID

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.errors import NotFound
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import Job, JobError, JobStatus, Operation
from tests.model.agenda import START, Agenda
from tests.model.faults import Fault, Faults
from tests.model.true_jobs import (
    CHAIN_BROKE,
    CONFLICT,
    DATABASE_CONFLICT,
    DIFFERENTIAL,
    LOG,
    PASSING,
    Ending,
    TrueItem,
    TrueJob,
    is_database,
)

#: how late a job may appear in the vault's list, in seconds
APPEARS_WITHIN = 60.0
#: how old a list may be that the vault gives out
LIST_LAG = 60.0


@dataclass
class LittleAzure:
    """Vaults, items and jobs."""

    agenda: Agenda
    random: Random
    faults: Faults
    items: dict[str, TrueItem] = field(default_factory=dict)
    in_vault: dict[str, list[TrueItem]] = field(default_factory=dict)
    jobs: dict[str, TrueJob] = field(default_factory=dict)
    #: told of every backup that has ended
    ended: Callable[[TrueJob], None] = lambda _: None
    #: how the next backup that we trigger ends, by its item and kind
    next_ending: Callable[[ProtectedItem, str], Ending] = lambda *_: Ending()
    _operations: dict[str, Operation] = field(default_factory=dict)

    def protect(self, item: ProtectedItem) -> TrueItem:
        """Begin to protect an item."""
        keeps_ids = item.vault.kind is VaultKind.RECOVERY_SERVICES or len(self.items) % 2 == 0
        true_item = self.items.setdefault(item.key, TrueItem(item=item, keeps_ids=keeps_ids))
        self.in_vault.setdefault(item.vault.key, []).append(true_item)
        return true_item

    def backup(self, item: ProtectedItem, ending: Ending, kind: str = "", *, attempt_id: str = "") -> TrueJob:
        """A backup begins; while another one runs, or where the log chain broke, it fails as Azure's do."""
        true_item = self.items[item.key]
        if true_item.is_busy(kind, self.agenda.now):
            error = DATABASE_CONFLICT if kind else CONFLICT
            ending = Ending(status=JobStatus.FAILED, seconds=1.0, error=error)
        elif kind in {DIFFERENTIAL, LOG} and true_item.chain_is_broken(self.agenda.now):
            ending = Ending(status=JobStatus.FAILED, seconds=ending.seconds, error=CHAIN_BROKE)
        return self._begin(true_item, ending, attempt_id, f"Backup ({kind})" if kind else "Backup")

    def protection(self, item: ProtectedItem, *, on: bool) -> None:
        """Somebody stops the protection of an item, or sets it up anew."""
        true_item = self.items[item.key]
        true_item.protected, true_item.changed_at = on, self.agenda.now
        if on:
            self.configure(true_item, JobStatus.COMPLETED)
        else:
            self._begin(true_item, Ending(seconds=5.0), "", "DisableBackup")

    def configure(self, true_item: TrueItem, status: JobStatus) -> None:
        """An item gets a policy, or the one that it has is edited; a failed edit leaves the old one."""
        self._begin(true_item, Ending(status=status, seconds=5.0), "", "ConfigureBackup")

    def cancel(self, job: TrueJob) -> None:
        """A person cancels a running job."""
        job.status, job.error, job.ends_at = JobStatus.CANCELLED, "", self.agenda.now
        self.ended(job)

    def trigger(self, item: ProtectedItem, kind: str, attempt_id: str) -> str:
        """An on-demand backup is accepted; returns the operation's id."""
        operation_id = f"operation-{attempt_id}"
        if self.faults.strikes(Fault.OPERATION_FAILED):
            self._operations[operation_id] = Operation(status="Failed", error=JobError(title=PASSING[0]))
        else:
            job = self.backup(item, self.next_ending(item, kind), kind, attempt_id=attempt_id)
            self._operations[operation_id] = Operation(status="Succeeded", job_id=job.id)
        return operation_id

    # ---- what the vault answers ----

    def job(self, vault: Vault, job_id: str) -> Job:
        """One job."""
        job = self.jobs.get(job_id)
        if job is None or job.item.vault.key != vault.key:
            raise NotFound(f"no job {job_id}", code="BMSUserErrorObjectNotFound", status=404)
        return job.seen_at(self.agenda.now)

    def list_jobs(self, vault: Vault, since: datetime) -> Sequence[Job]:
        """A vault's jobs, newest first, as they were a moment ago."""
        lags = self.faults.strikes(Fault.JOB_LIST_LAGS)
        as_of = self.agenda.now - (self.random.uniform(0, LIST_LAG) if lags else 0.0)
        earliest = (since - START).total_seconds()
        found = [
            job
            for true_item in self.in_vault.get(vault.key, ())
            for job in true_item.since(earliest)
            if job.visible_at <= as_of
        ]
        return [job.seen_at(as_of) for job in sorted(found, key=_start, reverse=True)]

    def item_state(self, item: ProtectedItem) -> ItemState | None:
        """An item's protection."""
        true_item = self.items.get(item.key)
        if true_item is None:
            return None
        state = "Protected" if true_item.protected else "ProtectionStopped"
        return ItemState(protection_state=state, policy=true_item.policy)

    def operation(self, operation_id: str) -> Operation | None:
        """What became of an accepted trigger."""
        return self._operations.get(operation_id)

    def _begin(self, true_item: TrueItem, ending: Ending, attempt_id: str, operation: str) -> TrueJob:
        """A job begins; not every backup vault's keeps the id that it was asked for with, or has one of its own."""
        now = self.agenda.now
        own = str(UUID(int=self.random.getrandbits(128), version=4))
        without = not true_item.keeps_ids and self.random.random() < 0.5
        activity = "" if without else attempt_id if attempt_id and true_item.keeps_ids else own
        late = self.faults.strikes(Fault.JOB_APPEARS_LATE)
        job = TrueJob(
            id=str(UUID(int=self.random.getrandbits(128), version=4)),
            item=true_item.item,
            started_at=now,
            visible_at=now + (self.random.uniform(0, APPEARS_WITHIN) if late else 0.0),
            ends_at=now + ending.seconds,
            status=ending.status,
            error=ending.error,
            activity_id=activity,
            attempt_id=attempt_id,
            operation=operation,
            nameless=is_database(true_item.item) and self.random.random() < 0.2,
            node=self.random.choice(("", *true_item.nodes)) if true_item.nodes else "",
        )
        true_item.jobs.append(job)
        self.jobs[job.id] = job
        self.agenda.at(job.ends_at, lambda: self._end(job))
        return job

    def _end(self, job: TrueJob) -> None:
        if job.is_backup and job.status is not JobStatus.CANCELLED:
            self.ended(job)


def _start(job: TrueJob) -> float:
    return job.started_at
