"""The big numbers: what is so now, and what the last fourteen days were; each leads to its list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from backup_retry.domain.decisions import Outcome
from status.dashboard import Dashboard, Trouble
from status.filters import DRY_RUN, NO_ACCESS, Filters, Shown, outcome_of, state_of

#: how an incident ended, as the filters call it, in a person's words
ENDS = {
    Outcome.RECOVERED.value: "recovered by a retry",
    Outcome.RECOVERED_ELSEWHERE.value: "recovered by another backup",
    Outcome.NEEDS_ACTION.value: "action was required",
    Outcome.EXHAUSTED.value: "retries exhausted",
    Outcome.LEFT_ALONE.value: "no action taken",
    DRY_RUN: "would have been retried (dry run)",
}
_TONES = dict(zip(ENDS, ("good", "good", "bad", "bad", "plain", "busy"), strict=True))


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One of them."""

    number: int
    label: str
    #: bad, busy, good or plain; a number of nothing is always plain
    tone: str
    url: str


def tiles_of_now(dashboard: Dashboard, filters: Filters) -> Sequence[Tile]:
    """Items, each in one of these states; the headline counts the same."""
    number = Counter(state_of(row) for row in dashboard.rows)
    usual = [
        (Trouble.NEEDS_PERSON.value, "action required", "bad"),
        (Trouble.UNPROTECTED.value, "no recent recovery point", "bad"),
        (Trouble.OPEN.value, "in progress", "busy"),
    ]
    rare = [
        (NO_ACCESS, "vaults that cannot be read", "bad"),
        (Trouble.ACKNOWLEDGED.value, "acknowledged", "plain"),
    ]
    shown = [*usual, *(each for each in rare if number[each[0]])]
    return [
        _tile(number[state], label, tone, filters.everything.url(state=state, view="items"))
        for state, label, tone in shown
    ]


def tiles_of_14_days(dashboard: Dashboard, filters: Filters) -> Sequence[Tile]:
    """Incidents that were closed, by how they ended."""
    number = Counter(outcome_of(each) for each in dashboard.closed)
    return [
        _tile(
            number[outcome],
            ENDS[outcome],
            tone,
            filters.everything.url(show=Shown.INCIDENTS.value, outcome=outcome),
        )
        for outcome, tone in _TONES.items()
        if outcome != DRY_RUN or number[outcome]
    ]


def counts(dashboard: Dashboard) -> dict[str, int]:
    """The same numbers for programs, by the names that status.json has."""
    now = Counter(state_of(row) for row in dashboard.rows)
    ended = Counter(outcome_of(each) for each in dashboard.closed)
    needy = [row for row in dashboard.rows if state_of(row) == Trouble.NEEDS_PERSON]
    used_up = sum(
        bool(row.closed and not row.opened and row.closed.outcome is Outcome.EXHAUSTED) for row in needy
    )
    return {
        "need_a_person": len(needy) - used_up,
        "retries_used_up": used_up,
        "no_good_backup": now[Trouble.UNPROTECTED],
        "being_looked_after": now[Trouble.OPEN],
        "acknowledged": now[Trouble.ACKNOWLEDGED],
        "vaults_without_access": now[NO_ACCESS],
        "recovered_by_a_retry": ended[Outcome.RECOVERED],
        "recovered_without_us": ended[Outcome.RECOVERED_ELSEWHERE],
        "left_alone": ended[Outcome.LEFT_ALONE],
        "would_have_been_retried": ended[DRY_RUN],
    }


def _tile(number: int, label: str, tone: str, url: str) -> Tile:
    return Tile(number=number, label=label, tone=tone if number else "plain", url=url)
