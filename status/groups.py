"""Items by what is the matter with them: a hundred cards of three causes are three groups."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain import labels
from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import Incident
from status.dashboard import Row
from status.filters import Filters
from status.place import Places
from status.portal_links import item_url

#: how many groups are shown, and how many items of each; the group's own list has the rest
GROUPS, ITEMS = 20, 25
#: shown instead of an error without a name
_UNNAMED = "not known"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An item in its group."""

    name: str
    place: str
    incident_url: str
    portal_url: str
    since: datetime | None
    #: where its open incident stands; "" where that is not known, or where it is closed
    state: str
    reason: str
    #: what a person should do, if anything
    remedy: str
    #: retries of a closed incident; None: it is open
    attempts: int | None
    last_good_at: datetime | None
    due: datetime | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """The items of one cause."""

    cause: str
    #: what all of them have in common; "" where it differs
    reason: str
    remedy: str
    total: int
    #: when the first of them began
    since: datetime | None
    entries: Sequence[Entry]
    #: the list of all of them
    url: str

    @property
    def is_small(self) -> bool:
        """True where its items need not be folded away."""
        return self.total <= 3  # noqa: PLR2004 (a screenful)


@dataclass(frozen=True, kw_only=True)
class Section:
    """The groups of one state, the largest first."""

    total: int
    groups: Sequence[Group]
    #: how many groups there are
    causes: int


class Grouping:
    """Makes sections of rows."""

    def __init__(
        self,
        filters: Filters,
        incidents: Mapping[str, Incident],
        places: Places,
        portal: str,
        now: datetime,
    ) -> None:
        """`incidents`: what is known of open ones, by their ids."""
        self._filters = filters
        self._incidents = incidents
        self._places = places
        self._portal = portal
        self._now = now

    def section(self, rows: Sequence[Row], state: str) -> Section:
        """The section of these rows."""
        by_cause: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_cause[row.error].append(row)
        largest = sorted(by_cause.items(), key=lambda each: (-len(each[1]), each[0]))
        return Section(
            total=len(rows),
            groups=[self._group(cause, some, state) for cause, some in largest[:GROUPS]],
            causes=len(largest),
        )

    def _group(self, cause: str, rows: Sequence[Row], state: str) -> Group:
        entries = [self._entry(row) for row in rows[:ITEMS]]
        url = self._filters.url(state=state, cause=cause, view="items") if cause else ""
        return Group(
            cause=cause or _UNNAMED,
            reason=_common([each.reason for each in entries]),
            remedy=_common([each.remedy for each in entries]),
            total=len(rows),
            since=min((row.since for row in rows if row.since), default=None),
            entries=entries,
            url=url,
        )

    def _entry(self, row: Row) -> Entry:
        known = self._incidents.get(row.incident_id) if row.opened else None
        incident = known if known and known.is_open else None
        closed = None if row.opened else row.closed
        return Entry(
            name=row.name,
            place=self._places.row(row),
            incident_url=self._filters.incident_url(row.incident_id),
            portal_url=item_url(row.item, self._portal),
            since=row.since,
            state=_state(incident, self._now) if incident else "",
            reason=labels.reason(_reason(row, incident)),
            remedy=closed.detail if closed else incident.detail if incident and incident.told_of else "",
            attempts=closed.attempts if closed else None,
            last_good_at=row.last_good_at,
            due=incident.due if incident else None,
        )


def _state(incident: Incident, now: datetime) -> str:
    state = labels.STATES[incident.state]
    return f"{state}, acknowledged" if incident.is_acknowledged(now) else state


def _reason(row: Row, incident: Incident | None) -> Reason | str:
    if incident:
        return incident.reason
    if row.opened:
        return row.opened.told
    return row.closed.reason if row.closed else ""


def _common(texts: Sequence[str]) -> str:
    """The text, where all say the same."""
    return texts[0] if texts and len(set(texts)) == 1 else ""
