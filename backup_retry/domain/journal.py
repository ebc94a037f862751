"""The steps of an incident, as its journal and the log tell them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
