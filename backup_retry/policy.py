"""What to do about an incident: values in, one decision out. No I/O, no clock, no settings of its own.

`settle` says what became of the attempt in flight; `decide` weighs everything else, row by row in `ROWS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from backup_retry.error_catalog import ErrorEntry, Verdict, look_up
from backup_retry.hours import Hours
from backup_retry.incident import Attempt, AttemptResult, Incident, State
from backup_retry.model import (
    Close,
    Decision,
    Facts,
    FailedJob,
    ItemState,
    Job,
    JobError,
    JobStatus,
    Operation,
    Outcome,
    Pause,
    Reason,
    Trigger,
    Wait,
)
from backup_retry.scope import Scope

#: what can be triggered from Azure, by backupManagementType, with the catalogue's name of the workload
RETRYABLE = {"azureiaasvm": "VM"}
_DAY = timedelta(hours=24)
#: a cap has to hold although clocks differ by minutes
_CLOCKS_DIFFER = timedelta(minutes=15)
_PROTECTED_STATES = frozenset({"protected", "irpending", "protectionconfigured", "protectionerror"})
#: a backup that began this long before a failure may still run, or complete after it: the failure ran into it
LONGEST_JOB = timedelta(hours=24)
#: Azure keeps jobs this long; what is older can no longer be looked up
JOB_RETENTION = timedelta(days=14)


def _default_caps() -> dict[str, int]:
    return {"VM": 3, "AzureFileShare": 6, "SQLDataBase": 3, "SAPHanaDatabase": 3, "": 3}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The numbers behind the policy, from the settings."""

    #: wait before attempt 1, 2, 3 …, counted from the end of the failure before it; the last one repeats
    backoff: tuple[timedelta, ...] = (timedelta(0), timedelta(minutes=15), timedelta(minutes=60))
    max_attempts: int = 3
    #: how long a claim may stay without an answer before the process that made it counts as dead
    claim_lease: timedelta = timedelta(minutes=5)
    #: how long after its claim an attempt's job may still appear in the vault
    settle_after: timedelta = timedelta(minutes=10)
    #: how long the recovery point of a retry is kept; None: as long as the item's policy keeps a daily one
    retention: timedelta | None = None
    #: on-demand backups of an item in 24 hours, by the catalogue's name of the workload; "": of all others
    daily_caps: Mapping[str, int] = field(default_factory=_default_caps)
    #: how near the item's own schedule has to be to wait for it
    schedule_margin: timedelta = timedelta(hours=1)
    hours: Hours = field(default_factory=lambda: Hours(zone=ZoneInfo("UTC")))
    storm_size: int = 20
    storm_window: timedelta = timedelta(minutes=30)
    scope: Scope = field(default_factory=Scope)
    #: everything but the trigger
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """Everything a decision looks at."""

    incident: Incident
    facts: Facts
    rules: Rules
    now: datetime
    pause: Pause | None = None
    #: the resource whose tag opts the item out; "": none
    opted_out_by: str = ""

    @property
    def workload(self) -> str:
        """The catalogue's name of the workload; for others, Azure's own."""
        management_type = self.incident.failure.management_type
        return RETRYABLE.get(management_type.lower(), management_type)

    @cached_property
    def error(self) -> ErrorEntry:
        """What the catalogue knows of the newest failure."""
        failure = self.incident.failure
        item = self.facts.item
        return look_up(
            title=failure.error.title,
            numeric=failure.error.code,
            kpi_title=item.kpi_title if item else None,
            workload=self.workload,
        )

    @property
    def later_jobs(self) -> Sequence[Job]:
        """The item's jobs that started after the newest failure."""
        failed_at = self.incident.failure.started_at
        return [job for job in self.facts.jobs if job.started_at > failed_at]


# ---- the attempt in flight ---------------------------------------------------------------------------------


def attempt_job(incident: Incident, attempt: Attempt, jobs: Sequence[Job]) -> Job | None:
    """The job that an attempt started, found by the id it carries, else by item and start time."""
    for job in jobs:
        if attempt.id == job.activity_id.lower() or (attempt.job_id and attempt.job_id == job.id):
            return job
    nameless = [
        job
        for job in jobs
        if not job.activity_id
        and job.is_backup
        and job.is_of(incident.item)
        and job.started_at >= attempt.claimed_at
    ]
    return min(nameless, key=lambda job: job.started_at, default=None)


