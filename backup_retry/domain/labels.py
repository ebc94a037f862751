"""Reason codes, steps, outcomes and states in an administrator's words: one table for the page and the command line."""

from collections.abc import Mapping

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.journal import StepKind

REASONS: Mapping[Reason, str] = {
    Reason.RETRY: "A retry is being started.",
    Reason.PAUSED: "Retries are paused by an operator.",
    Reason.OPTED_OUT: "It is outside the configured scope, or tagged backup-retry = off.",
    Reason.UNSUPPORTED: "This app cannot rerun it: it is a restore, or a backup that an agent runs.",
    Reason.NOT_PROTECTED: "Protection was stopped, or the item is no longer in the vault.",
    Reason.ALREADY_RECOVERED: "Another backup completed after the failure.",
    Reason.IN_PROGRESS: "A backup of this item is running.",
    Reason.CANCELLED: "The backup was cancelled, ran on another node, or Azure resolves it automatically.",
    Reason.NEEDS_ACTION: "A retry does not help until the cause is fixed.",
    Reason.NO_PERMISSION: "Azure denies access to this app's identity. Retries continue once the role is assigned.",
    Reason.NOT_REACHABLE: "Azure cannot find the vault, its resource group or its subscription. "
    "Retries continue once it can.",
    Reason.REACHABLE_AGAIN: "The vault is accessible again, and the failures of the meantime have been collected.",
    Reason.PASSING_STATE: "The item's protection is being changed, or its protection state is unknown.",
    Reason.EXHAUSTED: "The maximum number of retries is reached.",
    Reason.DEADLINE: "RETRY_DEADLINE has passed: no retry starts after that time of day.",
    Reason.APPROVAL: "The retry is waiting for approval.",
    Reason.DISMISSED: "The retry was dismissed by an operator.",
    Reason.DAILY_CAP: "The limit of on-demand backups in 24 hours is reached.",
    Reason.NO_BACKUP_RULE: "Its backup policy has no backup rule to run.",
    Reason.LOG_SCHEDULE: "Log backups are not retried: the next scheduled one replaces them.",
    Reason.SCHEDULE_NEAR: "The next scheduled backup starts soon and takes precedence.",
    Reason.OUTSIDE_HOURS: "Retries are not allowed at this time (RETRY_HOURS).",
    Reason.STORM: "Failure storm: many items in the vault fail with the same error, and another one is retried first.",
    Reason.DRY_RUN: "Dry run: a retry would have been started.",
    Reason.BACKOFF: "Waiting before the next retry (RETRY_BACKOFF).",
    Reason.THROTTLED: "Azure throttled the request.",
    Reason.AZURE_UNAVAILABLE: "Azure did not answer. The next follow-up tries again.",
    Reason.AZURE_REFUSED: "Azure rejected a request. The next follow-up evaluates the error.",
    Reason.ATTEMPT_RUNNING: "A retry is running.",
    Reason.ANSWER_UNCLEAR: "Response lost: it is unknown whether the retry started. "
    "The vault is checked before anything else is done.",
    Reason.RETRY_SUCCEEDED: "The retry completed.",
    Reason.ALREADY_HANDLED: "This failure is already known, or another worker is handling it.",
    Reason.NOTED: "The failure is stored; no decision has been made yet.",
}

STEPS: Mapping[StepKind, str] = {
    StepKind.NOTED: "Failure detected",
    StepKind.CLAIMED: "Retry reserved",
    StepKind.TRIGGERED: "Azure accepted the retry",
    StepKind.UNCLEAR: "Response lost: outcome unknown",
    StepKind.THROTTLED: "Azure throttled the retry",
    StepKind.REFUSED: "Azure rejected the retry",
    StepKind.FOUND: "Retry job found in the vault",
    StepKind.ENDED: "Retry finished",
    StepKind.WAITING: "Waiting",
    StepKind.TOLD: "Operators notified; the incident stays open",
    StepKind.CLOSED: "Closed",
    StepKind.STORM: "Part of a failure storm",
    StepKind.ACKNOWLEDGED: "Acknowledged by an operator",
    StepKind.PROFILE: "Retry profile applied",
    StepKind.APPROVED: "Retry approved",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.RECOVERED: "Recovered by a retry",
    Outcome.RECOVERED_ELSEWHERE: "Recovered by another backup",
    Outcome.NEEDS_ACTION: "Action required",
    Outcome.EXHAUSTED: "Retries exhausted",
    Outcome.LEFT_ALONE: "No action taken",
}

STATES: Mapping[State, str] = {
    State.WAITING: "Waiting",
    State.CLAIMED: "Starting a retry",
    State.TRIGGERED: "A retry is running",
    State.UNKNOWN: "Checking whether a retry started",
    State.CLOSED: "Closed",
}

RESULTS: Mapping[AttemptResult, str] = {
    AttemptResult.RUNNING: "running",
    AttemptResult.COMPLETED: "completed",
    AttemptResult.FAILED: "failed",
    AttemptResult.CANCELLED: "cancelled",
    AttemptResult.THROTTLED: "throttled by Azure",
    AttemptResult.NO_JOB: "no job started",
}

SOURCES: Mapping[Source, str] = {
    Source.ALERT: "alert",
    Source.EVENT: "event",
    Source.SWEEP: "sweep",
    Source.OPERATOR: "operator",
}

JOB_STATUSES: Mapping[JobStatus, str] = {
    JobStatus.IN_PROGRESS: "running",
    JobStatus.CANCELLING: "cancelling",
    JobStatus.CANCELLED: "cancelled",
    JobStatus.COMPLETED: "completed",
    JobStatus.COMPLETED_WITH_WARNINGS: "completed with warnings",
    JobStatus.FAILED: "failed",
    JobStatus.UNKNOWN: "in an unknown state",
}


def reason(code: str) -> str:
    """A reason code's sentence; a code that is not known represents itself."""
    return REASONS.get(Reason.read(code), code)


def duration(seconds: float) -> str:
    """A length of time in its two largest units: 45 s, 12 min, 3 h 20 min, 2 days 4 h."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    if days:
        return _two(f"{days} day{'' if days == 1 else 's'}", f"{hours} h" if hours else "")
    if hours:
        return _two(f"{hours} h", f"{minutes} min" if minutes else "")
    return f"{minutes} min" if minutes else f"{left} s"


def _two(first: str, second: str) -> str:
    return f"{first} {second}".rstrip()
