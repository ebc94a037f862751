"""What to do about an incident: values in, one decision out. No I/O, no clock, no settings of its own.

`decide` evaluates row by row, in the order of `ROWS`; what became of an attempt in flight is `settle`'s matter.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import VaultKind
from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Trigger, Wait
from backup_retry.domain.error_catalog import Verdict
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import BackupRequest, FailedJob, Job, JobStatus
from backup_retry.domain.missed import is_missed
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.domain.tags import OFF, RETRY
from backup_retry.domain.workloads import FULL, LOG, kind_of
from backup_retry.policy.approval import approval
from backup_retry.policy.bounds import LOOK_AT_THE_JOB, PATIENCE, bridged, exhausted_by, outlived
from backup_retry.policy.daily_cap import daily_cap
from backup_retry.policy.deadline import past_deadline, until_deadline
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.missed import missed_backup, point_has_come
from backup_retry.policy.protection import no_backup_rule, not_protected, passing_state, rule_unknown
from backup_retry.policy.rules import CLOCKS_DIFFER, JOB_RETENTION

_DEFAULT_RETENTION = timedelta(days=30)
#: differential and incremental backups are kept as long as the policy has it, whatever is asked for
_KINDS_THAT_EXPIRE = frozenset({"", FULL, "CopyOnlyFull", "SnapshotFull", "SnapshotCopyOnlyFull"})
#: a scheduled full backup follows by itself, says the built-in alert: only where it does not, one is asked for
#: https://learn.microsoft.com/azure/backup/backup-sql-server-azure-troubleshoot
_MENDED_BY_SCHEDULE = frozenset({"UserErrorParentFullBackupMissing"})
_USUAL_LOG_INTERVAL, _LEAST_PATIENCE = timedelta(hours=1), timedelta(hours=1)


# ---- the rows, in the order of the design ------------------------------------------------------------------


def paused(context: DecisionContext) -> Wait | None:
    """Row 1: somebody has switched retries off."""
    pause = context.pause
    if pause is None or not pause.holds(context.incident.item.vault, context.now):
        return None
    return Wait(
        until=pause.until or context.now, reason=Reason.PAUSED, detail=f"Paused by {pause.by}: {pause.why}"
    )


def opted_out(context: DecisionContext) -> Close | None:
    """Row 2: outside the configured scope, or opted out by a tag."""
    why = context.rules.scope.why_not(context.incident.item, context.workload.name, context.source_id)
    if not why and context.tags.opted_out_by:
        why = f"{context.tags.opted_out_by} is tagged {RETRY} = {OFF}"
    return Close.left_alone(Reason.OPTED_OUT, f"Opted out: {why}.") if why else None


def unsupported(context: DecisionContext) -> Close | None:
    """Row 3: nothing that this project can trigger from Azure: restores, agents, what it does not know."""
    failure, workload = context.incident.failure, context.workload
    is_backup = failure.operation.lower().split(" ")[0] == "backup"
    if workload.retried and is_backup:
        return None
    if failure.status is JobStatus.CANCELLED:
        return cancelled(context)
    by_hand = workload.by_hand if is_backup else workload.restore
    return Close(
        outcome=Outcome.NEEDS_ACTION,
        reason=Reason.UNSUPPORTED,
        detail=f"{_what_failed(failure, workload.words)} {_known(context)}This app cannot safely retry it. "
        f"{by_hand or 'Run it again from where it was started.'} More: {context.error.link}",
    )


def _known(context: DecisionContext) -> str:
    """What the catalogue has on the code; nothing on those of agents, which it does not try to know."""
    error = context.error
    if error.known:
        return f"{error.cause} {error.remedy} "
    return f"{error.remedy} " if context.workload.retried else ""


def _what_failed(failure: FailedJob, words: str) -> str:
    name = failure.entity_name or failure.item.friendly_name
    why = f"{failure.error.label}: {failure.error.message}".removesuffix(": ").removesuffix(".")
    return f"{failure.operation} of {name} ({words}) failed with {why}."


def nobodys(context: DecisionContext) -> Close | None:
    """Row 4: no item of the vault is called as the job is, and nobody has named one: it is not forgotten for that."""
    if not context.incident.item.is_stand_in:
        return None
    return Close(
        outcome=Outcome.NEEDS_ACTION,
        reason=Reason.NEEDS_ACTION,
        detail=f"{_what_failed(context.incident.failure, context.workload.words)} Its vault lists no item of "
        "that name, so it was not retried. Find the item under Backup items in the vault, and start a backup there.",
    )


def already_recovered(context: DecisionContext) -> Close | None:
    """Row 5: a job completed after the failure: somebody else's, or a late one of ours that was given up."""
    failure = context.incident.failure
    for job in context.facts.jobs:
        if job.makes_up_for(failure):
            if context.incident.owns(job):
                return Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED, detail=job.warning)
            return Close(
                outcome=Outcome.RECOVERED_ELSEWHERE,
                reason=Reason.ALREADY_RECOVERED,
                detail=job.warning or f"Job {job.id} completed after the failure.",
            )
    return None


