"""An incident's page: what happened, in order, in labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain import labels
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step, StepKind
from backup_retry.ports.reports import Closed, Opened
from status.dashboard import label
from status.filters import Filters
from status.portal_links import item_url


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of the timeline."""

    at: datetime
    #: the step's code, such as retry_claimed
    kind: str
    title: str
    #: the reason's code and its sentence; empty where the step has none of its own
    code: str
    reason: str
    detail: str
    job_id: str


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """An incident from its first failure on."""

    incident_id: str
    item: ProtectedItem
    workload: str
    #: bad, busy, good or plain
    tone: str
    #: how it ended, or where it stands
    state: str
    code: str
    reason: str
    detail: str
    error: str
    error_message: str
    found_by: str
    failed_at: datetime
    closed_at: datetime | None
    due: datetime | None
    last_good_at: datetime | None
    attempts: Sequence[tuple[Attempt, str]]
    attempts_total: int
    events: Sequence[Event]
    portal_url: str
    back_url: str


def timeline(
    found: Opened | Closed, head: Incident | None, steps: Sequence[Step], filters: Filters, portal: str
) -> Timeline | None:
    """The page of an incident; `head` is its item's latest. None: its item has no trace of it any more."""
    own = head if head and head.id == found.incident_id else None
    closed = (Closed.of(own) if own else None) or (found if isinstance(found, Closed) else None)
    events = [_event(step) for step in steps if step.incident_id == found.incident_id]
    if own is None and closed is None:
        return None
    common = {
        "incident_id": found.incident_id,
        "item": found.item,
        "workload": label(found.item, own.failure.workload if own else ""),
    }
    common |= {"events": events, "portal_url": item_url(found.item, portal)}
    common |= {"back_url": f"../{filters.everything.url()}"}
    return Timeline(**common, **(_of_closed(closed, own) if closed else _of_open(own)))  # type: ignore[arg-type]


def _of_open(incident: Incident | None) -> dict[str, object]:
    if incident is None:
        raise ValueError("an incident is open or closed")
    return _attempts(incident) | {
        "tone": "busy",
        "state": labels.STATES[incident.state],
        "code": incident.reason.value,
        "reason": labels.reason(incident.reason),
        "detail": incident.detail,
        "error": incident.failure.error.label,
        "error_message": incident.failure.error.message,
        "found_by": labels.SOURCES[incident.found_by],
        "failed_at": incident.first_failed_at,
        "closed_at": None,
        "due": incident.due,
        "last_good_at": incident.last_good_at,
    }


def _of_closed(closed: Closed, incident: Incident | None) -> dict[str, object]:
    outcome = closed.outcome
    tone = "good" if outcome.recovered else "bad" if outcome.needs_a_person else "plain"
    attempts = _attempts(incident) if incident else {"attempts": (), "attempts_total": closed.attempts}
    return attempts | {
        "tone": tone,
        "state": labels.OUTCOMES[outcome],
        "code": closed.reason.value,
        "reason": labels.reason(closed.reason),
        "detail": closed.detail,
        "error": closed.last_error,
        "error_message": incident.failure.error.message if incident else "",
        "found_by": labels.SOURCES[closed.found_by],
        "failed_at": closed.first_failed_at,
        "closed_at": closed.closed_at,
        "due": None,
        "last_good_at": closed.last_good_at,
    }


def _attempts(incident: Incident) -> dict[str, object]:
    told = [(attempt, labels.RESULTS[attempt.result]) for attempt in incident.attempts]
    return {"attempts": told, "attempts_total": len(told)}


def _event(step: Step) -> Event:
    decided = step.kind in {StepKind.WAITING, StepKind.CLOSED}
    return Event(
        at=step.at,
        kind=step.kind.value,
        title=labels.STEPS[step.kind],
        code=step.reason if decided else "",
        reason=labels.reason(step.reason) if decided else "",
        detail=_detail(step),
        job_id=step.job_id,
    )


def _detail(step: Step) -> str:
    """What the step says for itself; how a retry ended is put into labels."""
    if step.kind is StepKind.ENDED and step.detail in set(AttemptResult):
        return f"Its job: {labels.RESULTS[AttemptResult(step.detail)]}."
    return step.detail
