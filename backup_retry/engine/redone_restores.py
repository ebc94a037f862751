"""Ends the incidents of failed restores that somebody has made up for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.jobs import Job
from backup_retry.engine.committer import Committer
from backup_retry.engine.unit_of_work import UnitOfWork


class RedoneRestores:
    """Changes how a closed incident ended, which nothing else does."""

    def __init__(self, committer: Committer, clock: Callable[[], datetime]) -> None:
        self._committer = committer
        self._clock = clock

    async def end(self, item: ProtectedItem, job: Job) -> None:
        """A failed restore, which has ended with a person, ends recovered: that person has restored the item since."""
        incident = (await self._committer.ledger.load(item)).incident
        if incident is None or incident.outcome is not Outcome.NEEDS_ACTION:
            return
        work = UnitOfWork(incident, self._clock())
        detail = f"Restore {job.id} completed after the failure."
        work.close(Close(outcome=Outcome.RECOVERED_ELSEWHERE, reason=Reason.ALREADY_RECOVERED, detail=detail))
        # its row of the journal stays the one of its day
        work.incident = replace(work.incident, closed_at=incident.closed_at)
        await self._committer.save(work)
