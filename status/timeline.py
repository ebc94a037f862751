"""An incident's page: what happened, in order, in labels, and what happens next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain import labels
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.error_catalog import look_up
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step, StepKind
from backup_retry.ports.reports import Closed, Opened
from status.dashboard import label
from status.filters import Filters
from status.next_step import next_of_closed, next_of_open
from status.portal_links import item_url, jobs_url, vault_url

#: steps that are about a retry, and its own job is meant
_OF_A_RETRY = frozenset(
    {
        StepKind.CLAIMED,
        StepKind.TRIGGERED,
        StepKind.UNCLEAR,
        StepKind.THROTTLED,
        StepKind.REFUSED,
        StepKind.FOUND,
        StepKind.ENDED,
    }
)
_NAMES_THE_JOB = frozenset({StepKind.FOUND, StepKind.ENDED})


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
    #: the retry at the steps of a retry, else the job that failed
    job_id: str
    is_of_retry: bool


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another incident of the same item."""

    at: datetime
    url: str
    #: how it ended; "" where it is open
    reason: str


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
    #: Microsoft's page on the error
    error_url: str
    found_by: str
    failed_at: datetime
    closed_at: datetime | None
    due: datetime | None
    #: what happens next, with code between backticks
    next: str
    last_good_at: datetime | None
    attempts: Sequence[tuple[Attempt, str]]
    attempts_total: int
    events: Sequence[Event]
    #: newest first
    others: Sequence[Other]
    portal_url: str
    vault_url: str
    jobs_url: str
    back_url: str

    @property
    def recovered_at_point(self) -> bool:
        """True where the last recovery point is younger than the failure."""
        return self.last_good_at is not None and self.last_good_at > self.failed_at


def timeline(
    found: Opened | Closed,
    head: Incident | None,
    steps: Sequence[Step],
    filters: Filters,
    portal: str,
    *,
    last_good_at: datetime | None = None,
) -> Timeline | None:
    """The page of an incident; `head` is its item's latest. None: its item has no trace of it any more.

    `last_good_at` is the item's newest recovery point that is known by now, if it is newer than the incident's.
    """
    own = head if head and head.id == found.incident_id else None
    closed = (Closed.of(own) if own else None) or (found if isinstance(found, Closed) else None)
    if own is None and closed is None:
        return None
    workload = own.failure.workload if own else ""
    said = _of_closed(closed, own) if closed else _of_open(own)
    points = (said.pop("last_good_at"), last_good_at)
    return Timeline(
        incident_id=found.incident_id,
        item=found.item,
        workload=label(found.item, workload),
        error_url=look_up(title=str(said["error"]), numeric=None, workload=workload or None).link,
        events=_events(found.incident_id, steps, own),
        others=_others(found.incident_id, steps, filters),
        portal_url=item_url(found.item, portal),
        vault_url=vault_url(found.item.vault, portal),
        jobs_url=jobs_url(found.item.vault, portal),
        back_url=f"../{filters.everything.url()}",
        last_good_at=max((each for each in points if isinstance(each, datetime)), default=None),
        **said,  # type: ignore[arg-type]
    )


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
        "next": next_of_open(incident),
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
        "next": next_of_closed(outcome, closed.reason),
        "last_good_at": closed.last_good_at,
    }


def _attempts(incident: Incident) -> dict[str, object]:
    told = [(attempt, labels.RESULTS[attempt.result]) for attempt in incident.attempts]
    return {"attempts": told, "attempts_total": len(told)}


def _events(incident_id: str, steps: Sequence[Step], incident: Incident | None) -> Sequence[Event]:
    """The incident's steps, each of a retry with that retry's own job, as soon as anybody has named it."""
    own = [step for step in steps if step.incident_id == incident_id]
    jobs = {step.attempt_id: step.job_id for step in own if step.kind in _NAMES_THE_JOB}
    jobs |= {each.id: each.job_id for each in incident.attempts if each.job_id} if incident else {}
    return [_event(step, jobs) for step in own]


def _event(step: Step, jobs: Mapping[str, str]) -> Event:
    decided = step.kind in {StepKind.WAITING, StepKind.CLOSED}
    is_of_retry = step.kind in _OF_A_RETRY or step.reason == Reason.RETRY_SUCCEEDED
    return Event(
        at=step.at,
        kind=step.kind.value,
        title=labels.STEPS[step.kind],
        code=step.reason if decided else "",
        reason=labels.reason(step.reason) if decided else "",
        detail=_detail(step),
        job_id=jobs.get(step.attempt_id, "") if is_of_retry else step.job_id,
        is_of_retry=is_of_retry,
    )


def _detail(step: Step) -> str:
    """What the step says for itself; how a retry ended is put into labels."""
    if step.kind is StepKind.ENDED and step.detail in set(AttemptResult):
        return f"Result: {labels.RESULTS[AttemptResult(step.detail)]}."
    return step.detail


def _others(incident_id: str, steps: Sequence[Step], filters: Filters) -> Sequence[Other]:
    """The item's other incidents, as far as its journal is kept."""
    began: dict[str, datetime] = {}
    ended: dict[str, str] = {}
    for step in steps:
        began.setdefault(step.incident_id, step.at)
        if step.kind is StepKind.CLOSED:
            ended[step.incident_id] = labels.reason(step.reason)
    began.pop(incident_id, None)
    newest = sorted(began.items(), key=lambda each: each[1], reverse=True)
    return [
        Other(at=at, url=filters.incident_url(each).removeprefix("incidents/"), reason=ended.get(each, ""))
        for each, at in newest
    ]
