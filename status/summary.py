"""The first screen in values: one sentence, the big numbers, and what a reader has to know."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from backup_retry.domain import labels
from backup_retry.domain.pauses import Pause
from backup_retry.domain.protection import Protection
from backup_retry.ports.arrivals import MISSING_ALERTS
from backup_retry.ports.unreadable_rows import UnreadableRow
from backup_retry.settings.timer_status import Timer
from status.dashboard import Dashboard, Trouble
from status.filters import NO_ACCESS, state_of
from status.snapshot import Made, Snapshot

#: so many rows that cannot be read are named
_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Headline:
    """Is everything protected, in one sentence."""

    #: bad, busy, good or plain
    tone: str
    text: str


def headline(
    snapshot: Snapshot, timers: Sequence[Timer], unprotected: int | None = None, *, dry_run: bool = False
) -> Headline:
    """The worst thing that is so; nothing is called protected that is not known to be.

    `unprotected`: how many items are unprotected now, where somebody counts them by their policies.
    """
    if snapshot.made is None:
        return Headline(tone="plain", text="Reading the ledger …")
    dashboard = snapshot.made.dashboard
    if worst := next(_findings(snapshot.made, snapshot, timers, unprotected), None):
        return worst
    if dry_run:
        return Headline(tone="busy", text="Dry run: no backup is retried.")
    if known := next(_lesser(snapshot.made, snapshot), None):
        return known
    if not dashboard.estate_known:
        return Headline(tone="plain", text="Nothing needs your attention.")
    return Headline(tone="good", text=_all_well(dashboard))


def _all_well(dashboard: Dashboard) -> str:
    if not dashboard.rows:
        return "No protected items found yet."
    if stopped := dashboard.protections.get(Protection.STOPPED, 0):
        whose = "whose backups are stopped"
        return f"Everything is protected except {_items(stopped, whose, whose)}"
    return "Everything is protected."


def _findings(
    made: Made, snapshot: Snapshot, timers: Sequence[Timer], unprotected: int | None
) -> Iterator[Headline]:
    """What is not as it should be, worst first."""
    troubles = _troubles(made)
    if number := troubles[Trouble.NEEDS_PERSON]:
        yield Headline(tone="bad", text=_items(number, "needs your attention", "need your attention"))
    if number := troubles[Trouble.UNPROTECTED] if unprotected is None else unprotected:
        has_none = ("has no recent recovery point", "have no recent recovery point")
        yield Headline(tone="bad", text=_items(number, *has_none))
    if closed := [row for row in made.dashboard.rows if state_of(row) == NO_ACCESS]:
        yield Headline(tone="bad", text=_blocked([row.item.vault.name for row in closed]))
    for timer in timers:
        if timer.needs_a_person:
            yield Headline(tone="bad", text=timer.sentence)
    if snapshot.unsent:
        yield Headline(tone="bad", text=f"{snapshot.unsent} could not be sent.")
    if number := len(made.unreadable):
        yield Headline(tone="bad", text=f"{_rows(number)} cannot be read.")


def _lesser(made: Made, snapshot: Snapshot) -> Iterator[Headline]:
    """What somebody is at already, or has said can wait."""
    troubles = _troubles(made)
    if any(each.in_force(snapshot.now) for each in snapshot.pauses):
        yield Headline(tone="busy", text="Retries are paused.")
    if number := troubles[Trouble.OPEN]:
        yield Headline(tone="busy", text=_items(number, "is in progress", "are in progress"))
    if number := troubles[Trouble.ACKNOWLEDGED]:
        yield Headline(
            tone="plain",
            text=_items(number, "is acknowledged", "are acknowledged"),
        )
    if made.waiting.number:
        yield Headline(tone="busy", text=f"{made.waiting}.")
    on_their_way = made.dashboard.protections.get(Protection.IN_PROGRESS, 0)
    if number := on_their_way - troubles[Trouble.OPEN]:
        yield Headline(
            tone="plain", text=_items(number, "is waiting for its backup", "are waiting for their backups")
        )


def _troubles(made: Made) -> Mapping[Trouble, int]:
    return Counter(row.trouble for row in made.dashboard.rows if not row.item.is_vault)


def notes(snapshot: Snapshot) -> Sequence[str]:
    """What a reader has to know of how much the page knows."""
    if snapshot.made is None:
        what = (
            f"it does not answer: {snapshot.problem}"
            if snapshot.problem
            else "this page refreshes automatically"
        )
        return [f"The ledger is being read; {what}."]
    found = [_unreadable(snapshot.made.unreadable)] if snapshot.made.unreadable else []
    found += [f"{each.sentence} {MISSING_ALERTS}" for each in snapshot.made.alerts if each.are_missing]
    if snapshot.problem and snapshot.read_at:
        age = labels.duration((snapshot.now - snapshot.read_at).total_seconds())
        found.append(
            f"The ledger does not answer; this page shows its data of {age} ago. ({snapshot.problem})"
        )
    if snapshot.made.estate_problem and snapshot.made.estate_at is None:
        found.append(
            "Resource Graph does not answer: only failures are shown, completed backups are unknown. "
            f"({snapshot.made.estate_problem})"
        )
    elif snapshot.made.estate_problem and snapshot.made.estate_at:
        age = labels.duration((snapshot.now - snapshot.made.estate_at).total_seconds())
        found.append(f"Resource Graph does not answer; completed backups are shown as of {age} ago.")
    if vaults := sorted(snapshot.made.dashboard.policies_unread):
        found.append(_policies_unread(vaults))
    return found


def _policies_unread(vaults: Sequence[str]) -> str:
    named = ", ".join(each.rpartition("/")[2] for each in vaults[:_NAMED])
    more = f" and {len(vaults) - _NAMED:,} more" if len(vaults) > _NAMED else ""
    return (
        f"The backup policies of {named}{more} cannot be read. Their items count as overdue when the last backup "
        "failed or is older than any policy allows."
    )


def _unreadable(rows: Sequence[UnreadableRow]) -> str:
    named = "; ".join(str(row) for row in rows[:_NAMED])
    more = f"; and {len(rows) - _NAMED:,} more" if len(rows) > _NAMED else ""
    return (
        f"{_rows(len(rows))} cannot be read by this version. The items concerned are neither retried nor "
        f"closed until it is fixed or removed:  {named}{more}."
    )


def _rows(number: int) -> str:
    return "1 row of the ledger" if number == 1 else f"{number:,} rows of the ledger"


def scope_name(pause: Pause, dashboard: Dashboard) -> str:
    """What a pause is about, in a person's labels."""
    if not pause.scope:
        return "everywhere"
    known = dashboard.subscriptions.get(pause.scope.lower())
    return f"in subscription {known}" if known else f"in {pause.scope.rsplit('/', 1)[-1]}"


def _blocked(vaults: Sequence[str]) -> str:
    return (
        f"Vault {vaults[0]} cannot be read." if len(vaults) == 1 else f"{len(vaults)} vaults cannot be read."
    )


def _items(number: int, one: str, many: str) -> str:
    return f"1 item {one}." if number == 1 else f"{number:,} items {many}."
