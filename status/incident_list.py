"""The incidents of the last fourteen days that have been closed, as a sorted list on pages."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from backup_retry.domain import labels
from backup_retry.ports.reports import Closed
from status.dashboard import Dashboard, label
from status.filters import Filters, outcome_of
from status.place import Places
from status.tiles import ENDS

LINES = 100


@dataclass(frozen=True, kw_only=True)
class IncidentLine:
    """One of them."""

    name: str
    place: str
    url: str
    error: str
    outcome: str
    #: good, bad or plain
    tone: str
    reason: str
    failed_at: datetime
    closed_at: datetime
    attempts: int


@dataclass(frozen=True, kw_only=True)
class IncidentList:
    """A page of them."""

    lines: Sequence[IncidentLine]
    total: int
    page: int
    pages: int


#: by what the list can be sorted
_KEYS: dict[str, Callable[[Closed], Any]] = {
    "item": lambda each: each.item.named().casefold(),
    "vault": lambda each: each.item.vault.name.casefold(),
    "error": lambda each: each.last_error.casefold(),
    "outcome": outcome_of,
    "failed": lambda each: each.first_failed_at,
    "closed": lambda each: each.closed_at,
    "attempts": lambda each: each.attempts,
}


def incidents(dashboard: Dashboard, filters: Filters) -> Sequence[Closed]:
    """The incidents that the filters leave, in the order that they ask for; newest first."""
    found = [each for each in dashboard.closed if filters.takes_incident(each)]
    if key := _KEYS.get(filters.sort.removeprefix("-")):
        found.sort(key=key, reverse=filters.sort.startswith("-"))
    return found


def incident_list(dashboard: Dashboard, filters: Filters, places: Places) -> IncidentList:
    """The page of them that the filters ask for."""
    found = incidents(dashboard, filters)
    pages = max(1, -(-len(found) // LINES))
    page = min(filters.page, pages)
    part = found[(page - 1) * LINES : page * LINES]
    return IncidentList(
        lines=[_line(each, filters, places) for each in part], total=len(found), page=page, pages=pages
    )


def _line(closed: Closed, filters: Filters, places: Places) -> IncidentLine:
    outcome = closed.outcome
    return IncidentLine(
        name=closed.item.named(),
        place=places.item(closed.item, label(closed.item)),
        url=filters.incident_url(closed.incident_id),
        error=closed.last_error,
        outcome=ENDS[outcome_of(closed)].capitalize(),
        tone="good" if outcome.recovered else "bad" if outcome.needs_a_person else "plain",
        reason=labels.reason(closed.reason),
        failed_at=closed.first_failed_at,
        closed_at=closed.closed_at,
        attempts=closed.attempts,
    )
