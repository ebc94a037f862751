"""The first screen in values: one sentence, the big numbers, and what a reader has to know."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backup_retry.domain import labels
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.pauses import Pause
from backup_retry.domain.protection import Protection
from backup_retry.ports.arrivals import MISSING_ALERTS
from backup_retry.ports.unreadable_rows import UnreadableRow
from backup_retry.settings.timer_status import Timer
from status.dashboard import Dashboard, Trouble
from status.snapshot import Made, Snapshot

#: so many rows that cannot be read are named
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Count:
    """One of the big numbers."""

    number: int
    label: str
    #: bad, busy, good or plain; a number of nothing is always plain
    tone: str


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Is everything protected, in one sentence."""

    #: bad, busy, good or plain
    tone: str
    text: str


def headline(snapshot: Snapshot, timers: Sequence[Timer]) -> Headline:
    """The worst thing that is so; nothing is called protected that is not known to be."""
    if snapshot.made is None:
        return Headline(tone="plain", text="Reading the ledger …")
    dashboard = snapshot.made.dashboard
    if worst := next(_findings(snapshot.made, snapshot, timers), None):
        return worst
    if not dashboard.estate_known:
        return Headline(tone="plain", text="Nothing needs a person.")
    return Headline(tone="good", text=_all_well(dashboard))


def _all_well(dashboard: Dashboard) -> str:
    if not dashboard.rows:
        return "Nothing is protected yet."
    if stopped := dashboard.protections.get(Protection.STOPPED, 0):
        return f"All is protected but {_items(stopped, 'whose backups are stopped', 'whose backups are stopped')}"
    return "Everything is protected."


def _findings(made: Made, snapshot: Snapshot, timers: Sequence[Timer]) -> Iterator[Headline]:
    """What is not as it should be, worst first."""
    troubles = Counter(row.trouble for row in made.dashboard.rows if not row.item.is_vault)
    if number := troubles[Trouble.NEEDS_PERSON]:
        yield Headline(tone="bad", text=_items(number, "needs a person", "need a person"))
    if number := troubles[Trouble.UNPROTECTED]:
        yield Headline(tone="bad", text=_items(number, "has no good backup", "have no good backup"))
    if closed := [
        row for row in made.dashboard.rows if row.item.is_vault and row.trouble is not Trouble.NONE
    ]:
        yield Headline(tone="bad", text=_blocked([row.item.vault.name for row in closed]))
    for timer in timers:
        if timer.needs_a_person:
            yield Headline(tone="bad", text=timer.sentence)
    if number := len(made.unreadable):
        yield Headline(tone="bad", text=f"{_rows(number)} cannot be read.")
    yield from _lesser(made, snapshot, troubles)


def _lesser(made: Made, snapshot: Snapshot, troubles: Mapping[Trouble, int]) -> Iterator[Headline]:
    """What somebody is at already, or has said can wait."""
    if any(each.in_force(snapshot.now) for each in snapshot.pauses):
        yield Headline(tone="busy", text="Retries are paused.")
    if number := troubles[Trouble.OPEN]:
        yield Headline(tone="busy", text=_items(number, "is being looked after", "are being looked after"))
    if number := troubles[Trouble.ACKNOWLEDGED]:
        yield Headline(
            tone="plain",
            text=_items(number, "can wait, as a person has said", "can wait, as people have said"),
        )
    if made.waiting.number:
        yield Headline(tone="busy", text=f"{made.waiting} to be looked into.")
    on_their_way = made.dashboard.protections.get(Protection.IN_PROGRESS, 0)
    if number := on_their_way - troubles[Trouble.OPEN]:
        yield Headline(tone="plain", text=_items(number, "awaits its backup", "await their backups"))


