"""Reports from Azure Table Storage: the index of open incidents, and the journal by day."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import (
    CONTROL_PARTITION,
    beat_key,
    read_beat,
    read_left_open,
    read_storm,
)
from backup_retry.azure.history_rows import COUNT, read_count
from backup_retry.azure.report_rows import OPEN_PARTITION, is_closed, read_closed, read_opened
from backup_retry.azure.table_quarantine import Quarantine, Reader, Value
from backup_retry.azure.table_unreadable import SUMMARY, counts_in
from backup_retry.azure.tables import CONTROL, JOURNAL, OPEN, get
from backup_retry.azure.tables import query as rows_of
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import Beat, LeftOpen
from backup_retry.ports.reports import Closed, Health, Opened

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient, TableServiceClient

_AT_ONCE = 16
#: small, so that events and other looks are served between the pages of a long journal
_PAGE = 250
_PARTITION = "PartitionKey eq @partition"
_BEATS = "RowKey ge 'beat-' and RowKey lt 'beat.'"


class TableReports:
    """The port `report.Reports` on Table Storage; a report goes on without a row that cannot be read."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._tables = {name: service.get_table_client(name) for name in (OPEN, JOURNAL, CONTROL)}
        self._quarantine = quarantine or Quarantine()

    async def opened(self) -> Sequence[Opened]:
        """See Reports; one request for 250 incidents."""

        def reader(row: Mapping[str, Any]) -> Opened | None:
            return None if is_closed(row) else read_opened(row)

        found = await self._read(reader, OPEN, _PARTITION, {"partition": OPEN_PARTITION})
        return [each for each in found if each is not None]

    async def closed(self, day: date) -> Sequence[Closed]:
        """See Reports; one request for 250 incidents."""
        return await self._read(read_closed, JOURNAL, _PARTITION, {"partition": day.isoformat()})

    async def storms(self) -> Sequence[Storm]:
        """See Reports; one request."""
        query = f"{_PARTITION} and RowKey ge 'storm-' and RowKey lt 'storm.'"
        return await self._read(read_storm, CONTROL, query, {"partition": CONTROL_PARTITION})

    async def beats(self) -> Mapping[str, datetime]:
        """See Reports; one request."""
        query = f"{_PARTITION} and {_BEATS}"
        return dict(await self._read(read_beat, CONTROL, query, {"partition": CONTROL_PARTITION}))

    async def health(self) -> Health:
        """See Reports; one request for a few rows of one partition."""
        query = f"{_PARTITION} and (({_BEATS}) or RowKey eq '{SUMMARY}' or RowKey eq '{COUNT}')"
        found = await rows_of(self._tables[CONTROL], query, {"partition": CONTROL_PARTITION})
        by_key = {str(row["RowKey"]): row for row in found}
        summary, counted = by_key.pop(SUMMARY, {}), by_key.pop(COUNT, None)
        beats = [self._quarantine.read(read_beat, CONTROL, row) for row in by_key.values()]
        followed = by_key.get(beat_key(Beat.FOLLOW_UP), {})
        return Health(
            beats=dict(beat for beat in beats if beat is not None),
            left=(self._quarantine.read(read_left_open, CONTROL, followed) if followed else None)
            or LeftOpen(),
            unreadable_rows=counts_in(summary),
            protection=self._quarantine.read(read_count, CONTROL, counted) if counted else None,
        )

    async def find(self, incident_id: str, days: Sequence[date]) -> Opened | Closed | None:
        """See Reports; one request for the index, and one for each day until it is found, newest first."""
        query = f"{_PARTITION} and incident eq @incident"
        parameters = {"partition": OPEN_PARTITION, "incident": incident_id}
        if opened := await self._read(read_opened, OPEN, query, parameters):
            return opened[0]
        for some in _groups(sorted(days, reverse=True), _AT_ONCE):
            found = await asyncio.gather(*(self._closed_on(day, incident_id) for day in some))
            for closed in filter(None, found):
                return closed
        return None

    async def _closed_on(self, day: date, incident_id: str) -> Closed | None:
        row = await get(self._tables[JOURNAL], day.isoformat(), incident_id)
        return self._quarantine.read(read_closed, JOURNAL, row) if row else None

    async def _read(
        self, reader: Reader[Value], table: str, query: str, parameters: dict[str, str]
    ) -> list[Value]:
        found = _query(self._tables[table], query, parameters)
        values = [self._quarantine.read(reader, table, row) async for row in found]
        return [value for value in values if value is not None]


async def _query(
    table: "TableClient", query: str, parameters: dict[str, str]
) -> AsyncIterator[dict[str, Any]]:
    async with azure_errors("ledger"):
        found = table.query_entities(query, parameters=parameters, results_per_page=_PAGE)
        async for page in found.by_page():
            for row in [row async for row in page]:
                yield row
            await asyncio.sleep(0)


def _groups(days: Sequence[date], size: int) -> Iterator[Sequence[date]]:
    return (days[begin : begin + size] for begin in range(0, len(days), size))
