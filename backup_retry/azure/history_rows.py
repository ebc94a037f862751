"""What is kept of protection, as rows of the table `control`, and back."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Any

from backup_retry.azure.control_rows import CONTROL_PARTITION
from backup_retry.azure.table_columns import Columns, Row, Unreadable, json_text, new_row, written
from backup_retry.domain.protected_days import MARK, ProtectionCount, VaultDay
from backup_retry.domain.protection import Protection

HISTORY_PARTITION = "protection"
COUNT = "protection"
#: marks of that many items fill a column; a vault has fewer
_MOST = 5_000
#: items that never had a point are remembered by time, which takes more room
_MOST_WAITING = 700


def day_row(day: VaultDay) -> Row:
    """A vault's day."""
    waiting = {mark: written(at) for mark, at in list(day.waiting.items())[:_MOST_WAITING]}
    return new_row(
        HISTORY_PARTITION,
        day_key(day),
        vault=day.vault.id,
        day=day.day.isoformat(),
        kept=_joined(day.kept),
        missed=_joined(day.missed),
        waiting=json_text(waiting),
    )


def day_key(day: VaultDay) -> str:
    """The row key of a vault's day: days are in order."""
    return f"day-{day.day.isoformat()}-{sha256(day.vault.key.encode()).hexdigest()[:32]}"


def read_day(row: Mapping[str, Any]) -> VaultDay:
    """The day that a row holds."""
    columns = Columns(row)
    waiting = columns.mapping("waiting", {})
    times = Columns(waiting)
    return VaultDay(
        vault=columns.vault("vault"),
        day=_day(columns.text("day")),
        kept=frozenset(_marks(columns.text("kept", ""))),
        missed=frozenset(_marks(columns.text("missed", ""))),
        waiting={mark: times.time(mark) for mark in waiting},
    )


def count_row(count: ProtectionCount) -> Row:
    """The last count."""
    states = {state.value: number for state, number in count.states.items()}
    return new_row(CONTROL_PARTITION, COUNT, at=written(count.at), states=json.dumps(states))


def read_count(row: Mapping[str, Any]) -> ProtectionCount:
    """The count that a row holds; a state that this version does not know is passed over."""
    columns = Columns(row)
    said = Columns(columns.mapping("states"))
    return ProtectionCount(
        at=columns.time("at"),
        states={state: number for state in Protection if (number := said.number(state.value, 0))},
    )


def _joined(marks: Iterable[str]) -> str:
    return "".join(sorted(marks)[:_MOST])


def _marks(text: str) -> Iterable[str]:
    if len(text) % MARK:
        raise Unreadable(f"its marks are {len(text)} characters")
    return (text[place : place + MARK] for place in range(0, len(text), MARK))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(f"column day contains {text!r:.80}") from error
