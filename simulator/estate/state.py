"""The state of the simulated Azure, and what can happen to it.

Pure state: no HTTP, no event loop, no clock. Whoever calls says what time it is, and `Azure.advance` brings
the running jobs to their ends.
"""

import heapq
import itertools
import uuid
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from simulator.estate.behaviour import Settings
from simulator.estate.inventory import Estate, Item, Job, Operation, PastJob, Subscription, Vault
from simulator.estate.outcomes import JobError, JobStatus, Outcome, error_titled
from simulator.estate.policies import Policy
from simulator.estate.workloads import RECOVERY_SERVICES

__all__ = [
    "Azure",
    "Estate",
    "Item",
    "Job",
    "JobError",
    "JobStatus",
    "Operation",
    "Outcome",
    "Policy",
    "Settings",
    "Subscription",
    "Vault",
]


#: Operations of databases whose jobs say from the beginning what they are about.
_NAMED = frozenset({"ConfigureBackup", "DisableBackup", "DeleteBackupData", "Register", "Undelete"})


class Azure:
    """Subscriptions, vaults, items, jobs and operations, as the service's own records."""

    def __init__(self, estate: Estate | None = None) -> None:
        #: Called once for each backup or restore that ends Failed.
        self.listeners: list[Callable[[Job], None]] = []
        #: Counts the resets.
        self.generation = 0
        self.reset(estate or Estate())

    def reset(self, estate: Estate) -> None:
        """Start over with `estate`; the listeners stay."""
        self.generation += 1
        self.subscriptions = estate.subscriptions
        self.vaults = estate.vaults
        self.function_apps = estate.function_apps
        self.denied_vaults = estate.denied_vaults
        self.settings = estate.settings
        self.operations: dict[str, Operation] = {}
        self._items = {item.id.lower(): item for item in self.items}
        self._named: dict[str, Item] = {}
        for item in self.items:
            self._named.setdefault(item.friendly_name.lower(), item)
        self._jobs: dict[str, Job] = {}
        self._due: list[tuple[datetime, int, Job]] = []
        self._ticket = itertools.count()
        self._changes: list[datetime] = []

    @property
    def items(self) -> Iterator[Item]:
        """The items of all vaults."""
        return itertools.chain.from_iterable(vault.items for vault in self.vaults)

    @property
    def jobs(self) -> list[Job]:
        """All jobs, in the order in which the vaults learned of them."""
        return list(self._jobs.values())

    def subscription(self, subscription_id: str) -> Subscription | None:
        """The subscription of that id; None also where it is gone."""
        wanted = subscription_id.lower()
        there = (each for each in self.subscriptions if each.state != "Deleted")
        return next((each for each in there if each.id.lower() == wanted), None)

    def has_group(self, subscription_id: str, resource_group: str) -> bool:
        """Whether anything is in a resource group of that name."""
        wanted = (subscription_id.lower(), resource_group.lower())
        places = {(vault.subscription_id.lower(), vault.resource_group.lower()) for vault in self.vaults}
        return wanted in places or any(
            wanted == (item.vault.subscription_id.lower(), item.resource_group.lower()) for item in self.items
        )

    def vault(
        self, subscription_id: str, resource_group: str, name: str, provider: str = RECOVERY_SERVICES
    ) -> Vault | None:
        """The vault of the provider at that place."""
        wanted = (subscription_id.lower(), resource_group.lower(), name.lower(), provider)
        return next((vault for vault in self.vaults if _place(vault) == wanted), None)

    def is_denied(self, vault: Vault) -> bool:
        """Whether the app's identity has no role on the vault, or the vault's subscription is gone."""
        return vault.name.lower() in self.denied_vaults or self.subscription(vault.subscription_id) is None

    def find_item(self, wanted: str) -> Item | None:
        """The item with that ARM ID, or the first with that name."""
        return self._items.get(wanted.lower()) or self._named.get(wanted.lower())

    def find_job(self, name: str) -> Job | None:
        """The job of that GUID, in whichever vault."""
        return self._jobs.get(name.lower())

    def operation(self, operation_id: str) -> Operation | None:
        """The operation of that GUID."""
        return self.operations.get(operation_id.lower())

    def version_at(self, at: datetime) -> tuple[int, int]:
        """Differs between two moments if and only if the jobs were known differently."""
        return self.generation, bisect_right(self._changes, at)

    def trigger_backup(
        self,
        item: Item,
        *,
        activity_id: str,
        expires: datetime | None,
        now: datetime,
        kind: str = "",
        retention_tag: str = "",
    ) -> Operation:
        """Start an on-demand backup, as ARM's `backup` action does.

        While another backup of the item runs the request is accepted all the same, and its job fails about
        a second later.
        """
        if any(job.is_backup and job.status.running for job in item.jobs):
            error = error_titled(item.workload.collision)
            outcome = Outcome(status=JobStatus.FAILED, seconds=self._collision_seconds(item), error=error)
        else:
            outcome = item.next_outcomes.popleft() if item.next_outcomes else Outcome()
        job = self._start(item, "Backup", outcome, now=now, start=now, activity_id=activity_id)
        job.kind = kind or job.kind
        job.retention_tag = retention_tag or job.retention_tag
        job.user_triggered = True
        job.expires = expires or now + timedelta(days=item.policy.retention_days)
        return self._operate(job, now)

    def run_job(
        self,
        item: Item,
        outcome: Outcome,
        *,
        now: datetime,
        age: timedelta = timedelta(0),
        user_triggered: bool = False,
        operation: str = "Backup",
        kind: str = "",
    ) -> Job:
        """Start a job of the item that began `age` ago, as the schedule or a colleague does."""
        activity_id = str(uuid.uuid4())
        job = self._start(item, operation, outcome, now=now, start=now - age, activity_id=activity_id)
        job.kind = kind or job.kind
        job.user_triggered = user_triggered
        self.advance(now)
        return job

    def replay(self, jobs: Iterable[PastJob], now: datetime) -> None:
        """Let jobs have begun before now; those that have failed already are not reported."""
        listeners, self.listeners = self.listeners, []
        for job in jobs:
            self.run_job(
                job.item,
                job.outcome,
                now=now,
                age=job.age,
                user_triggered=job.user_triggered,
                operation=job.operation,
                kind=job.kind,
            )
        self.listeners = listeners

    def cancel(self, job: Job, now: datetime) -> Operation:
        """Ask a running job to stop; it is Cancelled once the operation is ready."""
        operation = self._operate(job, now)
        job.outcome = Outcome(status=JobStatus.CANCELLED)
        job.due = operation.ready
        self._enter(job, JobStatus.CANCELLING, now)
        self._schedule(job)
        return operation

    def advance(self, now: datetime) -> None:
        """End the jobs that are due, in the order of their ends."""
        while self._due and self._due[0][0] <= now:
            due, _, job = heapq.heappop(self._due)
            if job.status.running and job.due == due:
                self._end(job, now)

    def _start(
        self,
        item: Item,
        operation: str,
        outcome: Outcome,
        *,
        now: datetime,
        start: datetime,
        activity_id: str,
    ) -> Job:
        outcome = self._completed(outcome, item)
        kinds = item.workload.kinds if operation == "Backup" else ()
        job = Job(
            item=item,
            name=str(uuid.uuid4()),
            operation=operation,
            kind=kinds[0] if kinds else "",
            retention_tag=item.policy.retention_tag,
            start_time=start,
            activity_id=activity_id,
            user_triggered=False,
            outcome=outcome,
            named_at=self._named_at(item, operation, start),
            due=start + timedelta(seconds=outcome.seconds or 0),
            history=[],
        )
        self._jobs[job.name] = job
        item.jobs.append(job)
        item.vault.jobs.append(job)
        self._enter(job, JobStatus.IN_PROGRESS, now)
        self._schedule(job)
        return job

    def _named_at(self, item: Item, operation: str, start: datetime) -> datetime | None:
        if item.workload.management_type != "AzureWorkload" or operation in _NAMED:
            return None
        return start + timedelta(seconds=self.settings.nameless_seconds)

    def _collision_seconds(self, item: Item) -> float:
        chosen = self.settings.collision_seconds
        return item.workload.collision_seconds if chosen is None else chosen

    def _completed(self, outcome: Outcome, item: Item) -> Outcome:
        """The outcome with what it leaves open."""
        usual = error_titled(item.workload.usual_error)
        error = (outcome.error or usual) if outcome.status is JobStatus.FAILED else outcome.error
        seconds = self.settings.backup_seconds if outcome.seconds is None else outcome.seconds
        return replace(outcome, seconds=seconds, error=error)

    def _operate(self, job: Job, now: datetime) -> Operation:
        ready = now + timedelta(seconds=self.settings.operation_seconds)
        operation = Operation(id=str(uuid.uuid4()), job=job, start_time=now, ready=ready)
        self.operations[operation.id] = operation
        return operation

    def _schedule(self, job: Job) -> None:
        if not job.outcome.status.running:
            heapq.heappush(self._due, (job.due, next(self._ticket), job))

    def _end(self, job: Job, now: datetime) -> None:
        job.end_time = job.due
        self._enter(job, job.outcome.status, now)
        if job.is_backup and job.status.made_recovery_point and job.item.protection_state == "IRPending":
            job.item.protection_state = "Protected"
        if job.moves_data and job.status is JobStatus.FAILED:
            for listener in self.listeners:
                listener(job)

    def _enter(self, job: Job, status: JobStatus, now: datetime) -> None:
        job.history.append((now, status))
        self._changes.append(now)


def _place(vault: Vault) -> tuple[str, str, str, str]:
    return vault.subscription_id.lower(), vault.resource_group.lower(), vault.name.lower(), vault.provider
