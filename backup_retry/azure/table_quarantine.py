"""Rows that cannot be read are set aside: remembered by their keys and logged once, while everything else goes on."""

import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from backup_retry.azure import cause_rows, control_rows, history_rows, report_rows
from backup_retry.azure import incident_rows as rows
from backup_retry.azure.table_columns import Unreadable
from backup_retry.azure.tables import JOURNAL, OPEN
from backup_retry.domain.errors import RowUnreadable
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.unreadable_rows import UnreadableRow

Value = TypeVar("Value")
Key = tuple[str, str, str]
Reader = Callable[[Mapping[str, Any]], Value]
#: who reads each kind of row
READERS: Mapping[str, Reader[object]] = {
    "head": rows.read_head,
    "attempt": rows.read_attempt,
    "step": rows.read_step,
    "notice": rows.read_notice,
    "line": rows.read_line,
    "open": report_rows.read_opened,
    "journal": report_rows.read_closed,
    "pause": control_rows.read_pause,
    "beat": control_rows.read_beat,
    "storm": control_rows.read_storm,
    "lease": control_rows.read_lease,
    "cause": cause_rows.read_cause,
    "unsent": control_rows.read_unsent,
    "signal": control_rows.read_signal,
    "vault": control_rows.read_seen_vault,
    "day": history_rows.read_day,
    "protection": history_rows.read_count,
    "arrival": control_rows.read_arrival,
}
#: a ledger full of them is named in part
_MOST = 1000


class Quarantine:
    """What one process has set aside; a row that can be read again is forgotten."""

    def __init__(self) -> None:
        self.rows: dict[Key, UnreadableRow] = {}

    def read(self, reader: Reader[Value], table: str, row: Mapping[str, Any]) -> Value | None:
        """What the row holds; None where it cannot be read."""
        try:
            return self.require(reader, table, row)
        except RowUnreadable:
            return None

    def require(self, reader: Reader[Value], table: str, row: Mapping[str, Any]) -> Value:
        """What the row holds.

        Raises:
            RowUnreadable: it cannot be read.
        """
        key = (table, row["PartitionKey"], row["RowKey"])
        try:
            value = reader(row)
        except Unreadable as error:
            found = UnreadableRow(
                table=table, partition=key[1], key=key[2], kind=kind_of(table, row), problem=str(error)
            )
            self.remember(key, found)
            raise RowUnreadable(f"this version cannot read the ledger row {found}") from error
        self.rows.pop(key, None)
        return value

    def remember(self, key: Key, found: UnreadableRow) -> None:
        """Set one aside, and say so in the log the first time."""
        if self.rows.get(key) == found or len(self.rows) >= _MOST:
            return
        self.rows[key] = found
        log_event(LogEvent.ROW_UNREADABLE, level=logging.WARNING, **found.document)


def kind_of(table: str, row: Mapping[str, Any]) -> str:
    """What kind of row it is, see READERS; for one that is none of them, how its key begins."""
    if table in {OPEN, JOURNAL}:
        return table
    if row["PartitionKey"] == control_rows.SIGNAL_PARTITION:
        return "signal"
    return str(row["RowKey"]).split("-", 1)[0]
