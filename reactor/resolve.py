"""From a signal to the failed jobs that it can mean, as the vault itself reports them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_retry.confirm import confirmed, unrecovered
from backup_retry.errors import NotFound
from backup_retry.model import FailedJob
from backup_retry.scope import Scope
from backup_retry.vaults import Vaults
from reactor.signals import Signal


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """What a signal turned out to mean; without failures, `why` says what the vault answered instead."""

    failures: Sequence[FailedJob] = ()
    why: str = ""


class Resolver:
    """Reads the vault before anything happens."""

    def __init__(
        self,
        *,
        vaults: Vaults,
        clock: Callable[[], datetime],
        lookback: timedelta,
        scope: Scope,
    ) -> None:
        self._vaults = vaults
        self._clock = clock
        self._lookback = lookback
        self._scope = scope

    async def resolve(self, signal: Signal) -> Resolved:
        """The failed jobs behind a signal; a subscription outside the scope is refused before any call."""
        if not self._scope.allows_vault(signal.vault):
            return Resolved(why=f"vault {signal.vault.id} is outside this app's scope")
        if signal.job_id:
            return await self._by_job(signal)
        return await self._by_looking(signal)

    async def _by_job(self, signal: Signal) -> Resolved:
        try:
            job = await self._vaults.job(signal.vault, signal.job_id)
        except NotFound:
            return Resolved(why=f"vault {signal.vault.name} has no job {signal.job_id}")
        failed = confirmed(job, signal.item)
        if failed is not None:
            return Resolved(failures=[failed])
        if job.failed:
            return Resolved(
                why=f"job {job.id} failed, but neither it nor the signal says which item it backed up"
            )
        return Resolved(why=f"job {job.id} is {job.status}, not Failed")

    async def _by_looking(self, signal: Signal) -> Resolved:
        """No job named: the newest failure of the item, or of each item of the vault, that nothing has mended."""
        now = self._clock()
        failures = await unrecovered(self._vaults, signal.vault, now - self._lookback, now, signal.item)
        return Resolved(
            failures=failures, why="" if failures else "the vault shows no unrecovered failed backup"
        )
