"""`backup-retry status`: is everything protected, and is the app running?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import typer

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.incident import Incident
from backup_retry.domain.labels import OUTCOMES, STATES, duration, reason
from backup_retry.domain.pauses import Pause
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.policy.storm import Storm
from backup_retry.ports.inbox import COUNTED, Waiting
from backup_retry.ports.reports import Closed
from backup_retry.settings.timer_status import Timer, TimerState, timers
from cli import json_documents as documents
from cli.exit_codes import Exit, run
from cli.journal import Days, closed_within
from cli.output import Document, JsonOption, facts, say, show, table
from cli.pause import in_words
from cli.protected import Protected, protected_as_far_as_known
from cli.session import Session, sessions
from cli.timer_line import standing

_STORM_AGE = timedelta(days=1)
_UNWELL = {
    TimerState.LATE: "is overdue",
    TimerState.STOPPED: "timer has stopped",
    TimerState.DIED: "keeps failing",
    TimerState.INCOMPLETE: "did not complete",
}


@dataclass(frozen=True, kw_only=True)
class Status:
    """What `status` shows."""

    now: datetime
    days: int
    opened: Sequence[Incident]
    closed: Sequence[Closed]
    waiting: Waiting
    timers: Sequence[Timer]
    pauses: Sequence[Pause]
    storms: Sequence[Storm]
    protected: Protected
    dry_run: bool
    unsent: UnsentNotices | None = None

    @property
    def needs_a_person(self) -> Sequence[Closed]:
        """The items whose latest incident ended without a backup and that nothing has happened to since."""
        latest = {each.item.key: each for each in sorted(self.closed, key=lambda each: each.closed_at)}
        again = {incident.item.key for incident in self.opened}
        return [each for key, each in latest.items() if each.needs_a_person and key not in again]

    @property
    def waits_for_a_person(self) -> Sequence[Incident]:
        """Open incidents that operators were notified of: they continue automatically once somebody has acted."""
        return [each for each in self.opened if each.told_of and not each.is_acknowledged(self.now)]

    @property
    def approvals(self) -> Sequence[Incident]:
        """Those of them that wait for `approve` or `dismiss`."""
        return [each for each in self.waits_for_a_person if each.awaits_approval]

    @property
    def unwell_timers(self) -> Sequence[Timer]:
        """What the app itself does not do as it should."""
        return [each for each in self.timers if each.needs_a_person]

    @property
    def exit(self) -> Exit:
        """Somebody has to act, on an item or on the app itself; else whether Azure says enough to call it well."""
        told = self.needs_a_person or self.waits_for_a_person or self.protected.missed
        if told or self.unwell_timers or self.unsent:
            return Exit.NEEDS_A_PERSON
        return Exit.NO_ANSWER if self.protected.problem else Exit.WELL


def status(ctx: typer.Context, days: Days = 7, as_json: JsonOption = False) -> None:
    """Show what requires action. Also lists what is open and whether the app is running."""
    found = run(_gather(ctx, days))
    show(document(found), as_json, lambda: render(found))
    raise typer.Exit(found.exit)


async def _gather(ctx: typer.Context, days: int) -> Status:
    async with sessions(ctx).open() as session:
        return await look(session, days)


async def look(session: Session, days: int) -> Status:
    """Read the ledger, and from Azure what is protected."""
    now = session.clock()
    opened = [each for each in await session.ledger.open_incidents() if each.is_open]
    storms = await session.reports.storms()
    return Status(
        now=now,
        days=days,
        opened=opened,
        closed=[each.at(now) for each in await closed_within(session, days)],
        waiting=await session.inbox.waiting(COUNTED),
        timers=timers(session.settings, await session.reports.beats(), now),
        pauses=[each for each in await session.ledger.pauses() if not each.is_over(now)],
        storms=[each for each in storms if each.released_at is None and now - each.began_at < _STORM_AGE],
        protected=await protected_as_far_as_known(session),
        dry_run=session.settings.dry_run,
        unsent=await session.unsent.unsent(),
    )


def document(found: Status) -> Document:
    """The JSON."""
    outcomes = Counter(each.outcome for each in found.closed)
    return {
        "well": found.exit is Exit.WELL,
        "summary": sentence(found),
        "unprotected": found.protected.unprotected,
        "protection_problem": found.protected.problem or None,
        "approvals_waiting": len(found.approvals),
        "dry_run": found.dry_run,
        "open": dict(Counter(each.state.value for each in found.opened)),
        "closed": {outcome.value: outcomes[outcome] for outcome in Outcome},
        "days": found.days,
        "needs_a_person": [documents.of_closed(each) for each in found.needs_a_person],
        "waits_for_a_person": [documents.of_incident(each) for each in found.waits_for_a_person],
        "pauses": [documents.of_pause(each) for each in found.pauses],
        "storms": [documents.of_storm(each) for each in found.storms],
        "signals": found.waiting.document,
        "unsent_notices": found.unsent.document if found.unsent else None,
        "runs": {each.function: each.document for each in found.timers},
    }


def render(found: Status) -> None:
    """For a person."""
    say(sentence(found), style="bold")
    say()
    facts(_facts(found))
    if rows := _action_required(found):
        say()
        table(["item", "vault", "error", "since", "what to do"], rows, title="Action required")


def _facts(found: Status) -> list[tuple[str, object]]:
    states = Counter(each.state for each in found.opened)
    outcomes = Counter(each.outcome for each in found.closed)
    open_now = ", ".join(f"{number} {STATES[state].lower()}" for state, number in states.items())
    unprotected = found.protected.unprotected
    return [
        ("Unprotected", "unknown" if unprotected is None else unprotected),
        ("Open", f"{len(found.opened)}" + (f": {open_now}" if open_now else "")),
        *([("Waiting for approval", len(found.approvals))] if found.approvals else []),
        *_signals(found),
        *_unsent(found),
        *((OUTCOMES[each], f"{outcomes[each]} in {found.days} days") for each in Outcome),
        *((f"Last {each.name}", _run(each, found.now)) for each in found.timers),
        *(
            ("Paused" if each.in_force(found.now) else "Pause scheduled", in_words(each))
            for each in found.pauses
        ),
        *(("Failure storm", f"{each.size} items of {each.vault.name}: {each.code}") for each in found.storms),
    ]


def _action_required(found: Status) -> list[tuple[object, ...]]:
    waiting = [
        (
            each.item.friendly_name,
            each.item.vault.name,
            each.failure.error.label,
            each.waits_since or each.opened_at,
            each.detail or reason(each.reason),
        )
        for each in found.waits_for_a_person
    ]
    closed = [
        (
            each.item.friendly_name,
            each.item.vault.name,
            each.last_error,
            each.closed_at,
            each.detail or reason(each.reason),
        )
        for each in found.needs_a_person
    ]
    return [*waiting, *closed]


def sentence(found: Status) -> str:
    """Whether anything requires action, in one sentence."""
    approvals = len(found.approvals)
    attention = len(found.needs_a_person) + len(found.waits_for_a_person) - approvals
    wrong = [
        *_counted(attention, "item needs", "items need", "your attention"),
        *_counted(approvals, "retry waits", "retries wait", "for your approval"),
        *_counted(found.protected.missed, "item is", "items are", "unprotected without an open incident"),
        *(f"the {each.name} {_UNWELL[each.state]}" for each in found.unwell_timers),
        *([f"{found.unsent} could not be sent"] if found.unsent else []),
    ]
    if wrong:
        return f"Action required: {'; '.join([*wrong, *_doubts(found)])}."
    return f"{_well(found)}{''.join(f'; but {each}' for each in _doubts(found))}."


def _well(found: Status) -> str:
    protected = found.protected
    if protected.problem:
        return f"No action required, but the protection state of the items is unknown ({protected.problem})"
    if not protected.judgements:
        return "No action required, but no protected item is visible to this identity"
    return f"Healthy: none of {len(protected.judgements)} items is unprotected, and the app is running"


def _doubts(found: Status) -> Sequence[str]:
    """What is as somebody wants it, and keeps the app from retrying."""
    paused = any(each.in_force(found.now) for each in found.pauses)
    return [*(["retries are paused"] if paused else []), *(["dry run is on"] if found.dry_run else [])]


def _counted(number: int, one: str, many: str, what: str) -> Sequence[str]:
    return [f"{number} {one if number == 1 else many} {what}"] if number else []


def _signals(found: Status) -> Sequence[tuple[str, str]]:
    """The deferred alerts; a line only where there are any."""
    if found.waiting.since is None:
        return []
    oldest = duration((found.now - found.waiting.since).total_seconds())
    why = "Azure did not answer in time; they are processed again"
    return [("Deferred alerts", f"{found.waiting.count}, oldest: {oldest}. {why}")]


def _unsent(found: Status) -> Sequence[tuple[str, str]]:
    if found.unsent is None:
        return []
    since = duration((found.now - found.unsent.since).total_seconds())
    answer = found.unsent.answer or "no response"
    return [("Unsent notices", f"{found.unsent.number:,}, oldest: {since}. Event Grid answered: {answer}")]


def _run(each: Timer, now: datetime) -> str:
    return standing(each, now) + (": `backup-retry check` shows how to fix it" if each.needs_a_person else "")
