"""Signals that wait, as rows of the control table: one row for a signal, however often it came."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import (
    SIGNAL_PARTITION,
    deferred_row,
    read_signal,
    signal_fields,
    signal_row,
)
from backup_retry.azure.table_columns import Columns, Unreadable
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_writes import version_of
from backup_retry.azure.tables import CONTROL, get
from backup_retry.ports.inbox import DeferredSignal, Fields, Waiting

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_QUERY = "PartitionKey eq @partition"


class TableInbox:
    """The port `inbox.Inbox` on Table Storage; a signal that cannot be read waits, and is given to nobody."""

    def __init__(
        self,
        service: "TableServiceClient",
        clock: Callable[[], datetime],
        quarantine: Quarantine | None = None,
    ) -> None:
        self._table = service.get_table_client(CONTROL)
        self._clock = clock
        self._quarantine = quarantine or Quarantine()

    async def add(self, fields: Fields) -> None:
        """See Inbox; one request, or two for a signal that waits already."""
        row = signal_row(DeferredSignal(kept_at=self._clock(), fields=signal_fields(fields)))
        again = {key: row[key] for key in ("PartitionKey", "RowKey")} | {"came_again": row["kept_at"]}
        async with azure_errors("ledger"):
            while True:
                with suppress(ResourceExistsError):
                    await self._table.create_entity(row)
                    return
                with suppress(ResourceNotFoundError):  # somebody has just forgotten it
                    await self._table.update_entity(again, mode=UpdateMode.MERGE)
                    return

    async def due(self, most: int, *, by: datetime | None = None) -> Sequence[DeferredSignal]:
        """See Inbox."""
        found, by = list[DeferredSignal](), by or self._clock()
        async with azure_errors("ledger"):
            async for row in self._table.query_entities(_QUERY, parameters={"partition": SIGNAL_PARTITION}):
                signal = self._quarantine.read(read_signal, CONTROL, row)
                if signal and (signal.due is None or signal.due <= by):
                    found.append(replace(signal, version=str(row.metadata["etag"])))
                if len(found) == most:
                    break
        return found

    async def find(self, key: str) -> DeferredSignal | None:
        """See Inbox; one request."""
        row = await get(self._table, SIGNAL_PARTITION, key)
        signal = self._quarantine.read(read_signal, CONTROL, row) if row else None
        return replace(signal, version=version_of(row)) if signal else None

    async def waiting(self, most: int) -> Waiting:
        """See Inbox."""
        times: list[datetime | None] = []
        found = self._table.query_entities(
            _QUERY, parameters={"partition": SIGNAL_PARTITION}, select=["kept_at"], results_per_page=most
        )
        async with azure_errors("ledger"):
            async for row in found:
                times.append(_kept_at(row))
                if len(times) == most:
                    break
        return Waiting.of(times, most)

    async def defer(self, signal: DeferredSignal) -> None:
        """See Inbox; one request."""
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError, ResourceModifiedError):
                await self._table.update_entity(
                    deferred_row(signal), mode=UpdateMode.MERGE, **_unless_it_came_again(signal)
                )

    async def forget(self, signal: DeferredSignal) -> None:
        """See Inbox."""
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError, ResourceModifiedError):
                await self._table.delete_entity(SIGNAL_PARTITION, signal.key, **_unless_it_came_again(signal))


def _unless_it_came_again(signal: DeferredSignal) -> dict[str, Any]:
    return (
        {"etag": signal.version, "match_condition": MatchConditions.IfNotModified} if signal.version else {}
    )


def _kept_at(row: Any) -> datetime | None:  # noqa: ANN401 (a TableEntity)
    try:
        return Columns(row).maybe_time("kept_at")
    except Unreadable:
        return None
