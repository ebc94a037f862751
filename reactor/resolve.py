"""From a signal to the failed jobs that it can mean, as the vault itself reports them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, NotFound, Throttled
from backup_retry.domain.jobs import FailedJob, Job, JobList
from backup_retry.engine.failed_jobs import confirmed, failure_of, undecided, unrecovered, why_none
from backup_retry.engine.freshness import SHARED_FOR, read_jobs
from backup_retry.policy.rules import JOB_RETENTION, LONGEST_JOB
from backup_retry.policy.scope import Scope
from backup_retry.ports.item_lookup import ItemLookup
from backup_retry.ports.vaults import Vaults
from reactor.signals import Signal


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a signal turned out to mean; without failures, `why` says what the vault answered instead."""

    failures: Sequence[FailedJob] = ()
    why: str = ""
    #: not known yet: its job has not ended, its item is unknown, or it may be one that cannot be read
    undecided: bool = False


class Resolver:
    """Reads the vault before anything happens."""

    def __init__(
        self,
        *,
        vaults: Vaults,
        item_lookup: ItemLookup,
        clock: Callable[[], datetime],
        lookback: timedelta,
        scope: Scope,
    ) -> None:
        self._vaults = vaults
        self._item_lookup = item_lookup
        self._clock = clock
        self._lookback = lookback
        self._scope = scope

    async def resolve(self, signal: Signal, run_began: datetime | None = None) -> Resolved:
        """The failed jobs behind a signal; a vault outside the scope is refused before any call.

        `run_began` is for runs over many signals: they share what was read of a vault, see `freshness`.
        """
        if signal.vault is None:
            return await self._by_resource(signal, run_began)
        if not self._scope.allows_vault(signal.vault):
            return Resolved(why=f"vault {signal.vault.id} is outside this app's scope")
        if signal.job_id:
            return await self._by_job(signal.vault, signal, run_began)
        return await self._by_looking(signal.vault, await self._items(signal.vault, signal))

    async def _by_resource(self, signal: Signal, run_began: datetime | None) -> Resolved:
        """No vault named: each that protects the resource is asked."""
        items = await self._item_lookup.items_of(signal.resource_id)
        if not items:
            return Resolved(why=f"no vault that this app can read protects {signal.resource_id}")
        vaults = {item.vault.key: item.vault for item in items if self._scope.allows_vault(item.vault)}
        if not vaults:
            return Resolved(why=f"the vault that protects {signal.resource_id} is outside this app's scope")
        found = [await self._in_vault(vault, signal, items, run_began) for vault in vaults.values()]
        failures = [failure for each in found for failure in each.failures]
        return Resolved(
            failures=failures,
            why="; ".join(each.why for each in found if each.why),
            undecided=any(each.undecided for each in found),
        )

    async def _in_vault(
        self, vault: Vault, signal: Signal, items: Sequence[ProtectedItem], run_began: datetime | None
    ) -> Resolved:
        """What one of several vaults says; a no names it."""
        try:
            if signal.job_id:
                return await self._by_job(vault, signal, run_began)
            return await self._by_looking(vault, [item for item in items if item.vault.key == vault.key])
        except AzureRefused as error:
            error.vault = vault
            raise

    async def _by_job(self, vault: Vault, signal: Signal, run_began: datetime | None) -> Resolved:
        try:
            job: Job | None = await self._job(vault, signal.job_id, run_began)
        except NotFound as error:
            # of several vaults that may have the job, most have not: their word is enough
            none_of_several = signal.vault is None and error.is_the_vaults_word
            job = None if none_of_several else await self._listed(vault, signal.job_id)
        if job is None:
            return Resolved(why=f"vault {vault.name} has no job {signal.job_id}")
        if (failed := await failure_of(self._vaults, job, signal.item)) is None and job.failed:
            hints = await self._items(vault, signal)
            failed = next((found for hint in hints if (found := confirmed(job, hint))), None)
        if failed is None:
            return Resolved(why=why_none(job), undecided=undecided(job))
        return Resolved(failures=[failed])

    async def _job(self, vault: Vault, job_id: str, run_began: datetime | None) -> Job:
        """A job by itself; where many share a reading, from the vault's list if there is one that shows it."""
        if run_began is not None:
            try:
                listed = await self._shared(vault, job_id, run_began)
            except Throttled:  # the job itself is read of the same quota
                raise
            except (AzureRefused, AzureUnavailable):
                return await self._vaults.job(vault, job_id)
            if (found := _found(listed, job_id)) is not None:
                return found
        return await self._vaults.job(vault, job_id)

    async def _shared(self, vault: Vault, job_id: str, run_began: datetime) -> JobList:
        """The vault's list, from a reading that others have made where it serves."""
        now = self._clock()
        return await read_jobs(
            self._vaults,
            vault,
            now - self._lookback - LONGEST_JOB,
            now=now,
            run_began=run_began,
            shows_the_end=lambda earlier: _has_ended(_found(earlier, job_id)),
        )

    async def _listed(self, vault: Vault, job_id: str) -> Job | None:
        """A job that is answered with 404, as the vault lists it; one that is not listed either is not there."""
        now = self._clock()
        # an alert comes minutes after its job; those that name jobs which the vault does not have share a list
        listed = await self._vaults.jobs(vault, now - JOB_RETENTION, fresh_since=now - SHARED_FOR)
        found = _found(listed, job_id)
        if found is None and listed.unread:
            raise AzureUnavailable(listed.gap())
        return found

    async def _by_looking(self, vault: Vault, items: Sequence[ProtectedItem]) -> Resolved:
        """No job named: the newest failure of the items, or of each item of the vault, that is unresolved."""
        now = self._clock()
        looked_for: Sequence[ProtectedItem | None] = items or [None]
        found = [
            await unrecovered(self._vaults, vault, now - self._lookback, now, item) for item in looked_for
        ]
        failures = [failure for each in found for failure in each.failures]
        gap = next((each.gap for each in found if each.gap), "")
        if failures or gap:
            return Resolved(failures=failures, why=gap, undecided=bool(gap))
        if running := await self._running(vault, items, now):
            return Resolved(why=f"job {running.id} of {running.entity_name} is still running", undecided=True)
        return Resolved(why="the vault shows no unrecovered failed backup")

    async def _running(self, vault: Vault, items: Sequence[ProtectedItem], now: datetime) -> Job | None:
        """A backup of the named items that the vault still shows as running: the signal may be of its end."""
        if not items:
            return None
        listed = await self._vaults.jobs(vault, now - self._lookback - LONGEST_JOB, fresh_since=now)
        own = (job for job in listed.jobs if job.is_backup and job.status.running)
        return next((job for job in own if any(job.is_of(item) for item in items)), None)

    async def _items(self, vault: Vault, signal: Signal) -> Sequence[ProtectedItem]:
        """The vault's items that a signal means: the one that it names, or those of its resource."""
        if signal.item is not None:
            return [signal.item]
        found = await self._item_lookup.items_of(signal.resource_id) if signal.resource_id else []
        return [item for item in found if item.vault.key == vault.key]


def _found(listed: JobList, job_id: str) -> Job | None:
    return next((job for job in listed.jobs if job.id.lower() == job_id.lower()), None)


def _has_ended(job: Job | None) -> bool:
    return job is not None and not job.status.running