def settle(incident: Incident, facts: Facts, rules: Rules, now: datetime) -> tuple[Incident, Decision | None]:
    """What the vault says about the attempt in flight; the decision is None when `decide` has to go on.

    A claim whose lease has not lapsed is left alone: whoever made it is still at work.
    """
    attempt = incident.running_attempt
    if attempt is None:
        return incident, None
    job = attempt_job(incident, attempt, facts.jobs)
    if job is not None:
        return _settle_by_job(incident, job, now)
    if incident.state is State.CLAIMED and now < incident.due:
        return incident, Wait(
            until=incident.due, reason=Reason.ATTEMPT_RUNNING, detail="A worker is triggering it."
        )
    if facts.operation is not None and facts.operation.status == "Failed":
        return _failed_before_its_job(incident, facts.operation, now), None
    return _settle_without_job(incident, attempt, facts, rules, now)


def _settle_by_job(incident: Incident, job: Job, now: datetime) -> tuple[Incident, Decision | None]:
    ended_at = job.ended_at or now
    if job.status.running:
        return incident.running(job.id, now), Wait(until=now, reason=Reason.ATTEMPT_RUNNING)
    if job.status.succeeded:
        ended = incident.attempt_ended(AttemptResult.COMPLETED, ended_at, job.id)
        if ended_at < incident.failure.ended_at:
            return ended, None  # another backup of the item has failed since
        return ended, Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED)
    cancelled = job.status is JobStatus.CANCELLED
    result = AttemptResult.CANCELLED if cancelled else AttemptResult.FAILED
    return incident.attempt_ended(result, ended_at, job.id).with_failure(
        FailedJob.of(job, incident.item)
    ), None


def _failed_before_its_job(incident: Incident, operation: Operation, now: datetime) -> Incident:
    """Azure accepted the trigger and then refused it without ever making a job."""
    failure = replace(incident.failure, ended_at=now, error=operation.error or JobError())
    return replace(incident.attempt_ended(AttemptResult.FAILED, now), failure=failure)


def _settle_without_job(
    incident: Incident, attempt: Attempt, facts: Facts, rules: Rules, now: datetime
) -> tuple[Incident, Decision | None]:
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


def with_newest_failure(incident: Incident, facts: Facts) -> Incident:
    """The incident with the item's newest failed or cancelled backup, whoever started it."""
    for job in facts.jobs:
        if job.is_backup and job.failed:
            return incident.with_failure(FailedJob.of(job, incident.item))
    return incident


# ---- the rows, in the order of the design ------------------------------------------------------------------


def paused(case: Case) -> Wait | None:
    """Row 1: somebody has switched retries off."""
    pause = case.pause
    if pause is None or not pause.holds(case.incident.item.vault, case.now):
        return None
    return Wait(
        until=pause.until or case.now, reason=Reason.PAUSED, detail=f"Paused by {pause.by}: {pause.why}"
    )


def opted_out(case: Case) -> Close | None:
    """Row 2: outside the configured scope, or opted out by a tag."""
    why = case.rules.scope.why_not(case.incident.item, case.workload)
    if not why and case.opted_out_by:
        why = f"{case.opted_out_by} is tagged backup-retry = off"
    return _left_alone(Reason.OPTED_OUT, f"Opted out: {why}.") if why else None


def unsupported(case: Case) -> Close | None:
    """Row 3: nothing that this project can trigger from Azure."""
    failure = case.incident.failure
    is_backup = failure.operation.lower().split(" ")[0] == "backup"
    if failure.management_type.lower() in RETRYABLE and is_backup:
        return None
    what = f"{failure.operation} of {failure.management_type or 'an unknown workload'}"
    return Close(
        outcome=Outcome.NEEDS_ACTION,
        reason=Reason.UNSUPPORTED,
        detail=f"{what} cannot be retried from here: run it again where it was started.",
    )


