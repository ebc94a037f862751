"""One retry: claim, trigger, record the answer. Nobody else posts a backup."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Reason, Trigger, Wait
from backup_retry.domain.errors import AnswerUnclear, AzureRefused, AzureUnavailable
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.jobs import BackupRequest, JobError
from backup_retry.domain.journal import StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.committer import Committer
from backup_retry.engine.storm_watch import StormWatch
from backup_retry.engine.unit_of_work import Report, UnitOfWork, already_handled, report
from backup_retry.policy.bounds import put_off
from backup_retry.policy.refusals import BLOCKED, trigger_refused
from backup_retry.ports.vaults import Vaults

_THROTTLE_PAUSE = timedelta(seconds=30)

#: what an answer of Azure's to a trigger makes of the incident as it then is
_Answer = Callable[[UnitOfWork], None]


class Retrier:
    """Triggers backups, each behind a stored claim."""

    def __init__(
        self,
        *,
        committer: Committer,
        vaults: Vaults,
        storm_watch: StormWatch,
        clock: Callable[[], datetime],
        claim_lease: timedelta,
    ) -> None:
        self._committer = committer
        self._vaults = vaults
        self._storm_watch = storm_watch
        self._clock = clock
        self._claim_lease = claim_lease

    async def retry(self, work: UnitOfWork, request: BackupRequest) -> Report:
        """Claim, trigger, record the answer. A crash after the claim leaves a lease that lapses.

        The claim has the time at which it is stored: deciding may have taken minutes, and the lease counts on.
        Where the answer to it was lost, others may have moved on since: it counts while it stands.
        """
        work.now = self._clock()
        work.incident = work.incident.retried_as(request.kind).claimed(work.now, self._claim_lease)
        work.step(StepKind.CLAIMED)
        claimed = await self._committer.save(work)
        if claimed is None or claimed.state is not State.CLAIMED or not _same_attempt(claimed, work.incident):
            return already_handled(work.incident)
        may_go = not work.canary_of or await self._still_leads(work.canary_of, claimed)
        answer = await self._ask(claimed, request) if may_go else _gave_way
        return _report(await self._record(claimed, answer))

    async def _still_leads(self, storm_key: str, claimed: Incident) -> bool:
        """False also where the ledger does not say: a canary that cannot be sure does not go."""
        with suppress(AzureUnavailable):
            return await self._storm_watch.still_leads(storm_key, claimed.item)
        return False

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


def _same_attempt(one: Incident, other: Incident) -> bool:
    return bool(one.attempts) and one.attempts[-1].id == other.attempts[-1].id


def _report(answered: Incident) -> Report:
    """What the caller is told after a trigger."""
    if answered.state is State.TRIGGERED:
        return report("triggered", answered, decision=Trigger())
    return report("unclear" if answered.state is State.UNKNOWN else answered.state.value, answered)


def _accepted(operation_id: str) -> _Answer:
    def apply(work: UnitOfWork) -> None:
        work.incident = work.incident.triggered(operation_id, work.now)
        work.step(StepKind.TRIGGERED)
        attempt_id = work.incident.attempts[-1].id
        work.add_notices(notice(NoticeKind.RETRY_TRIGGERED, work.incident, work.now, about=attempt_id))

    return apply


def _unclear(error: AnswerUnclear) -> _Answer:
    detail = str(error)

    def apply(work: UnitOfWork) -> None:
        work.incident = work.incident.unclear(detail, work.now)
        work.step(StepKind.UNCLEAR)

    return apply


def _put_off(error: AzureUnavailable) -> _Answer:
    """Nothing was started: wait as long as Azure asks, which costs no attempt; after a day operators are notified."""
    length, detail = error.retry_after or _THROTTLE_PAUSE, str(error)

    def apply(work: UnitOfWork) -> None:
        ended = work.incident.attempt_ended(AttemptResult.THROTTLED, work.now)
        wait = put_off(Wait(until=work.now + length, reason=Reason.THROTTLED, detail=detail), ended, work.now)
        work.incident = ended.waiting(wait.until, wait.reason, wait.detail)
        work.step(StepKind.THROTTLED)
        work.tell_once(wait)

    return apply


def _gave_way(work: UnitOfWork) -> None:
    """Another canary took its place before it went: nothing was started, and no attempt is exhausted."""
    ended = work.incident.attempt_ended(AttemptResult.THROTTLED, work.now)
    detail = "Another item of the failure storm is retried first."
    work.incident = ended.waiting(work.now, Reason.STORM, detail)
    work.step(StepKind.WAITING)


def _turned_down(error: AzureRefused) -> _Answer:
    """Azure refused the trigger: its code is evaluated as that of a failed job, unless the whole vault is blocked."""

    def apply(work: UnitOfWork) -> None:
        wait = trigger_refused(error, work.incident, work.now)
        blocked = wait.reason in BLOCKED
        result = AttemptResult.THROTTLED if blocked else AttemptResult.FAILED
        ended = work.incident.attempt_ended(result, work.now)
        if not blocked:
            ended = ended.turned_down(_as_job_error(error))
        waiting = ended.waiting(wait.until, wait.reason, wait.detail)
        work.incident = replace(waiting, waits_since=work.now)
        work.step(StepKind.REFUSED)

    return apply


def _as_job_error(error: AzureRefused) -> JobError:
    """The refusal as it is evaluated; of a code that are unknown its status says whether a retry can help."""
    return JobError(
        title=error.code,
        message=error.said or str(error),
        advice=error.advice,
        retryable=error.is_of_a_conflict,
    )
