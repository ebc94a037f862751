"""The steps of an incident, as its journal and the log tell them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class StepKind(StrEnum):
    """What happened in a step of an incident's journal; also the `event` of its log line."""

    NOTED = "failure_noted"
    CLAIMED = "retry_claimed"
    TRIGGERED = "retry_triggered"
    UNCLEAR = "retry_unclear"
    THROTTLED = "retry_throttled"
    REFUSED = "retry_refused"
    FOUND = "retry_found"
    ENDED = "retry_ended"
    WAITING = "incident_waiting"
    TOLD = "person_told"
    CLOSED = "incident_closed"
    STORM = "storm_seen"
    ACKNOWLEDGED = "incident_acknowledged"
    PROFILE = "profile_held"
    APPROVED = "retry_approved"


#: the steps whose lines alert rules and the workbook count: each is kept with the incident until it is in the log
READ_BY_RULES = frozenset({StepKind.TOLD, StepKind.CLOSED})


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of an incident's journal."""

    at: datetime
    kind: StepKind
    incident_id: str
    reason: str = ""
    detail: str = ""
    job_id: str = ""
    attempt_id: str = ""


@dataclass(frozen=True, kw_only=True)
class LogLine:
    """A finished line of the log; the same line has the same id, however often it is stored."""

    id: str
    is_warning: bool
    fields: dict[str, Any] = field(default_factory=dict, hash=False)