def not_protected(case: Case) -> Close | None:
    """Row 4: the vault does not back this item up any more, or its protection was set up anew since."""
    item = case.facts.item
    if item is None:
        return _left_alone(Reason.NOT_PROTECTED, "The vault does not know this item any more.")
    if item.deleted:
        return _left_alone(Reason.NOT_PROTECTED, "The item is soft-deleted.")
    if item.protection_state.lower() not in _PROTECTED_STATES:
        return _left_alone(Reason.NOT_PROTECTED, f"The item's protection state is {item.protection_state}.")
    if any(job.protects_anew for job in case.later_jobs):
        return _left_alone(Reason.NOT_PROTECTED, "Protection was stopped or set up anew after the failure.")
    return None


def already_recovered(case: Case) -> Close | None:
    """Row 5: a job completed after the failure: somebody else's, or a late one of ours that was given up."""
    ours = {attempt.id for attempt in case.incident.attempts}
    failed_at = case.incident.failure.ended_at
    for job in case.facts.jobs:
        if job.is_backup and job.status.succeeded and (job.ended_at or job.started_at) > failed_at:
            if job.activity_id.lower() in ours:
                return Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED)
            return Close(
                outcome=Outcome.RECOVERED_ELSEWHERE,
                reason=Reason.ALREADY_RECOVERED,
                detail=f"Job {job.id} completed after the failure.",
            )
    return None


def in_progress(case: Case) -> Wait | None:
    """Row 6: a backup of the item is running; a second one would only fail."""
    for job in case.facts.jobs:
        if job.is_backup and job.status.running:
            return Wait(until=case.now, reason=Reason.IN_PROGRESS, detail=f"Job {job.id} is running.")
    return None


def cancelled(case: Case) -> Close | None:
    """Row 7: a person cancelled it, another node did it, or the service repairs it by itself."""
    if case.incident.failure.status is JobStatus.CANCELLED:
        return _left_alone(Reason.CANCELLED, "The job was cancelled by a person.")
    if case.error.verdict is Verdict.LEAVE:
        return _left_alone(Reason.CANCELLED, case.error.cause)
    return None


def needs_person(case: Case) -> Close | None:
    """Row 8: no retry helps before a person has acted."""
    if case.error.verdict is not Verdict.PERSON:
        return None
    return Close(
        outcome=Outcome.NEEDS_ACTION,
        reason=Reason.NEEDS_ACTION,
        detail=f"{case.error.cause} {case.error.remedy}",
    )


def exhausted(case: Case) -> Close | None:
    """Row 9: all allowed attempts made (one where the catalogue says so), or older than Azure's memory."""
    incident = case.incident
    limit = 1 if case.error.verdict is Verdict.ONCE else case.rules.max_attempts
    if incident.attempts_spent < limit:
        return outlived(incident, case.now)
    return _exhausted(incident, case.error.remedy)


def outlived(incident: Incident, now: datetime) -> Close | None:
    """The end of an incident whose first failure is older than Azure keeps jobs, whatever else is known of it."""
    if now - incident.first_failed_at <= JOB_RETENTION:
        return None
    return _exhausted(incident, "The failure is older than Azure keeps jobs: look at the item's own backups.")


def _exhausted(incident: Incident, remedy: str) -> Close:
    spent = "1 retry" if incident.attempts_spent == 1 else f"{incident.attempts_spent} retries"
    return Close(
        outcome=Outcome.EXHAUSTED,
        reason=Reason.EXHAUSTED,
        detail=f"Not recovered after {spent}, last error {incident.failure.error.label}. {remedy}",
    )


def daily_cap(case: Case) -> Wait | None:
    """Row 10: as many on-demand backups in 24 hours as are allowed, counted over the item's incidents."""
    caps = case.rules.daily_caps
    cap = caps.get(case.workload, caps.get("", 0))
    recent = sorted(at for at in case.incident.triggers if case.now - at < _DAY + _CLOCKS_DIFFER)
    if len(recent) < cap:
        return None
    until = recent[-cap] + _DAY + _CLOCKS_DIFFER if cap else case.now + _DAY
    detail = f"{len(recent)} on-demand backups in 24 hours; {cap} are allowed."
    return Wait(until=until, reason=Reason.DAILY_CAP, detail=detail)


