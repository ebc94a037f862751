"""The status page's model: values in, what is to be seen out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.incident import Incident
from backup_retry.domain.pauses import Pause
from backup_retry.policy.compliance import WINDOWS
from backup_retry.policy.storm import Storm
from backup_retry.ports.arrivals import VaultAlerts
from backup_retry.ports.inbox import Waiting
from backup_retry.ports.reports import Opened
from backup_retry.settings.timer_status import Timer
from status.app_states import App, LostAccess, Notice, app_states, lost_access
from status.calendar import Calendar, calendar
from status.compliance_list import ComplianceList, compliance_list
from status.dashboard import Dashboard, Day, Row, Trouble
from status.filters import NO_ACCESS, Filters, Shown, state_of
from status.groups import Grouping, Section
from status.incident_list import IncidentList, incident_list
from status.place import Places
from status.snapshot import Snapshot
from status.summary import Headline, headline, notes, scope_name
from status.tagged import Tagged
from status.tiles import ENDS, Tile, tiles_of_14_days, tiles_of_now

#: how many open incidents are read for what they wait for; of the others the index says enough
LISTED = 50
_RELOAD_SECONDS = 60
_RELOAD_SOON_SECONDS = 3
_STATES = {
    Trouble.NEEDS_PERSON.value: "action required",
    Trouble.UNPROTECTED.value: "no recent recovery point",
    Trouble.OPEN.value: "in progress",
    Trouble.ACKNOWLEDGED.value: "acknowledged",
    NO_ACCESS: "vault cannot be read",
    Trouble.NONE.value: "healthy",
}
#: by the number of days
_BELOW = {str(days): f"below 100 % over {days} days" for days in WINDOWS}


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
    states: Sequence[Option]
    causes: Sequence[Option]
    compliance: Sequence[Option]


@dataclass(frozen=True, kw_only=True)
class Page:
    """All that the template needs."""

    now: datetime
    app: App
    headline: Headline
    tiles_of_now: Sequence[Tile]
    tiles_of_14_days: Sequence[Tile]
    timers: Sequence[Timer]
    app_states: Sequence[Notice]
    lost_access: Sequence[LostAccess]
    pauses: Sequence[tuple[Pause, str]]
    storms: Sequence[Storm]
    notes: Sequence[str]
    filters: Filters
    choices: Choices
    action_required: Section
    in_progress: Section
    #: the signals that nobody has processed yet
    waiting: Waiting
    #: what the page is narrowed down to, by the filters' names
    chosen: Sequence[tuple[str, str]]
    #: those of each vault that had one, or that lacks some
    alerts: Sequence[VaultAlerts]
    calendar: Calendar
    #: None where something else is asked for
    incidents: IncidentList | None
    compliance: ComplianceList | None
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

    @property
    def retries(self) -> str:
        """Whether retries are started, in a few words."""
        if self.is_paused:
            return "Retries are paused"
        if self.app.dry_run:
            return "Dry run: no retries"
        return "Retries need approval" if self.app.asks_first else "Retries are on"


def opened(rows: Sequence[Row]) -> Sequence[Opened]:
    """The open incidents that the page will show, for somebody to fetch what they are about: vaults and news first."""
    found = [row.opened for row in rows if row.opened]
    newest = sorted(found, key=lambda each: each.at, reverse=True)
    return sorted(newest, key=lambda each: (not each.item.is_vault, not each.told))[:LISTED]


def page(
    snapshot: Snapshot,
    timers: Sequence[Timer],
    filters: Filters,
    incidents: Mapping[str, Incident],
    portal: str,
    *,
    app: App | None = None,
    tagged: Tagged | None = None,
) -> Page:
    """The page; `incidents` are those of `opened`, by their ids; `tagged`: what has the tag that is asked for."""
    dashboard = snapshot.made.dashboard if snapshot.made else NOTHING
    app, places, tagged = app or App(), Places(dashboard), tagged or Tagged()
    rows = filters.apply(dashboard, tagged.ids)
    grouping = Grouping(filters, incidents, places, portal, snapshot.now)
    shows_incidents, shows_compliance = (filters.show == each for each in (Shown.INCIDENTS, Shown.COMPLIANCE))
    known_alerts = snapshot.made.alerts if snapshot.made else ()
    return Page(
        now=snapshot.now,
        app=app,
        headline=headline(snapshot, timers, dashboard.unprotected, dry_run=app.dry_run),
        tiles_of_now=tiles_of_now(dashboard, filters),
        tiles_of_14_days=tiles_of_14_days(dashboard, filters),
        timers=timers,
        app_states=app_states(snapshot, app, filters),
        lost_access=lost_access(rows, incidents, filters, _vault_names(rows, places)),
        pauses=[(each, scope_name(each, dashboard)) for each in snapshot.pauses],
        storms=snapshot.storms,
        notes=[*notes(snapshot), *_unknown_tag(tagged)],
        filters=filters,
        choices=_choices(dashboard, filters, places),
        action_required=grouping.section(_in_state(rows, Trouble.NEEDS_PERSON), Trouble.NEEDS_PERSON.value),
        in_progress=grouping.section(_in_state(rows, Trouble.OPEN), Trouble.OPEN.value),
        waiting=snapshot.made.waiting if snapshot.made else Waiting(),
        alerts=[each for each in known_alerts if filters.takes_vault(each.vault)],
        chosen=_chosen(filters, places),
        calendar=calendar(
            dashboard.days, _of_items(rows, filters), filters, places, estate_known=dashboard.estate_known
        ),
        incidents=incident_list(dashboard, filters, places) if shows_incidents else None,
        compliance=compliance_list(dashboard, rows, filters, places) if shows_compliance else None,
        trend=dashboard.trend,
        median_seconds=dashboard.median_seconds,
        reload_seconds=_reload_seconds(snapshot, filters),
    )


NOTHING = Dashboard(
    days=(), rows=(), trend=(), closed=(), subscriptions={}, median_seconds=None, estate_known=False
)


def _unknown_tag(tagged: Tagged) -> Sequence[str]:
    return (
        [f"The tag filter cannot be applied: Resource Graph did not answer. ({tagged.problem})"]
        if tagged.problem
        else []
    )


def _in_state(rows: Sequence[Row], trouble: Trouble) -> Sequence[Row]:
    return [row for row in rows if state_of(row) == trouble.value]


def _of_items(rows: Sequence[Row], filters: Filters) -> Sequence[Row]:
    """The items; vaults that cannot be read are not among them, unless somebody asks for those."""
    return rows if filters.state == NO_ACCESS else [row for row in rows if not row.item.is_vault]


def _chosen(filters: Filters, places: Places) -> Sequence[tuple[str, str]]:
    vault = places.vaults.get(filters.vault.lower())
    outcome = ENDS.get(filters.outcome, "")
    named = [
        ("State", _STATES.get(filters.state, "")),
        ("Cause", filters.cause),
        ("Subscription", places.subscription(filters.subscription) if filters.subscription else ""),
        ("Vault", places.vault(vault) if vault else filters.vault),
        ("Workload", filters.workload),
        ("Tag", filters.tag),
        ("Compliance", _BELOW.get(filters.compliance, "")),
        ("Name contains", filters.text),
        ("Outcome", outcome),
    ]
    return [each for each in named if each[1]]


def _vault_names(rows: Sequence[Row], places: Places) -> Mapping[str, str]:
    return {row.item.vault.key: places.vault(row.item.vault) for row in rows if row.item.is_vault}


def _choices(dashboard: Dashboard, filters: Filters, places: Places) -> Choices:
    subscriptions = {
        each.subscription: places.subscription(each.subscription) for each in places.vaults.values()
    }
    vaults = {_vault_value(each, places): places.vault(each) for each in places.vaults.values()}
    workloads = {row.workload: row.workload for row in dashboard.rows}
    states = {
        state: _STATES[state] for state in _STATES if any(state_of(row) == state for row in dashboard.rows)
    }
    if filters.state:
        states[filters.state] = _STATES[filters.state]
    causes = {row.error: row.error for row in dashboard.rows if row.error}
    causes |= {filters.cause: filters.cause} if filters.cause else {}
    vault = filters.vault if filters.vault in vaults else filters.vault.rsplit("/", 1)[-1]
    return Choices(
        subscriptions=_options(subscriptions, filters.subscription),
        vaults=_options(vaults, vault),
        workloads=_options(workloads, filters.workload),
        states=[
            Option(value=value, label=label, chosen=value == filters.state) for value, label in states.items()
        ],
        causes=_options(causes, filters.cause),
        compliance=[
            Option(value=days, label=label, chosen=days == filters.compliance)
            for days, label in _BELOW.items()
        ],
    )


def _vault_value(vault: Vault, places: Places) -> str:
    """How the address names the vault: its name, and its id where another one has that name."""
    return vault.key if places.is_ambiguous(vault) else vault.name


def _options(labels: Mapping[str, str], chosen: str) -> Sequence[Option]:
    return [
        Option(value=value, label=label, chosen=value.lower() == chosen.lower())
        for value, label in sorted(labels.items(), key=lambda each: each[1].casefold())
    ]


def _reload_seconds(snapshot: Snapshot, filters: Filters) -> int | None:
    if not filters.reloads:
        return None
    is_whole = snapshot.made is not None and not snapshot.made.estate_pending
    return _RELOAD_SECONDS if is_whole else _RELOAD_SOON_SECONDS
