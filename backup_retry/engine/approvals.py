"""What a person answers to the question whether a backup may be retried, or says without having been asked."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from backup_retry.domain.decisions import Close, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import StepKind
from backup_retry.engine.committer import Committer
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.policy import recall

#: how often an incident is looked at again after a worker was first
_RACES = 5


class Approvals:
    """Stores answers; an approved retry goes with the next follow-up, by every other rule."""

    def __init__(self, committer: Committer, clock: Callable[[], datetime]) -> None:
        self._committer = committer
        self._clock = clock

    async def approve(self, incident: Incident, by: str) -> Incident | None:
        """Let the incident's retries go, all of them; None where nobody's approval is waited for any more."""

        def approved(work: UnitOfWork) -> None:
            told_of = tuple(each for each in work.incident.told_of if each != Reason.APPROVAL.value)
            waiting = work.incident.waiting(work.now, Reason.NOTED, f"Approved by {by}.")
            work.incident = replace(waiting, approved_by=by, told_of=told_of)
            work.step(StepKind.APPROVED)

        return await self._answered(incident, approved)

    async def dismiss(self, incident: Incident, by: str, why: str = "") -> Incident | None:
        """Close the incident without a retry; None where nobody's approval is waited for any more."""
        detail = f"Dismissed by {by}: {why}" if why else f"Dismissed by {by}."
        return await self._answered(
            incident, lambda work: work.close(Close.left_alone(Reason.DISMISSED, detail))
        )

    async def reopen(self, closed: Incident, by: str) -> Incident | None:
        """Open a closed incident's failure again, due now; None where it is not the item's last, or has recovered."""
        current = (await self._committer.ledger.load(closed.item)).incident
        if current is None or current.id != closed.id or current.outcome is None or current.outcome.recovered:
            return None
        now = self._clock()
        work = UnitOfWork(recall.reopened(current, by, now), now)
        work.step(
            StepKind.APPROVED, detail=f"Retried by {by} after the incident was closed: {current.reason}."
        )
        return await self._committer.save(work)

    async def _answered(self, asked: Incident, answer: Callable[[UnitOfWork], None]) -> Incident | None:
        """Store the answer on top of what workers have stored meanwhile: a newer failure, or an end."""
        for _ in range(_RACES):
            current = (await self._committer.ledger.load(asked.item)).incident
            if current is None or current.id != asked.id or not current.awaits_approval:
                return None
            work = UnitOfWork(current, self._clock())
            answer(work)
            if (saved := await self._committer.save(work)) is not None:
                return saved
        return None
