"""What can be decided about an incident, with which reason, and how it can end."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Outcome(StrEnum):
    """How an incident ended."""

    RECOVERED = "recovered"
    RECOVERED_ELSEWHERE = "recovered_elsewhere"
    NEEDS_ACTION = "needs_action"
    EXHAUSTED = "exhausted"
    LEFT_ALONE = "left_alone"

    @property
    def recovered(self) -> bool:
        """True for the two outcomes after which the item has a good recovery point again."""
        return self in {Outcome.RECOVERED, Outcome.RECOVERED_ELSEWHERE}

    @property
    def needs_a_person(self) -> bool:
        """True for the two outcomes that require action."""
        return self in {Outcome.NEEDS_ACTION, Outcome.EXHAUSTED}


class Reason(StrEnum):
    """Why something was decided; every one is explained in docs/operations.md."""

    RETRY = "retry"
    PAUSED = "paused"
    OPTED_OUT = "opted_out"
    UNSUPPORTED = "unsupported"
    NOT_PROTECTED = "not_protected"
    ALREADY_RECOVERED = "already_recovered"
    IN_PROGRESS = "in_progress"
    CANCELLED = "cancelled"
    NEEDS_ACTION = "needs_action"
    NO_PERMISSION = "no_permission"
    NOT_REACHABLE = "not_reachable"
    REACHABLE_AGAIN = "reachable_again"
    PASSING_STATE = "passing_state"
    EXHAUSTED = "exhausted"
    DEADLINE = "deadline"
    APPROVAL = "approval"
    DISMISSED = "dismissed"
    DAILY_CAP = "daily_cap"
    NO_BACKUP_RULE = "no_backup_rule"
    LOG_SCHEDULE = "log_schedule"
    SCHEDULE_NEAR = "schedule_near"
    OUTSIDE_HOURS = "outside_hours"
    STORM = "storm"
    DRY_RUN = "dry_run"
    BACKOFF = "backoff"
    THROTTLED = "throttled"
    AZURE_UNAVAILABLE = "azure_unavailable"
    AZURE_REFUSED = "azure_refused"
    ATTEMPT_RUNNING = "attempt_running"
    ANSWER_UNCLEAR = "answer_unclear"
    RETRY_SUCCEEDED = "retry_succeeded"
    ALREADY_HANDLED = "already_handled"
    NOTED = "noted"

    @classmethod
    def read(cls, code: str) -> "Reason":
        """The reason of that code; one that another version has given is its code and none of these."""
        if code in cls._value2member_map_:
            return cls(code)
        unknown = str.__new__(cls, code)
        unknown._name_ = unknown._value_ = code
        return unknown


@dataclass(frozen=True, kw_only=True)
class Trigger:
    """Decision: start a backup now."""

    reason: Reason = Reason.RETRY
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Decision: look again at `until`."""

    until: datetime
    reason: Reason
    detail: str = ""
    #: what operators are notified of meanwhile, by a name under which it is sent once; "": nothing
    notice_name: str = ""


@dataclass(frozen=True, kw_only=True)
class Close:
    """Decision: nothing more to do here; `detail` says what a person should do or know."""

    outcome: Outcome
    reason: Reason
    detail: str = ""
    #: operators have been notified by a notice about more than this item
    is_told: bool = False

    @classmethod
    def left_alone(cls, reason: Reason, detail: str) -> "Close":
        """An end that calls nobody: only where it is proved that nothing is to be done."""
        return cls(outcome=Outcome.LEFT_ALONE, reason=reason, detail=detail)


Decision = Trigger | Wait | Close
