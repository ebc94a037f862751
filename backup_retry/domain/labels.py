"""Reason codes, steps, outcomes and states in an administrator's words: one table for the page and the command line."""

from collections.abc import Mapping

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.journal import StepKind

REASONS: Mapping[Reason, str] = {
    Reason.RETRY: "A backup is being started.",
    Reason.PAUSED: "Somebody has switched retries off.",
    Reason.OPTED_OUT: "It is outside the configured scope, or tagged backup-retry = off.",
    Reason.UNSUPPORTED: "It cannot be run again from here: a restore, or a backup that its own agent runs.",
    Reason.NOT_PROTECTED: "The vault shows that its protection was stopped, or that the item is gone.",
    Reason.ALREADY_RECOVERED: "Another backup completed after the failure.",
    Reason.IN_PROGRESS: "A backup of it is running.",
    Reason.CANCELLED: "A person cancelled the backup, another node did it, or Azure repairs it by itself.",
    Reason.NEEDS_ACTION: "No retry helps before a person has acted.",
    Reason.NO_PERMISSION: "Azure refuses this app's identity: it goes on once the role is there.",
    Reason.NOT_REACHABLE: "Azure does not find the vault or something above it: it goes on once Azure does.",
    Reason.REACHABLE_AGAIN: "The vault answers again; what failed meanwhile has been looked for.",
    Reason.PASSING_STATE: "The item's protection is being changed, or its state is not known.",
    Reason.EXHAUSTED: "All retries are used up.",
    Reason.DEADLINE: "The time of day has come after which no retry starts.",
    Reason.APPROVAL: "A person has to approve the retry first.",
    Reason.DISMISSED: "A person does not want it retried.",
    Reason.DAILY_CAP: "It has had its on-demand backups of the last 24 hours.",
    Reason.NO_BACKUP_RULE: "Its policy has no backup rule that could be run.",
    Reason.LOG_SCHEDULE: "Log backups are run again by their own schedule.",
    Reason.SCHEDULE_NEAR: "Its own schedule runs soon and goes first.",
    Reason.OUTSIDE_HOURS: "Retries are not allowed at this hour.",
    Reason.STORM: "Many items of the vault fail alike; another one is retried first.",
    Reason.DRY_RUN: "A retry would have been started; dry run is on.",
    Reason.BACKOFF: "The pause before the next retry is not over.",
    Reason.THROTTLED: "Azure asked to come back later.",
    Reason.AZURE_UNAVAILABLE: "Azure did not answer; the next follow-up asks again.",
    Reason.AZURE_REFUSED: "Azure refused a call; the next follow-up weighs why.",
    Reason.ATTEMPT_RUNNING: "A retry was accepted and has not ended.",
    Reason.ANSWER_UNCLEAR: "A retry got no clear answer: the vault is asked before anything else happens.",
    Reason.RETRY_SUCCEEDED: "The retry completed.",
    Reason.ALREADY_HANDLED: "This failure is known, or another worker has it.",
    Reason.NOTED: "It is stored; nothing is decided yet.",
}

STEPS: Mapping[StepKind, str] = {
    StepKind.NOTED: "Heard of the failure",
    StepKind.CLAIMED: "Claimed a retry",
    StepKind.TRIGGERED: "Azure accepted the retry",
    StepKind.UNCLEAR: "The retry got no clear answer",
    StepKind.THROTTLED: "Azure put the retry off",
    StepKind.REFUSED: "Azure turned the retry down",
    StepKind.FOUND: "The vault shows the retry's job",
    StepKind.ENDED: "The retry ended",
    StepKind.WAITING: "Decided to wait",
    StepKind.TOLD: "A person was told, and it goes on",
    StepKind.CLOSED: "Closed",
    StepKind.STORM: "Part of a storm",
    StepKind.ACKNOWLEDGED: "A person knows, and it can wait",
    StepKind.PROFILE: "Which profile holds",
    StepKind.APPROVED: "A person approved the retry",
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.RECOVERED: "Recovered after a retry",
    Outcome.RECOVERED_ELSEWHERE: "Recovered without us",
    Outcome.NEEDS_ACTION: "Needs a person",
    Outcome.EXHAUSTED: "Retries used up",
    Outcome.LEFT_ALONE: "Left alone",
}

STATES: Mapping[State, str] = {
    State.WAITING: "Waiting",
    State.CLAIMED: "Starting a retry",
    State.TRIGGERED: "A retry is running",
    State.UNKNOWN: "Asking the vault about a retry",
    State.CLOSED: "Closed",
}

RESULTS: Mapping[AttemptResult, str] = {
    AttemptResult.RUNNING: "running",
    AttemptResult.COMPLETED: "completed",
    AttemptResult.FAILED: "failed",
    AttemptResult.CANCELLED: "cancelled",
    AttemptResult.THROTTLED: "put off by Azure",
    AttemptResult.NO_JOB: "no job appeared",
}

SOURCES: Mapping[Source, str] = {
    Source.ALERT: "an alert",
    Source.EVENT: "an event",
    Source.SWEEP: "the sweep",
    Source.OPERATOR: "a person",
}

JOB_STATUSES: Mapping[JobStatus, str] = {
    JobStatus.IN_PROGRESS: "running",
    JobStatus.CANCELLING: "being cancelled",
    JobStatus.CANCELLED: "cancelled",
    JobStatus.COMPLETED: "completed",
    JobStatus.COMPLETED_WITH_WARNINGS: "completed with warnings",
    JobStatus.FAILED: "failed",
    JobStatus.UNKNOWN: "in a state that is not known",
}


def reason(code: str) -> str:
    """A reason code's sentence; a code that is not known stands for itself."""
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
