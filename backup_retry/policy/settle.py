"""What became of the attempt in flight, and which failure counts: the vault's jobs in, the incident out."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from backup_retry.domain.arm_ids import VaultKind
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason, Wait
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import FailedJob, Job, JobError, JobStatus
from backup_retry.domain.workloads import backup_rank
from backup_retry.policy.rules import CLOCKS_DIFFER, JOB_RETENTION, Rules


def attempt_job(attempt: Attempt, jobs: Sequence[Job], named: str = "") -> Job | None:
    """The job that an attempt started: it has the attempt's id, or is the one that its operation named.

    Nothing else is proof. Names change with the node that does a backup, and two clocks say nothing about seconds.
    """
    known = {attempt.job_id.lower(), named.lower()} - {""}
    return next(
        (job for job in jobs if job.activity_id.lower() == attempt.id or job.id.lower() in known), None
    )


def settle(
    incident: Incident, facts: Facts, rules: Rules, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    """What the vault says about the attempt in flight; the decision is None when `decide` has to go on.

    A claim whose lease has not lapsed is left as it is: whoever made it is still running.
    """
    attempt, operation = incident.running_attempt, facts.operation
    if attempt is None:
        return incident, None
    job = attempt_job(attempt, facts.jobs, operation.job_id if operation else "")
    if job is not None:
        return _settle_by_job(incident, job, facts, now)
    if incident.state is State.CLAIMED and now < incident.due:
        return incident, Wait(
            until=incident.due, reason=Reason.ATTEMPT_RUNNING, detail="A worker is starting the retry."
        )
    if operation is not None and operation.failed:
        # Azure accepted the trigger and then refused it without ever making a job
        ended = incident.attempt_ended(AttemptResult.FAILED, now)
        return ended.turned_down(operation.error or JobError()), None
    return _settle_without_job(incident, attempt, facts, rules, now)


def _settle_by_job(
    incident: Incident, job: Job, facts: Facts, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    if job.status.running:
        return incident.running(job.id, now), Wait(until=now, reason=Reason.ATTEMPT_RUNNING)
    if job.status.succeeded:
        return _settle_by_success(incident, job, facts, now)
    cancelled = job.status is JobStatus.CANCELLED
    result = AttemptResult.CANCELLED if cancelled else AttemptResult.FAILED
    ended = incident.attempt_ended(result, job.ended_at or now, job.id)
    failed = FailedJob.of(job, incident.item)
    return (ended if facts.make_up_for(failed) else ended.with_failure(failed)), None


def _settle_by_success(
    incident: Incident, job: Job, facts: Facts, now: datetime
) -> tuple[Incident, Close | None]:
    """A completed job recovers its incident, unless it moved nothing or something has failed since."""
    result = AttemptResult.FAILED if job.moved_data is False else AttemptResult.COMPLETED
    ended = incident.attempt_ended(result, job.ended_at or now, job.id)
    if job.makes_up_for(incident.failure):
        close = Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED, detail=job.warning)
        return ended, close
    if job.moved_data is False and not facts.make_up_for(incident.failure):
        detail = (
            f"The retry completed, but nothing shows that it transferred data. {job.warning} "
            f"Check the details of its job {job.id}."
        )
        close = Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NEEDS_ACTION, detail=detail)
        return ended, None if facts.gap else close
    return ended, None  # another backup of the item has failed since, or a better one


def _settle_without_job(
    incident: Incident, attempt: Attempt, facts: Facts, rules: Rules, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    """Only a look at the vault that came late enough shows that no job was started."""
    operation = facts.operation
    if operation is not None and operation.job_id:
        incident = incident.running(operation.job_id, now)
    pending = operation is not None and (operation.in_progress or operation.job_id != "")
    patience = JOB_RETENTION if pending else rules.settle_after
    if facts.read_at is not None and facts.read_at - attempt.claimed_at >= patience:
        return _settle_among_strangers(incident, attempt, facts, now)
    if incident.state is State.TRIGGERED:
        detail = "The retry's job is not in the vault yet."
        return incident, Wait(until=now, reason=Reason.ATTEMPT_RUNNING, detail=detail)
    return _unclear(incident, "Response lost: the vault is being checked for the retry's job.", now)


def _unclear(incident: Incident, detail: str, now: datetime) -> tuple[Incident, Wait]:
    return incident.unclear(detail, now), Wait(until=now, reason=Reason.ANSWER_UNCLEAR, detail=detail)


def _settle_among_strangers(
    incident: Incident, attempt: Attempt, facts: Facts, now: datetime
) -> tuple[Incident, Wait | Close | None]:
    """No job has the attempt's id. One that has nobody's may be it: it is waited for, and then a person decides."""
    strangers = list(_strangers(incident, attempt, facts.jobs))
    for job in strangers:
        if job.status.running:
            detail = f"Job {job.id} may be the retry's job, since it carries no known id: the app waits for it to end."
            return _unclear(incident, detail, now)
    ended = incident.attempt_ended(AttemptResult.NO_JOB, now)
    if not strangers or facts.make_up_for(incident.failure):
        return ended, None
    detail = (
        f"The response to the retry was lost, and job {strangers[0].id} may or may not be the retry's job; it ended "
        f"{strangers[0].status}. No further retry is started: check that job, and start a backup in the "
        "Azure portal if needed."
    )
    return ended, Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.ANSWER_UNCLEAR, detail=detail)


def _strangers(incident: Incident, attempt: Attempt, jobs: Sequence[Job]) -> Iterator[Job]:
    """The item's backups since the failure that have no id that anybody knows: each may be the attempt's.

    Recovery Services keeps the id of whoever asked; of some workloads in backup vaults nobody has seen that. Only
    Azure's own clock is asked: whatever was known at the claim had ended when the failure had. That a job calls itself
    the schedule's proves nothing.
    """
    keeps_ids = incident.item.vault.kind is VaultKind.RECOVERY_SERVICES
    since = attempt.failed_at or attempt.claimed_at - CLOCKS_DIFFER
    for job in jobs:
        is_known = incident.owns(job) or (keeps_ids and job.activity_id)
        if job.is_backup and not is_known and (job.end is None or job.end > since):
            yield job


def with_newest_failure(incident: Incident, facts: Facts, noted_failure: FailedJob | None = None) -> Incident:
    """The incident with the failed or cancelled backup of its item that counts most, whoever started it.

    One that a later backup has made up for gives way to a lesser one that is still missing, which would be forgotten
    with it otherwise. `noted_failure` is what a signal has just told: the list may not show it yet.
    """
    failed = [FailedJob.of(job, incident.item) for job in facts.jobs if job.is_backup and job.failed]
    new_failures = [
        each for each in [*failed, *([noted_failure] if noted_failure else [])] if not incident.is_past(each)
    ]
    missing = [each for each in new_failures if not facts.make_up_for(each)]
    newest = max(missing or new_failures, key=FailedJob.weight, default=None)
    if newest is None:
        return incident
    if missing and facts.make_up_for(incident.failure):
        return incident.turned_to(newest)
    return incident.with_failure(newest)


def with_own_successes(incident: Incident, jobs: Sequence[Job]) -> Incident:
    """The incident whose retries have completed: what had failed before them is over for the item's later ones, too.

    Nothing else would show it: a database's job may be named after another node, and only its id says whose it is.
    """
    over = dict(incident.weighed_before)
    for job in jobs:
        if incident.owns(job) and job.is_good and job.end is not None:
            rank = backup_rank(job.operation)
            over[rank] = max(job.end, over.get(rank, job.end))
    return replace(incident, weighed_before=over)
