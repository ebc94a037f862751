"""What of the ledger cannot be read, and its summary: one row of the table `control`."""

import asyncio
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import CONTROL_PARTITION
from backup_retry.azure.table_columns import Columns, Unreadable, json_text, new_row
from backup_retry.azure.table_quarantine import READERS, Key, Quarantine, kind_of
from backup_retry.azure.tables import CONTROL, TABLES, get, query
from backup_retry.domain.errors import BackupRetryError
from backup_retry.ports.dead_letters import DeadLetters
from backup_retry.ports.unreadable_rows import DEAD_LETTER, DEAD_LETTERS, UnreadableRow, dead_letter

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

SUMMARY = "unreadable"
#: so many are named in the summary; all that were found are counted
_NAMED = 50
_AT_ONCE = 16
_KNOWN = {*TABLES, DEAD_LETTERS}


class TableUnreadables:
    """The port `unreadable_rows.Unreadables` on Table Storage."""

    def __init__(
        self,
        service: "TableServiceClient",
        quarantine: Quarantine | None = None,
        dead_letters: DeadLetters | None = None,
    ) -> None:
        self._tables = {name: service.get_table_client(name) for name in TABLES}
        self._quarantine = quarantine or Quarantine()
        #: None: those that the summary names are believed to be there still
        self._dead_letters = dead_letters

    def add(self, row: UnreadableRow) -> None:
        """See Unreadables."""
        self._quarantine.remember((row.table, row.partition, row.key), row)

    async def found(self) -> Sequence[UnreadableRow]:
        """See Unreadables; one request for the controls and the summary, one for each row in question."""
        controls = await query(
            self._tables[CONTROL], "PartitionKey eq @partition", {"partition": CONTROL_PARTITION}
        )
        for row in controls:
            self._look_at(CONTROL, row)
        summary = next((row for row in controls if row["RowKey"] == SUMMARY), {})
        await self._look_again([*self._quarantine.rows, *_named(summary)])
        return sorted(self._quarantine.rows.values())

    async def sum_up(self) -> None:
        """See Unreadables; writes where something has changed."""
        found = await self.found()
        counts = Counter(row.kind for row in found)
        named = [[row.table, row.partition, row.key] for row in found[:_NAMED]]
        row = new_row(CONTROL_PARTITION, SUMMARY, counts=json_text(counts), rows=json_text(named))
        known = await get(self._tables[CONTROL], CONTROL_PARTITION, SUMMARY) or {
            "counts": "{}",
            "rows": "[]",
        }
        if any(row[name] != known.get(name) for name in ("counts", "rows")):
            async with azure_errors("ledger"):
                await self._tables[CONTROL].upsert_entity(row, mode=UpdateMode.REPLACE)

    async def _look_again(self, questioned: Sequence[Key]) -> None:
        """Forget what has been fixed or removed."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def look(key: Key) -> None:
            table, partition, row_key = key
            async with at_once:
                row = await get(self._tables[table], partition, row_key)
            if row is None:
                self._quarantine.rows.pop(key, None)
            else:
                self._look_at(table, row)

        letters = {key for key in questioned if key[0] == DEAD_LETTERS}
        await asyncio.gather(*(look(key) for key in set(questioned) - letters), self._look_for(letters))

    async def _look_for(self, letters: Collection[Key]) -> None:
        """One list says which of them somebody has removed."""
        there = {name for _, _, name in letters}
        if letters and self._dead_letters:
            with suppress(BackupRetryError):
                there = {each.name for each in await self._dead_letters.all()}
        for key in letters:
            if key[2] in there:
                self._quarantine.rows.setdefault(key, dead_letter(key[2], "not a readable event"))
            else:
                self._quarantine.rows.pop(key, None)

    def _look_at(self, table: str, row: Mapping[str, Any]) -> None:
        if reader := READERS.get(kind_of(table, row)):
            self._quarantine.read(reader, table, row)


def counts_in(summary: Mapping[str, Any]) -> Mapping[str, int]:
    """How many rows of each kind a summary counts; one that was written by hand counts none."""
    try:
        said = Columns(Columns(summary).mapping("counts", {}))
        return {kind: said.number(kind) for kind in said.names if kind in {*READERS, DEAD_LETTER}}
    except Unreadable:
        return {}


def _named(summary: Mapping[str, Any]) -> list[Key]:
    """The keys that a summary names; one that was written by hand names none."""
    try:
        named = json.loads(str(summary.get("rows", "[]")))
        return [(table, str(partition), str(key)) for table, partition, key in named if table in _KNOWN]
    except (TypeError, ValueError):
        return []
