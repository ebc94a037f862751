"""What became of the attempt in flight, and which failure counts: the vault's jobs in, the incident out."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind
from backup_retry.domain.incident import Attempt, AttemptResult, Incident, State
from backup_retry.domain.jobs import (
    Close,
    Facts,
    FailedJob,
    Job,
    JobError,
    JobStatus,
    Operation,
    Outcome,
    Reason,
    Wait,
)
from backup_retry.policy.rules import JOB_RETENTION, Rules


def attempt_job(incident: Incident, attempt: Attempt, jobs: Sequence[Job]) -> Job | None:
    """The job that an attempt started, found by the id it carries, else by item and start time."""
    for job in jobs:
        if attempt.id == job.activity_id.lower() or (attempt.job_id and attempt.job_id == job.id):
            return job
    nameless = [job for job in jobs if _may_be_ours(job, incident.item, attempt)]
    return min(nameless, key=lambda job: job.started_at, default=None)


def _may_be_ours(job: Job, item: ProtectedItem, attempt: Attempt) -> bool:
    """True for a backup of the item since the claim, where its vault need not have kept our id."""
    keeps_ids = item.vault.kind is VaultKind.RECOVERY_SERVICES and job.activity_id
    return (
        not keeps_ids
        and job.is_backup
        and job.on_demand is not False
        and job.is_of(item)
        and job.started_at >= attempt.claimed_at
    )


def settle(
    incident: Incident, facts: Facts, rules: Rules, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    """What the vault says about the attempt in flight; the decision is None when `decide` has to go on.

    A claim whose lease has not lapsed is left alone: whoever made it is still at work.
    """
    attempt = incident.running_attempt
    if attempt is None:
        return incident, None
    job = attempt_job(incident, attempt, facts.jobs)
    if job is not None:
        return _settle_by_job(incident, job, facts, now)
    if incident.state is State.CLAIMED and now < incident.due:
        return incident, Wait(
            until=incident.due, reason=Reason.ATTEMPT_RUNNING, detail="A worker is triggering it."
        )
    if facts.operation is not None and facts.operation.status == "Failed":
        return _failed_before_its_job(incident, facts.operation, now), None
    return _settle_without_job(incident, attempt, facts, rules, now)


def _settle_by_job(
    incident: Incident, job: Job, facts: Facts, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    ended_at = job.ended_at or now
    if job.status.running:
        return incident.running(job.id, now), Wait(until=now, reason=Reason.ATTEMPT_RUNNING)
    if job.status.succeeded:
        ended = incident.attempt_ended(AttemptResult.COMPLETED, ended_at, job.id)
        if not job.makes_up_for(incident.failure):
            return ended, None  # another backup of the item has failed since, or a better one
        return ended, Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED)
    cancelled = job.status is JobStatus.CANCELLED
    result = AttemptResult.CANCELLED if cancelled else AttemptResult.FAILED
    ended, failed = incident.attempt_ended(result, ended_at, job.id), FailedJob.of(job, incident.item)
    return (ended if facts.make_up_for(failed) else ended.with_failure(failed)), None


def _failed_before_its_job(incident: Incident, operation: Operation, now: datetime) -> Incident:
    """Azure accepted the trigger and then refused it without ever making a job."""
    failure = replace(incident.failure, error=operation.error or JobError())
    return replace(incident.attempt_ended(AttemptResult.FAILED, now), failure=failure)


def _settle_without_job(
    incident: Incident, attempt: Attempt, facts: Facts, rules: Rules, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    """Only a look at the vault that came late enough shows that no job was started."""
    operation = facts.operation
    if operation is not None and operation.job_id:
        incident = incident.running(operation.job_id, now)
    pending = operation is not None and (operation.status == "InProgress" or operation.job_id != "")
    patience = JOB_RETENTION if pending else rules.settle_after
    if facts.read_at is not None and facts.read_at - attempt.claimed_at >= patience:
        return incident.attempt_ended(AttemptResult.NO_JOB, now), None
    if incident.state is State.TRIGGERED:
        detail = "Its job has not appeared yet."
        return incident, Wait(until=now, reason=Reason.ATTEMPT_RUNNING, detail=detail)
    unclear = incident.unclear("No clear answer to the trigger: the vault is being asked.", now)
    return unclear, Wait(until=now, reason=Reason.ANSWER_UNCLEAR, detail=unclear.detail)


def with_newest_failure(incident: Incident, facts: Facts, heard: FailedJob | None = None) -> Incident:
    """The incident with the failed or cancelled backup of its item that counts most, whoever started it.

    One that a later backup has made up for gives way to a lesser one that is still missing, which would be forgotten
    with it otherwise. `heard` is what a signal has just told: the list may not show it yet.
    """
    failed = [FailedJob.of(job, incident.item) for job in facts.jobs if job.is_backup and job.failed]
    news = [each for each in [*failed, *([heard] if heard else [])] if not incident.is_past(each)]
    missing = [each for each in news if not facts.make_up_for(each)]
    newest = max(missing or news, key=FailedJob.weight, default=None)
    if newest is None:
        return incident
    if missing and facts.make_up_for(incident.failure):
        return incident.turned_to(newest)
    return incident.with_failure(newest)