def in_progress(context: DecisionContext) -> Wait | Close | None:
    """Row 6: a backup of the item is running; a second one would only fail. A person looks at one that does not end."""
    running = [job for job in context.facts.jobs if job.is_backup and job.status.running]
    if not running:
        return None
    job = min(running, key=lambda each: each.started_at)
    return outlived(context.incident, context.now) or _until_it_ends(job, context)


def _until_it_ends(job: Job, context: DecisionContext) -> Wait:
    unknown = job.status is JobStatus.UNKNOWN
    detail = f"Job {job.id} " + ("has an unknown status." if unknown else "is running.")
    known = context.now - job.started_at <= JOB_RETENTION  # a young job may not have its start yet
    began = (
        job.started_at
        if known
        else context.now - context.incident.waited_for(Reason.IN_PROGRESS, context.now)
    )
    if context.now - began < PATIENCE:
        return Wait(until=context.now, reason=Reason.IN_PROGRESS, detail=detail)
    detail = f"{detail} It began at {began:%Y-%m-%d %H:%M} UTC: {LOOK_AT_THE_JOB}"
    return Wait(
        until=context.now,
        reason=Reason.IN_PROGRESS,
        detail=detail,
        notice_name=f"{Reason.IN_PROGRESS} {job.id}",
    )


def cancelled(context: DecisionContext) -> Close | None:
    """Row 7: a person cancelled it, another node did it, or the service repairs it by itself."""
    if context.is_insisted_on:
        return None
    if context.incident.failure.status is JobStatus.CANCELLED:
        return Close.left_alone(Reason.CANCELLED, "The job was cancelled.")
    if context.error.verdict is Verdict.LEAVE:
        return Close.left_alone(Reason.CANCELLED, context.error.cause)
    return None


def needs_person(context: DecisionContext) -> Close | None:
    """Row 8: no retry helps before a person has acted."""
    if context.error.verdict is not Verdict.PERSON or context.is_insisted_on:
        return None
    return Close(
        outcome=Outcome.NEEDS_ACTION,
        reason=Reason.NEEDS_ACTION,
        detail=f"{context.error.cause} {context.error.guidance}",
    )


def log_schedule(context: DecisionContext) -> Wait | Close | None:
    """Row 8, of log backups: one is left to its own schedule; where that does not help, a person or a full one does."""
    failure, item, verdict = context.incident.failure, context.facts.item, context.error.verdict
    is_left_alone = verdict is not Verdict.FULL or context.error.code in _MENDED_BY_SCHEDULE
    is_retried = failure.retried_as == FULL
    if kind_of(failure.operation).lower() != LOG.lower() or not is_left_alone or is_retried:
        return None
    interval = item.policy.log_interval if item and item.policy else None
    patience = max(2 * (interval or _USUAL_LOG_INTERVAL), _LEAST_PATIENCE)
    if context.now - context.incident.first_failed_at < patience:
        detail = "Log backups are not retried; the next scheduled one shows whether the failure persists."
        return Wait(until=context.now, reason=Reason.LOG_SCHEDULE, detail=detail)
    if verdict is Verdict.FULL:
        return None
    hours = patience / timedelta(hours=1)
    detail = f"Log backups have failed for {hours:g} h. Last error: {failure.error.label}. {context.error.guidance}"
    return Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.LOG_SCHEDULE, detail=detail)


def exhausted(context: DecisionContext) -> Close | None:
    """Row 9: all allowed attempts made, or older than Azure's memory."""
    incident = context.incident
    if incident.attempts_spent < attempts_allowed(context):
        return outlived(incident, context.now)
    said = f"{context.error.cause} " if context.was_refused else ""
    return exhausted_by(incident, said + context.error.guidance)


def attempts_allowed(context: DecisionContext) -> int:
    """How many attempts the incident has; one, where the catalogue says so or more have not helped for nights."""
    once = context.error.verdict is Verdict.ONCE or context.incident.memory.is_chronic
    return min(1, context.rules.max_attempts) if once else context.rules.max_attempts


def schedule_near(context: DecisionContext) -> Wait | None:
    """Row 11: the item's own schedule is about to run; a retry now would only be in its way."""
    policy = context.facts.item.policy if context.facts.item else None
    next_run = policy.next_run(context.now, _schedule(context.incident.failure)) if policy else None
    if next_run is None or next_run - context.now > context.rules.schedule_margin:
        return None
    until = next_run + context.rules.schedule_margin
    return Wait(
        until=until,
        reason=Reason.SCHEDULE_NEAR,
        detail=f"The next scheduled backup starts at {next_run:%H:%M} UTC.",
    )


def outside_hours(context: DecisionContext) -> Wait | None:
    """Row 12: retries are not allowed at this hour."""
    opens = context.rules.hours.open_at(context.now)
    if opens <= context.now:
        return None
    detail = f"Retries are allowed again from {opens:%H:%M} UTC{context.by_profile}."
    return Wait(until=opens, reason=Reason.OUTSIDE_HOURS, detail=detail)