def schedule_near(case: Case) -> Wait | None:
    """Row 11: the item's own schedule is about to run; a retry now would only be in its way."""
    policy = case.facts.item.policy if case.facts.item else None
    next_run = policy.next_run(case.now, _kind(case.incident.failure.operation)) if policy else None
    if next_run is None or next_run - case.now > case.rules.schedule_margin:
        return None
    until = next_run + case.rules.schedule_margin
    return Wait(
        until=until, reason=Reason.SCHEDULE_NEAR, detail=f"Its own schedule runs at {next_run:%H:%M} UTC."
    )


def outside_hours(case: Case) -> Wait | None:
    """Row 12: retries are not allowed at this hour."""
    opens = case.rules.hours.open_at(case.now)
    if opens <= case.now:
        return None
    return Wait(
        until=opens, reason=Reason.OUTSIDE_HOURS, detail=f"Retries are allowed again from {opens:%H:%M} UTC."
    )


def not_yet(case: Case) -> Wait | None:
    """Row 14: the backoff is not over, or Azure said when to come back."""
    incident, rules = case.incident, case.rules
    if incident.reason is Reason.THROTTLED and case.now < incident.due:
        return Wait(until=incident.due, reason=Reason.THROTTLED, detail=incident.detail)
    step = min(incident.attempts_spent, len(rules.backoff) - 1)
    due = _last_end(incident) + rules.backoff[step]
    if case.now >= due:
        return None
    return Wait(
        until=due, reason=Reason.BACKOFF, detail=f"Attempt {incident.attempts_spent + 1} is due then."
    )


def _last_end(incident: Incident) -> datetime:
    ends = [attempt.ended_at for attempt in incident.attempts if attempt.ended_at and attempt.spent]
    return max([incident.failure.ended_at, *ends])


def dry_run(case: Case) -> Close | None:
    """Last of all: everything says retry, and nothing may be started."""
    if not case.rules.dry_run:
        return None
    return _left_alone(Reason.DRY_RUN, "A retry would have been started now; DRY_RUN is on.")


def _kind(operation: str) -> str:
    """The kind of backup in an operation such as "Backup (Full)", or ""."""
    return operation.partition("(")[2].rstrip(") ").lower()


def _left_alone(reason: Reason, detail: str) -> Close:
    return Close(outcome=Outcome.LEFT_ALONE, reason=reason, detail=detail)


#: the rows that need no look at the vault
EARLY_ROWS: tuple[Callable[[Case], Wait | Close | None], ...] = (paused, opted_out, unsupported)
ROWS: tuple[Callable[[Case], Wait | Close | None], ...] = (
    *EARLY_ROWS,
    not_protected,
    already_recovered,
    in_progress,
    cancelled,
    needs_person,
    exhausted,
    daily_cap,
    schedule_near,
    outside_hours,
    not_yet,
    dry_run,
)


_DEFAULT_RETENTION = timedelta(days=30)
#: Azure's own bounds for the retention of a VM's on-demand backup
_SHORTEST_RETENTION, _LONGEST_RETENTION = timedelta(days=7), timedelta(days=9999)


def keep_until(rules: Rules, item: ItemState | None, now: datetime) -> datetime:
    """Until when a retry's recovery point is kept: as set, or as long as the item's policy keeps a daily one."""
    daily = item.policy.daily_retention if item and item.policy else None
    wanted = rules.retention or daily or _DEFAULT_RETENTION
    return now + min(max(wanted, _SHORTEST_RETENTION), _LONGEST_RETENTION)


def decide_early(case: Case) -> Wait | Close | None:
    """The first early row that has something to say: a case may be decided before Azure is asked anything."""
    return next((decision for row in EARLY_ROWS if (decision := row(case))), None)


def decide(case: Case) -> Decision:
    """The first row that has something to say; none: trigger."""
    return next((decision for row in ROWS if (decision := row(case))), Trigger())
