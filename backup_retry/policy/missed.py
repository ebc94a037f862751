"""Backups that a policy promised and that have not come: as failures, and the policy's rows about them."""

from datetime import datetime

from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.estate import Backups
from backup_retry.domain.jobs import FailedJob, JobError, JobStatus
from backup_retry.domain.missed import NO_BACKUP_IN_TIME, MissedBackups, is_missed, missed_id, point_before
from backup_retry.domain.workloads import LOG, kind_of
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.protection_state import Missed
from backup_retry.policy.rules import JOB_RETENTION, LONGEST_JOB


def failure_of(backups: Backups, missed: Missed, now: datetime) -> FailedJob:
    """The gap as a failure of its item: from the turn that made no point to when one was overdue.

    What is overdue for longer than Azure keeps jobs is dated so that there is time left to do something about it.
    """
    kind = missed.promise.kind
    ended_at = max(missed.since, now - JOB_RETENTION + LONGEST_JOB)
    return FailedJob(
        id=missed_id(kind, missed.point, has_any=backups.last_good_at is not None),
        item=backups.item,
        workload=backups.workload,
        operation=f"Backup ({kind})" if kind else "Backup",
        status=JobStatus.FAILED,
        started_at=min(missed.turn, ended_at),
        ended_at=ended_at,
        entity_name=backups.full_name,
        error=JobError(title=NO_BACKUP_IN_TIME, message=_message(missed)),
    )


def _message(missed: Missed) -> str:
    what = f"{missed.promise.kind.lower()} backup" if missed.promise.kind else "recovery point"
    last = (
        f"the last {what} is from {missed.point:%Y-%m-%d %H:%M} UTC"
        if missed.point
        else f"no {what} is known"
    )
    if missed.promise.kind or missed.promise.runs:
        return f"According to its backup policy the next one was due at {missed.turn:%Y-%m-%d %H:%M} UTC, and {last}"
    return f"Its backup policy cannot be read, no Azure Backup policy waits longer than a week, and {last}"


def point_has_come(context: DecisionContext) -> Close | None:
    """Row 5, of a missed backup: there is a newer point; of a full one jobs decide, as the point may be a log's."""
    failure, item = context.incident.failure, context.facts.item
    if not is_missed(failure.id) or item is None or item.last_recovery_point is None:
        return None
    point, before = item.last_recovery_point, point_before(failure.id)
    is_newer = before is None or point.replace(microsecond=0) > before
    any_counts = kind_of(failure.operation) in {"", LOG}
    if not any_counts or not is_newer or (before is None and not failure.id.endswith("never")):
        return None
    return Close(
        outcome=Outcome.RECOVERED_ELSEWHERE,
        reason=Reason.ALREADY_RECOVERED,
        detail=f"Its last recovery point is from {point:%Y-%m-%d %H:%M} UTC.",
    )


def missed_backup(context: DecisionContext) -> Close | None:
    """Row 8, of a missed backup: operators are notified, unless MISSED_BACKUPS says to start one, or to do nothing."""
    error = context.incident.failure.error
    if not is_missed(context.incident.failure.id):
        return None
    if context.rules.missed_backups is MissedBackups.OFF:
        return Close.left_alone(Reason.OPTED_OUT, "MISSED_BACKUPS is off.")
    if context.rules.missed_backups is MissedBackups.RETRY:
        return None
    detail = f"{error.message}. {context.error.cause} {context.error.guidance}"
    return Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NEEDS_ACTION, detail=detail)
