"""Reports from Azure Table Storage: the index of open incidents, and the journal by day."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from azure.core.exceptions import ResourceNotFoundError

from backup_retry.azure import table_rows as rows
from backup_retry.azure.client import azure_errors
from backup_retry.azure.table_ledger import CONTROL, JOURNAL, OPEN
from backup_retry.domain.arm_ids import ProtectedItem, subject_of
from backup_retry.domain.jobs import Outcome, Reason, Source
from backup_retry.policy.storm import Storm
from backup_retry.ports.reports import Closed, Opened

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient, TableServiceClient

Value = TypeVar("Value")
_AT_ONCE = 16
#: small, so that events and other looks are served between the pages of a long journal
_PAGE = 250
_PARTITION = "PartitionKey eq @partition"


class TableReports:
    """The port `report.Reports` on Table Storage."""

    def __init__(self, service: "TableServiceClient") -> None:
        self._open = service.get_table_client(OPEN)
        self._journal = service.get_table_client(JOURNAL)
        self._control = service.get_table_client(CONTROL)

    async def opened(self) -> Sequence[Opened]:
        """See Reports; one request for 250 incidents."""
        found = _query(self._open, _PARTITION, {"partition": OPEN})
        return [each async for row in found if (each := _read(_read_opened, row))]

    async def closed(self, day: date) -> Sequence[Closed]:
        """See Reports; one request for 250 incidents."""
        found = _query(self._journal, _PARTITION, {"partition": day.isoformat()})
        return [each async for row in found if (each := _read(_read_closed, row))]

    async def storms(self) -> Sequence[Storm]:
        """See Reports; one request."""
        query = f"{_PARTITION} and RowKey ge 'storm-' and RowKey lt 'storm.'"
        found = _query(self._control, query, {"partition": CONTROL})
        return [each async for row in found if (each := _read(_read_storm, row))]

    async def beats(self) -> Mapping[str, datetime]:
        """See Reports; one request."""
        query = f"{_PARTITION} and RowKey ge 'beat-' and RowKey lt 'beat.'"
        found = _query(self._control, query, {"partition": CONTROL})
        return dict([each async for row in found if (each := _read(_read_beat, row))])

    async def find(self, incident_id: str, days: Sequence[date]) -> Opened | Closed | None:
        """See Reports; one request for the index, and one for each day until it is found, newest first."""
        query = f"{_PARTITION} and incident eq @incident"
        parameters = {"partition": OPEN, "incident": incident_id}
        if found := [row async for row in _query(self._open, query, parameters)]:
            return _read(_read_opened, found[0])
        for some in _groups(sorted(days, reverse=True), _AT_ONCE):
            read = await asyncio.gather(*(self._journal_row(day, incident_id) for day in some))
            for row in filter(None, read):
                return _read(_read_closed, row)
        return None

    async def _journal_row(self, day: date, incident_id: str) -> Mapping[str, Any] | None:
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError):
                return await self._journal.get_entity(day.isoformat(), incident_id)
        return None


def _read(reader: Callable[[Mapping[str, Any]], Value | None], row: Mapping[str, Any]) -> Value | None:
    """None for a row that was written by hand, or by a version that knows more: a report goes on without it."""
    try:
        return reader(row)
    except (KeyError, ValueError):
        return None


def _read_storm(row: Mapping[str, Any]) -> Storm:
    return rows.read_storm(row, version="")


def _read_beat(row: Mapping[str, Any]) -> tuple[str, datetime]:
    return row["RowKey"].removeprefix("beat-"), rows.time(row["at"])


def _read_closed(row: Mapping[str, Any]) -> Closed | None:
    """The report that a journal's row holds; None for a row that names no item."""
    item = _item(row["item"])
    if item is None:
        return None
    return Closed(
        incident_id=row["RowKey"],
        item=item,
        found_by=Source(row["found_by"]),
        first_job_id=row["first_job"],
        first_failed_at=rows.time(row["first_failed_at"]),
        error=row["error"],
        last_error=row["last_error"],
        attempts=row["attempts"],
        outcome=Outcome(row["outcome"]),
        reason=Reason(row["reason"]),
        detail=row["detail"],
        opened_at=rows.time(row["opened_at"]),
        closed_at=rows.time(row["closed_at"]),
        last_good_at=rows.time(row["last_good_at"]) if "last_good_at" in row else None,
    )


def _read_opened(row: Mapping[str, Any]) -> Opened | None:
    """The open incident that a row of the index names; None for a row that names no item."""
    item = _item(row["item"])
    return Opened(incident_id=row["incident"], item=item, at=rows.time(row["at"])) if item else None


async def _query(
    table: "TableClient", query: str, parameters: dict[str, str]
) -> AsyncIterator[dict[str, Any]]:
    async with azure_errors("ledger"):
        found = table.query_entities(query, parameters=parameters, results_per_page=_PAGE)
        async for page in found.by_page():
            for row in [row async for row in page]:
                yield row
            await asyncio.sleep(0)


@lru_cache(maxsize=20_000)
def _item(arm_id: str) -> ProtectedItem | None:
    """An item stands in the journal once for each of its incidents."""
    return subject_of(arm_id)


def _groups(days: Sequence[date], size: int) -> Iterator[Sequence[date]]:
    return (days[begin : begin + size] for begin in range(0, len(days), size))
