"""Failed restores that somebody has redone: nobody has to act on them any more.

A failed restore ends at once with a person, since nothing may be restored without one. Whether that person has done it
only the vault's jobs say, so they are looked through once an hour while such a restore is remembered.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.jobs import Job
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.ledger import Controls
from backup_retry.ports.log_events import LogEvent, log_failure
from backup_retry.ports.reports import Closed, Reports, closed_since
from backup_retry.ports.vaults import Vaults

_EVERY, _SHARED_FOR = timedelta(hours=1), timedelta(minutes=5)
#: the heartbeat of the last look
RESTORES_BEAT = "redone-restores"


@dataclass(frozen=True, kw_only=True)
class RedoneRestores:
    """Closes failed restores as recovered once a later restore of the same item has completed."""

    reports: Reports
    controls: Controls
    vaults: Vaults
    engine: Engine
    clock: Callable[[], datetime]

    async def look(self) -> None:
        """Look through the vaults that have such restores; one that cannot be read waits for the next look."""
        now = self.clock()
        last = await self.controls.last_beat(RESTORES_BEAT)
        if last is not None and now - last < _EVERY:
            return
        by_vault: dict[str, list[Closed]] = defaultdict(list)
        for each in await self._waiting(now):
            by_vault[each.item.vault.key].append(each)
        for waiting in by_vault.values():
            try:
                await self._look_through(waiting, now)
            except BackupRetryError as error:
                log_failure(LogEvent.INCIDENT_FAILED, error, item=waiting[0].item.id)
        await self.controls.beat(RESTORES_BEAT, now)

    async def _waiting(self, now: datetime) -> Sequence[Closed]:
        found = await closed_since(self.reports, now.date(), JOB_RETENTION.days + 1)
        return [each for each in found if each.item.restore_job and each.outcome.needs_a_person]

    async def _look_through(self, waiting: Sequence[Closed], now: datetime) -> None:
        since = min(each.first_failed_at for each in waiting)
        listed = await self.vaults.jobs(waiting[0].item.vault, since, fresh_since=now - _SHARED_FOR)
        for each in waiting:
            if job := next((job for job in listed.jobs if _redoes(job, each)), None):
                await self.engine.redone_restores.end(each.item, job)


def _redoes(job: Job, failed: Closed) -> bool:
    """True for a restore of the same item that began after the failed one had ended, and completed."""
    same = job.is_restore and job.is_of(replace(failed.item, restore_job=""))
    return same and job.status.succeeded and job.started_at >= failed.first_failed_at
