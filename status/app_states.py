"""What of the app itself comes before all else: dry run, ask mode, notices that could not be sent, access lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from backup_retry.domain import labels
from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import Incident
from status.dashboard import Dashboard, Row, Trouble
from status.filters import DRY_RUN, Filters, Shown, outcome_of
from status.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class App:
    """How this app is set, and which one it is."""

    dry_run: bool = False
    #: RETRY_MODE=ask: a person approves each retry
    asks_first: bool = False
    #: its version, and the hash of its package
    version: str = ""
    package: str = ""
    #: the zone in which times are shown
    zone: tzinfo = field(default=UTC)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One of them; `url` leads to the list that it is about."""

    #: bad or busy
    tone: str
    title: str
    text: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class LostAccess:
    """A vault that Azure does not let the app read."""

    vault: str
    reason: str
    remedy: str
    since: datetime | None
    incident_url: str
    #: the items that wait for it, as far as their incidents are known
    waiting: int


def app_states(snapshot: Snapshot, app: App, filters: Filters) -> Sequence[Notice]:
    """What is to be said; nothing where the app simply does its work."""
    return [
        *_dry_run(snapshot, app, filters),
        *_asks_first(snapshot, app, filters),
        *_unsent(snapshot),
    ]


def held_back(dashboard: Dashboard) -> int:
    """How many failures of the last 14 days a dry run alone has kept from being retried."""
    return sum(outcome_of(each) == DRY_RUN for each in dashboard.closed)


def _dry_run(snapshot: Snapshot, app: App, filters: Filters) -> Iterator[Notice]:
    if not app.dry_run:
        return
    number = held_back(snapshot.made.dashboard) if snapshot.made else 0
    yield Notice(
        tone="busy",
        title="Dry run: no backup is started.",
        text=f"In the last 14 days {number:,} would have been retried. Set `DRY_RUN=false` to start retries.",
        url=filters.everything.url(show=Shown.INCIDENTS, outcome=DRY_RUN) if number else "",
        link="Show them",
    )


def _asks_first(snapshot: Snapshot, app: App, filters: Filters) -> Iterator[Notice]:
    asked = _told(snapshot, Reason.APPROVAL.value)
    if not app.asks_first and not asked:
        return
    yield Notice(
        tone="busy",
        title="Every retry needs approval." if app.asks_first else "Some retries need approval.",
        text=f"{len(asked):,} {'is' if len(asked) == 1 else 'are'} waiting now. "
        "`backup-retry approve` starts one, `backup-retry dismiss` closes it without a retry.",
        url=filters.everything.url(state=Trouble.NEEDS_PERSON.value) if asked else "",
        link="Show the retries",
    )


def _unsent(snapshot: Snapshot) -> Iterator[Notice]:
    unsent = snapshot.unsent
    if unsent is None:
        return
    since = labels.duration((snapshot.now - unsent.since).total_seconds())
    wait = (unsent.due - snapshot.now).total_seconds()
    again = f"in {labels.duration(wait)}" if wait > 0 else "with the next follow-up"
    one = unsent.number == 1
    yield Notice(
        tone="bad",
        title=f"{unsent} could not be sent for {since}.",
        text=f"Event Grid answered: {unsent.answer or 'no response'}. "
        f"{'It is' if one else 'They are'} stored and will be sent again {again}. The incidents below are complete.",
    )


def lost_access(
    rows: Sequence[Row], incidents: Mapping[str, Incident], filters: Filters, name: Mapping[str, str]
) -> Sequence[LostAccess]:
    """The vaults that cannot be read, by `name` of their keys, with how many of their items wait for that."""
    waiting = [row.item.vault.key for row in rows if row.opened and not row.item.is_vault]
    return [
        _lost(row, incidents, filters, name[row.item.vault.key], waiting.count(row.item.vault.key))
        for row in rows
        if row.item.is_vault and row.trouble is not Trouble.NONE
    ]


def _lost(
    row: Row, incidents: Mapping[str, Incident], filters: Filters, vault: str, waiting: int
) -> LostAccess:
    known = incidents.get(row.incident_id)
    reason = known.reason.value if known else row.error
    return LostAccess(
        vault=vault,
        reason=labels.reason(reason),
        remedy=known.detail if known else row.closed.detail if row.closed else "",
        since=row.since,
        incident_url=filters.incident_url(row.incident_id),
        waiting=waiting,
    )


def _told(snapshot: Snapshot, what: str) -> Sequence[Row]:
    rows = snapshot.made.dashboard.rows if snapshot.made else ()
    return [row for row in rows if row.opened and row.opened.told == what]
