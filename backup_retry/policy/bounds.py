"""Nothing is waited for in silence: after a day operators are notified, after 14 it ends."""

from dataclasses import replace
from datetime import datetime, timedelta

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Wait
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident
from backup_retry.policy.rules import JOB_RETENTION

#: how long something may last whose end nobody has set, before operators are notified
PATIENCE = timedelta(hours=24)
LOOK_AT_THE_JOB = "check it in the vault under Backup jobs, and cancel it if it is stuck."
_LOOK = "check the item in its vault."
#: waits whose end nobody has set
_OPEN_ENDED = frozenset(
    {
        Reason.PASSING_STATE,
        Reason.AZURE_REFUSED,
        Reason.AZURE_UNAVAILABLE,
        Reason.ATTEMPT_RUNNING,
        Reason.ANSWER_UNCLEAR,
    }
)


def outlived(incident: Incident, now: datetime) -> Close | None:
    """The end of an incident whose first failure is older than Azure keeps jobs, whatever else is known of it."""
    if now - incident.first_failed_at <= JOB_RETENTION:
        return None
    return exhausted_by(
        incident,
        "The failure is older than 14 days, which is how long Azure keeps jobs: check the item's recovery points.",
    )


def within_bounds(decision: Wait | Close, incident: Incident, now: datetime) -> Wait | Close:
    """The decision, so that nothing is waited for in silence: after a day operators are notified, after 14 it ends."""
    attempt = incident.running_attempt
    if not isinstance(decision, Wait) or (attempt is None and decision.reason not in _OPEN_ENDED):
        return decision
    since = attempt.claimed_at if attempt else now - incident.waited_for(decision.reason, now)
    if attempt and now - since > JOB_RETENTION:
        return exhausted_by(
            incident, f"The retry of {since:%Y-%m-%d %H:%M} UTC has not ended: {LOOK_AT_THE_JOB}"
        )
    if now - since < PATIENCE:
        return decision
    what = f"The retry's job {attempt.job_id or '(not seen)'} has not ended." if attempt else decision.detail
    detail = (
        f"{what} This has been so since {since:%Y-%m-%d %H:%M} UTC: {LOOK_AT_THE_JOB if attempt else _LOOK}"
    )
    return replace(
        decision, detail=detail, notice_name=f"attempt {attempt.id}" if attempt else decision.reason.value
    )


def put_off(wait: Wait, incident: Incident, now: datetime) -> Wait:
    """The same for a retry that Azure postpones each time it is asked for: none of its waits lasts long."""
    since = now
    for attempt in reversed(incident.attempts):
        if attempt.result is not AttemptResult.THROTTLED:
            break
        since = attempt.claimed_at
    if now - since < PATIENCE:
        return wait
    detail = f"{wait.detail} This has been so since {since:%Y-%m-%d %H:%M} UTC: {_LOOK}"
    return replace(wait, detail=detail, notice_name=wait.reason.value)


def bridged(decision: Decision, facts: Facts, incident: Incident, now: datetime) -> Decision:
    """The decision, where a job that could not be read has no say in it: that it recovered, or waits, is seen."""
    seen = isinstance(decision, Wait) or (isinstance(decision, Close) and decision.outcome.recovered)
    if seen or not facts.gap:
        return decision
    return outlived(incident, now) or Wait(until=now, reason=Reason.AZURE_UNAVAILABLE, detail=facts.gap)


def exhausted_by(incident: Incident, remedy: str) -> Close:
    """The end of an incident that no retry has helped; a person reads what to do."""
    spent = "1 retry" if incident.attempts_spent == 1 else f"{incident.attempts_spent} retries"
    return Close(
        outcome=Outcome.EXHAUSTED,
        reason=Reason.EXHAUSTED,
        detail=f"Not recovered after {spent}. Last error: {incident.failure.error.label}. {remedy}",
    )
