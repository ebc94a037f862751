"""One retry: claim, trigger, record the answer. Nobody else posts a backup."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from backup_retry.domain.errors import AnswerUnclear, AzureRefused, AzureUnavailable, Forbidden, NotFound
from backup_retry.domain.incident import AttemptResult, Incident, State, StepKind
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.jobs import BackupRequest, Close, JobError, Outcome, Reason, Trigger, Wait
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.committer import Committer
from backup_retry.engine.unit_of_work import Report, UnitOfWork, already_handled, report
from backup_retry.ports.vaults import Vaults

_THROTTLE_PAUSE = timedelta(seconds=30)
_NO_PERMISSION = (
    "Azure refuses this app's identity: give it its role in the vault's subscription (infra/connect.sh assigns Backup "
    "Retry Operator), or the built-in roles Backup Operator and Reader."
)


#: what an answer of Azure's to a trigger makes of the incident as it then is
_Answer = Callable[[UnitOfWork], None]


class Retrier:
    """Triggers backups, each behind a stored claim."""

    def __init__(
        self, *, committer: Committer, vaults: Vaults, clock: Callable[[], datetime], claim_lease: timedelta
    ) -> None:
        self._committer = committer
        self._vaults = vaults
        self._clock = clock
        self._claim_lease = claim_lease

    async def retry(self, work: UnitOfWork, request: BackupRequest) -> Report:
        """Claim, trigger, record the answer. A crash after the claim leaves a lease that lapses."""
        work.incident = work.incident.missing(request.kind).claimed(work.now, self._claim_lease)
        work.step(StepKind.CLAIMED)
        claimed = await self._committer.save(work)
        if claimed is None:
            return already_handled(work.incident)
        answered = await self._record(claimed, await self._ask(claimed, request))
        return _told(answered)

    async def _ask(self, claimed: Incident, request: BackupRequest) -> _Answer:
        attempt_id = claimed.attempts[-1].id
        try:
            operation_id = await self._vaults.trigger(claimed.item, request, attempt_id=attempt_id)
        except AnswerUnclear as error:
            return _unclear(error)
        except AzureUnavailable as error:
            return _put_off(error)
        except AzureRefused as error:
            return _turned_down(error)
        return _accepted(operation_id)

    async def _record(self, claimed: Incident, answer: _Answer) -> Incident:
        """Store Azure's answer, on top of what a signal noted meanwhile may have changed."""
        attempt_id = claimed.attempts[-1].id
        current: Incident | None = claimed
        while current is not None and current.attempts and current.attempts[-1].id == attempt_id:
            work = UnitOfWork(current, self._clock())
            answer(work)
            saved = await self._committer.save(work)
            if saved is not None:
                return saved
            current = (await self._committer.ledger.load(claimed.item)).incident
            if current is not None and current.state is not State.CLAIMED:
                return current  # the lease lapsed and a follow-up has already asked the vault
        return current or claimed


def _told(answered: Incident) -> Report:
    """What the caller is told after a trigger."""
    if answered.state is State.TRIGGERED:
        return report("triggered", answered, decision=Trigger())
    return report("unclear" if answered.state is State.UNKNOWN else answered.state.value, answered)


def _accepted(operation_id: str) -> _Answer:
    def apply(work: UnitOfWork) -> None:
        work.incident = work.incident.triggered(operation_id, work.now)
        work.step(StepKind.TRIGGERED)
        attempt_id = work.incident.attempts[-1].id
        work.tell(notice(NoticeKind.RETRY_TRIGGERED, work.incident, work.now, about=attempt_id))

    return apply


def _unclear(error: AnswerUnclear) -> _Answer:
    detail = str(error)

    def apply(work: UnitOfWork) -> None:
        work.incident = work.incident.unclear(detail, work.now)
        work.step(StepKind.UNCLEAR)

    return apply


def _put_off(error: AzureUnavailable) -> _Answer:
    """Nothing was started: wait as long as Azure asks; this does not use up an attempt."""
    wait, detail = error.retry_after or _THROTTLE_PAUSE, str(error)

    def apply(work: UnitOfWork) -> None:
        ended = work.incident.attempt_ended(AttemptResult.THROTTLED, work.now)
        work.incident = ended.waiting(work.now + wait, Reason.THROTTLED, detail)
        work.step(StepKind.THROTTLED)

    return apply


def _turned_down(error: AzureRefused) -> _Answer:
    """Azure refused the trigger for good: its code is weighed as that of a failed job."""
    refusal = error

    def apply(work: UnitOfWork) -> None:
        ended = work.incident.attempt_ended(AttemptResult.FAILED, work.now)
        failure = replace(ended.failure, error=JobError(title=refusal.code, message=str(refusal)))
        decision = refused(refusal, work.now)
        if isinstance(decision, Close):
            work.incident = ended
            work.step(StepKind.REFUSED, detail=str(refusal))
            work.close(decision)
            return
        work.incident = replace(ended, failure=failure).waiting(work.now, decision.reason, decision.detail)
        work.step(StepKind.REFUSED)

    return apply


def refused(error: AzureRefused, now: datetime) -> Wait | Close:
    """What a plain no from Azure means for an incident."""
    if isinstance(error, Forbidden):
        detail = f"{_NO_PERMISSION} ({error})"
        return Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NO_PERMISSION, detail=detail)
    if isinstance(error, NotFound):
        detail = f"Azure knows the item or its vault no more. ({error})"
        return Close(outcome=Outcome.LEFT_ALONE, reason=Reason.NOT_PROTECTED, detail=detail)
    return Wait(until=now, reason=Reason.AZURE_REFUSED, detail=str(error))