def not_yet(context: DecisionContext) -> Wait | None:
    """Row 14: the backoff is not over, or Azure said when to come back."""
    incident, rules = context.incident, context.rules
    if incident.reason is Reason.THROTTLED and context.now < incident.due:
        return Wait(until=incident.due, reason=Reason.THROTTLED, detail=incident.detail)
    step = min(incident.attempts_spent, len(rules.backoff) - 1)
    due = _last_end(incident) + max(rules.backoff[step], context.error.wait)
    if context.now >= due:
        return None
    detail = f"Attempt {incident.attempts_spent + 1} is due at {due:%Y-%m-%d %H:%M} UTC."
    return Wait(until=due, reason=Reason.BACKOFF, detail=detail)


def _last_end(incident: Incident) -> datetime:
    ends = [attempt.ended_at for attempt in incident.attempts if attempt.ended_at and attempt.spent]
    return max([incident.failure.ended_at, *ends])


def dry_run(context: DecisionContext) -> Close | None:
    """Last of all: everything says retry, and nothing may be started."""
    if not context.rules.dry_run:
        return None
    return Close.left_alone(Reason.DRY_RUN, "Dry run: a retry would have been started now.")


def _schedule(failure: FailedJob) -> str:
    """By which name the policy has the schedule of such a backup."""
    return (failure.rule or kind_of(failure.operation)).lower()


#: the rows that need no look at the vault
EARLY_ROWS: tuple[Callable[[DecisionContext], Wait | Close | None], ...] = (paused, opted_out, unsupported)
ROWS: tuple[Callable[[DecisionContext], Wait | Close | None], ...] = (
    *EARLY_ROWS,
    nobodys,
    not_protected,
    no_backup_rule,
    already_recovered,
    point_has_come,
    passing_state,
    in_progress,
    cancelled,
    needs_person,
    missed_backup,
    log_schedule,
    exhausted,
    past_deadline,
    rule_unknown,
    approval,
    daily_cap,
    schedule_near,
    outside_hours,
    not_yet,
    dry_run,
)


def decide_early(context: DecisionContext) -> Wait | Close | None:
    """The first early row that has something to say: a case may be decided before Azure is asked anything."""
    return next((decision for row in EARLY_ROWS if (decision := row(context))), None)


def decide(context: DecisionContext) -> Decision:
    """The first row that has something to say; none: trigger.

    Of a vault whose list of jobs has a gap nothing is decided that a job in it could speak against.
    """
    decision = next((decision for row in ROWS if (decision := row(context))), Trigger())
    return until_deadline(bridged(decision, context.facts, context.incident, context.now), context)


# ---- what to trigger ---------------------------------------------------------------------------------------


def lacks_details(context: DecisionContext) -> bool:
    """True for a failure that a backup vault's list told, which says neither rule nor retention tag."""
    failure = context.incident.failure
    of_backup_vault = context.incident.item.vault.kind is VaultKind.BACKUP
    return of_backup_vault and not failure.retention_tag and not is_missed(failure.id)


def needs_details(context: DecisionContext) -> bool:
    """True where only the failed job can tell the rule, since the item's policy cannot be read."""
    item = context.facts.item
    unread = item is not None and (item.policy is None or item.policy.rules is None)
    return unread and not context.incident.failure.rule and lacks_details(context)


def backup_request(context: DecisionContext) -> BackupRequest:
    """The backup that a retry asks for: of the kind that failed, a full one where the log chain broke."""
    failure, policy = context.incident.failure, context.facts.item.policy if context.facts.item else None
    kind = kind_of(failure.operation) or FULL if context.workload.has_kinds else ""
    if context.error.verdict is Verdict.FULL or failure.retried_as == FULL or kind == LOG:
        kind = FULL
    rules = (policy.rules if policy else None) or {}
    rule = failure.rule if failure.rule in rules or not rules else next(iter(rules))
    return BackupRequest(
        workload=context.workload.name,
        kind=kind,
        keep_until=_keep_until(context) if kind in _KINDS_THAT_EXPIRE else None,
        rule=rule,
        retention_tag=_retention_tag(failure, policy) or rules.get(rule, ""),
    )


def _retention_tag(failure: FailedJob, policy: BackupPolicy | None) -> str:
    """The failed job's tag; "" for a monthly or yearly one, whose points may be kept for years and be immutable."""
    long_term = policy.long_term_tags if policy else frozenset()
    return "" if failure.retention_tag in long_term else failure.retention_tag


def _keep_until(context: DecisionContext) -> datetime:
    """Until when a retry's recovery point is kept: as set, or as long as the policy keeps what its schedule makes."""
    policy = context.facts.item.policy if context.facts.item else None
    base = policy.base_retention if policy else None
    wanted = context.rules.retention or base or _DEFAULT_RETENTION
    shortest = context.workload.shortest + CLOCKS_DIFFER
    return context.now + min(max(wanted, shortest), context.workload.longest)


def is_of_its_code(decision: Decision) -> bool:
    """True for what the catalogue's row, or its lack, has decided."""
    return isinstance(decision, Trigger) or (
        isinstance(decision, Close) and decision.reason is Reason.NEEDS_ACTION
    )
