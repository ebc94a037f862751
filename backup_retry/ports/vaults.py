"""The port to the vaults, and its in-memory fake.

Every method raises AzureRefused (NotFound, Forbidden) when Azure says no, and AzureUnavailable (Throttled)
when it does not answer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import BackupRetryError, NotFound
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, Job, JobList, Operation, UnreadJob


class Vaults(Protocol):
    """What the engine asks of Azure's vaults."""

    async def job(self, vault: Vault, job_id: str) -> Job:
        """One job, read afresh."""
        ...

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """The vault's jobs that started at `since` or later, read at `fresh_since` or later."""
        ...

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """The item's protection, at most a minute old; None when the vault itself has no such item and lists none.

        Raises NotFound where one of the two says otherwise, or where somebody above the vault answers 404.
        """
        ...

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """Start an on-demand backup once; returns what `operation` takes ("" where Azure named none).

        Raises AnswerUnclear when the request may have taken effect without a clear answer.
        """
        ...

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """What became of an accepted trigger; None when the vault does not know the operation."""
        ...


@dataclass
class MemoryVaults:
    """Vaults in memory, for tests: shows what it is told, records what is triggered, fails when asked to."""

    clock: Callable[[], datetime]
    shown_jobs: list[Job] = field(default_factory=list)
    #: jobs of every vault's list that cannot be understood
    unread: list[UnreadJob] = field(default_factory=list)
    items: dict[str, ItemState] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    #: errors that the next triggers raise, in order
    trigger_errors: list[BackupRetryError] = field(default_factory=list)
    #: error that every read raises while set
    read_error: BackupRetryError | None = None
    #: (item key, attempt id) of every trigger that arrived, clear answer or not
    triggered: list[tuple[str, str]] = field(default_factory=list)
    #: what each of them asked for
    requests: list[BackupRequest] = field(default_factory=list)

    def protect(self, item: ProtectedItem, protection_state: str = "Protected") -> None:
        """Put an item under protection."""
        self.items[item.key] = ItemState(protection_state=protection_state)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        self._check()
        for job in self.shown_jobs:
            if job.vault.key == vault.key and job.id == job_id:
                return job
        raise NotFound(
            f"vault {vault.name} has no job {job_id}", code="BMSUserErrorObjectNotFound", status=404
        )

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults."""
        del fresh_since  # what is in memory is always fresh
        self._check()
        found = [job for job in self.shown_jobs if job.vault.key == vault.key and job.started_at >= since]
        newest_first = sorted(found, key=lambda job: job.started_at, reverse=True)
        return JobList(read_at=self.clock(), jobs=newest_first, unread=tuple(self.unread))

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """See Vaults."""
        self._check()
        return self.items.get(item.key)

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """See Vaults."""
        self.requests.append(request)
        self.triggered.append((item.key, attempt_id))
        if self.trigger_errors:
            raise self.trigger_errors.pop(0)
        return f"operation-{attempt_id}"

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """See Vaults."""
        del item
        self._check()
        return self.operations.get(operation_id)

    def _check(self) -> None:
        if self.read_error is not None:
            raise self.read_error
