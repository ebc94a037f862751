"""The status page's model: values in, what is to be seen out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain import labels
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.incident import Incident
from backup_retry.domain.pauses import Pause
from backup_retry.policy.storm import Storm
from backup_retry.ports.arrivals import VaultAlerts
from backup_retry.ports.inbox import Waiting
from backup_retry.ports.reports import Opened
from backup_retry.settings.timer_status import Timer
from status.calendar import Calendar, calendar
from status.dashboard import Dashboard, Day, Row, Trouble
from status.filters import Filters
from status.portal_links import item_url
from status.snapshot import Snapshot
from status.summary import Count, Headline, counts, headline, notes, scope_name

#: how many lines the two lists show; the calendar shows the rest
LISTED = 50
_RELOAD_SECONDS = 60
_RELOAD_SOON_SECONDS = 3


@dataclass(frozen=True, kw_only=True)
class ActionItem:
    """An item that waits for a person."""

    name: str
    place: str
    incident_url: str
    portal_url: str
    error: str
    reason: str
    remedy: str
    since: datetime
    attempts: int
    last_good_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class OpenItem:
    """An item that is being looked after."""

    name: str
    place: str
    incident_url: str
    since: datetime
    #: empty where its incident was closed a moment ago
    state: str
    reason: str
    #: what a person was told to do, if anything
    remedy: str
    due: datetime | None


@dataclass(frozen=True, kw_only=True)
class Option:
    """A choice of a filter."""

    value: str
    label: str
    chosen: bool


@dataclass(frozen=True, kw_only=True)
class Choices:
    """The choices of the filters."""

    subscriptions: Sequence[Option]
    vaults: Sequence[Option]
    workloads: Sequence[Option]


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that the template needs."""

    now: datetime
    headline: Headline
    counts: Sequence[Count]
    timers: Sequence[Timer]
    pauses: Sequence[tuple[Pause, str]]
    storms: Sequence[Storm]
    notes: Sequence[str]
    filters: Filters
    choices: Choices
    action_items: Sequence[ActionItem]
    action_items_total: int
    open_items: Sequence[OpenItem]
    open_items_total: int
    #: the signals that nobody has looked into yet
    waiting: Waiting
    #: those of each vault that had one, or that lacks some
    alerts: Sequence[VaultAlerts]
    calendar: Calendar
    trend: Sequence[Day]
    median_seconds: float | None
    #: None: the page does not reload itself
    reload_seconds: int | None

    @property
    def alert_kinds(self) -> Sequence[AlertKind]:
        """The columns of the alerts."""
        return tuple(AlertKind)

    @property
    def is_paused(self) -> bool:
        """True while a pause is in force, one that is only booked is none."""
        return any(pause.in_force(self.now) for pause, _ in self.pauses)


def opened(dashboard: Dashboard, filters: Filters) -> Sequence[Opened]:
    """The open incidents that the page will show, for somebody to fetch what they are about."""
    found = [row.opened for row in filters.apply(dashboard.rows) if row.opened]
    return sorted(found, key=lambda each: each.at, reverse=True)[:LISTED]


def page(
    snapshot: Snapshot,
    timers: Sequence[Timer],
    filters: Filters,
    incidents: Mapping[str, Incident],
    portal: str,
) -> Page:
    """The page; `incidents` are those of `opened`, by their ids."""
    dashboard = snapshot.made.dashboard if snapshot.made else _NOTHING
    rows = filters.apply(dashboard.rows)
    action_items = [row for row in rows if row.trouble is Trouble.NEEDS_PERSON]
    shown = opened(dashboard, filters)
    known_alerts = snapshot.made.alerts if snapshot.made else ()
    return Page(
        now=snapshot.now,
        headline=headline(snapshot, timers),
        counts=counts(dashboard),
        timers=timers,
        pauses=[(each, scope_name(each, dashboard)) for each in snapshot.pauses],
        storms=snapshot.storms,
        notes=notes(snapshot),
        filters=filters,
        choices=_choices(dashboard, filters),
        action_items=[_action_item(row, filters, portal) for row in action_items[:LISTED]],
        action_items_total=len(action_items),
        open_items=[_open_item(each, incidents.get(each.incident_id), filters) for each in shown],
        open_items_total=sum(row.opened is not None for row in rows),
        waiting=snapshot.made.waiting if snapshot.made else Waiting(),
        alerts=[each for each in known_alerts if filters.takes_vault(each.vault)],
        calendar=calendar(dashboard.days, rows, filters, estate_known=dashboard.estate_known),
        trend=dashboard.trend,
        median_seconds=dashboard.median_seconds,
        reload_seconds=_reload_seconds(snapshot, filters),
    )


_NOTHING = Dashboard(
    days=(), rows=(), trend=(), outcomes={}, subscriptions={}, median_seconds=None, estate_known=False
)


def _action_item(row: Row, filters: Filters, portal: str) -> ActionItem:
    closed = row.closed
    if closed is None:
        raise ValueError(f"{row.item.id} needs nobody")
    return ActionItem(
        name=row.item.friendly_name,
        place=f"{row.item.vault.name} · {row.workload}",
        incident_url=filters.incident_url(closed.incident_id),
        portal_url=item_url(row.item, portal),
        error=closed.last_error,
        reason=labels.reason(closed.reason),
        remedy=closed.detail,
        since=closed.first_failed_at,
        attempts=closed.attempts,
        last_good_at=row.last_good_at,
    )


def _open_item(opened: Opened, incident: Incident | None, filters: Filters) -> OpenItem:
    current = incident if incident and incident.is_open else None
    return OpenItem(
        name=opened.item.friendly_name,
        place=opened.item.vault.name,
        incident_url=filters.incident_url(opened.incident_id),
        since=opened.at,
        state=labels.STATES[current.state] if current else "",
        reason=labels.reason(current.reason) if current else "",
        remedy=current.detail if current and current.told_of else "",
        due=current.due if current else None,
    )


def _choices(dashboard: Dashboard, filters: Filters) -> Choices:
    items = [row.item for row in dashboard.rows]
    subscriptions = {item.vault.subscription: item.vault.subscription for item in items}
    subscriptions |= {
        key: dashboard.subscriptions.get(key.lower(), name) for key, name in subscriptions.items()
    }
    vaults = {item.vault.name.lower(): item.vault.name for item in items}
    workloads = {row.workload: row.workload for row in dashboard.rows}
    return Choices(
        subscriptions=_options(subscriptions, filters.subscription),
        vaults=_options(vaults, filters.vault.rsplit("/", 1)[-1]),
        workloads=_options(workloads, filters.workload),
    )


def _options(labels: Mapping[str, str], chosen: str) -> Sequence[Option]:
    return [
        Option(value=value, label=label, chosen=value.lower() == chosen.lower())
        for value, label in sorted(labels.items(), key=lambda each: each[1].casefold())
    ]


def _reload_seconds(snapshot: Snapshot, filters: Filters) -> int | None:
    if filters.refresh == "off":
        return None
    return _RELOAD_SOON_SECONDS if snapshot.made is None else _RELOAD_SECONDS