def counts(dashboard: Dashboard) -> Sequence[Count]:
    """The big numbers; what waits for a person counts once for an item, what has ended once for an incident."""
    waiting = [row.closed for row in dashboard.rows if row.closed and row.trouble is Trouble.NEEDS_PERSON]
    ended = Counter(each.outcome for each in waiting)
    still_open = sum(row.opened is not None for row in dashboard.rows)
    unprotected = sum(row.trouble is Trouble.UNPROTECTED for row in dashboard.rows)
    return [
        _count(ended[Outcome.NEEDS_ACTION], "need a person", "bad"),
        _count(ended[Outcome.EXHAUSTED], "retries used up", "bad"),
        _count(unprotected, "no good backup", "bad"),
        _count(still_open, "being looked after", "busy"),
        _count(dashboard.outcomes.get(Outcome.RECOVERED, 0), "recovered by a retry", "good"),
        _count(dashboard.outcomes.get(Outcome.RECOVERED_ELSEWHERE, 0), "recovered without us", "good"),
        _count(dashboard.outcomes.get(Outcome.LEFT_ALONE, 0), "left alone", "plain"),
    ]


def notes(snapshot: Snapshot) -> Sequence[str]:
    """What a reader has to know of how much the page knows."""
    if snapshot.made is None:
        what = (
            f"it does not answer: {snapshot.problem}"
            if snapshot.problem
            else "this page comes back by itself"
        )
        return [f"The ledger is being read; {what}."]
    found = [_unreadable(snapshot.made.unreadable)] if snapshot.made.unreadable else []
    found += [f"{each.sentence} {MISSING_ALERTS}" for each in snapshot.made.alerts if each.are_missing]
    if snapshot.problem and snapshot.read_at:
        age = labels.duration((snapshot.now - snapshot.read_at).total_seconds())
        found.append(f"The ledger does not answer; this is what it said {age} ago. ({snapshot.problem})")
    if snapshot.made.estate_problem and snapshot.made.estate_at is None:
        found.append(
            "Resource Graph does not answer, so only what failed is shown and good backups are not known. "
            f"({snapshot.made.estate_problem})"
        )
    elif snapshot.made.estate_problem and snapshot.made.estate_at:
        age = labels.duration((snapshot.now - snapshot.made.estate_at).total_seconds())
        found.append(f"Resource Graph does not answer; good backups are shown as of {age} ago.")
    if vaults := sorted(snapshot.made.dashboard.policies_unread):
        found.append(_policies_unread(vaults))
    return found


def _policies_unread(vaults: Sequence[str]) -> str:
    named = ", ".join(each.rpartition("/")[2] for each in vaults[:_NAMED])
    more = f" and {len(vaults) - _NAMED:,} more" if len(vaults) > _NAMED else ""
    return (
        f"The backup policies of {named}{more} cannot be read; a backup of theirs counts as overdue when the last one "
        "failed, or is older than any policy allows."
    )


def _unreadable(rows: Sequence[UnreadableRow]) -> str:
    named = "; ".join(str(row) for row in rows[:_NAMED])
    more = f"; and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    return (
        f"{_rows(len(rows))} cannot be read by this version; what it is about is neither retried nor let go "
        f"of until it is mended or removed: {named}{more}."
    )


def _rows(number: int) -> str:
    return "1 row of the ledger" if number == 1 else f"{number:,} rows of the ledger"


def scope_name(pause: Pause, dashboard: Dashboard) -> str:
    """What a pause is about, in a person's labels."""
    if not pause.scope:
        return "everywhere"
    known = dashboard.subscriptions.get(pause.scope.lower())
    return f"in subscription {known}" if known else f"in {pause.scope.rsplit('/', 1)[-1]}"


def _count(number: int, label: str, tone: str) -> Count:
    return Count(number=number, label=label, tone=tone if number else "plain")


def _blocked(vaults: Sequence[str]) -> str:
    return (
        f"Vault {vaults[0]} cannot be read." if len(vaults) == 1 else f"{len(vaults)} vaults cannot be read."
    )


def _items(number: int, one: str, many: str) -> str:
    return f"1 item {one}." if number == 1 else f"{number:,} items {many}."
