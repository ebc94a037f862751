"""Signals that wait, as rows of the control table: one row for a signal, however often it came."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from backup_retry.azure import table_rows as rows
from backup_retry.azure.client import azure_errors
from backup_retry.azure.table_ledger import CONTROL
from backup_retry.ports.inbox import DeferredSignal, Fields, Waiting

if TYPE_CHECKING:
    from azure.data.tables import TableEntity
    from azure.data.tables.aio import TableServiceClient

_PARTITION = "signal"
_LONGEST_WHY = 1000


class TableInbox:
    """The port `inbox.Inbox` on Table Storage."""

    def __init__(self, service: "TableServiceClient", clock: Callable[[], datetime]) -> None:
        self._table = service.get_table_client(CONTROL)
        self._clock = clock

    async def keep(self, fields: Fields) -> None:
        """See Inbox; one request, or two for a signal that waits already."""
        kept = DeferredSignal(kept_at=self._clock(), fields=fields)
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": kept.key,
            "kept_at": rows.text(kept.kept_at),
            "signal": json.dumps(dict(fields), ensure_ascii=False),
        }
        again = {key: row[key] for key in ("PartitionKey", "RowKey")} | {"came_again": row["kept_at"]}
        async with azure_errors("ledger"):
            while True:
                with suppress(ResourceExistsError):
                    await self._table.create_entity(row)
                    return
                with suppress(ResourceNotFoundError):  # somebody has just forgotten it
                    await self._table.update_entity(again, mode=UpdateMode.MERGE)
                    return

    async def kept(self, most: int) -> Sequence[DeferredSignal]:
        """See Inbox."""
        found: list[DeferredSignal] = []
        query, partition = "PartitionKey eq @partition", {"partition": _PARTITION}
        now = self._clock()
        async with azure_errors("ledger"):
            async for row in self._table.query_entities(query, parameters=partition):
                kept = _read(row)
                if kept.due is None or kept.due <= now:
                    found.append(kept)
                if len(found) == most:
                    break
        return found

    async def waiting(self, most: int) -> Waiting:
        """See Inbox."""
        times: list[datetime] = []
        query, partition = "PartitionKey eq @partition", {"partition": _PARTITION}
        found = self._table.query_entities(
            query, parameters=partition, select=["kept_at"], results_per_page=most
        )
        async with azure_errors("ledger"):
            async for row in found:
                times.append(rows.time(row["kept_at"]))
                if len(times) == most:
                    break
        return Waiting.of(times, most)

    async def defer(self, kept: DeferredSignal) -> None:
        """See Inbox; one request."""
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": kept.key,
            "looks": kept.looks,
            "why": kept.why[:_LONGEST_WHY],
        }
        row |= {"due": rows.text(kept.due)} if kept.due else {}
        row |= {"told_at": rows.text(kept.told_at)} if kept.told_at else {}
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError, ResourceModifiedError):
                await self._table.update_entity(row, mode=UpdateMode.MERGE, **_unless_it_came_again(kept))

    async def forget(self, kept: DeferredSignal) -> None:
        """See Inbox."""
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError, ResourceModifiedError):
                await self._table.delete_entity(_PARTITION, kept.key, **_unless_it_came_again(kept))


def _read(row: "TableEntity") -> DeferredSignal:
    """A row of the inbox; one of version 0.1.0 has none of the columns about looks."""
    due, told_at = row.get("due"), row.get("told_at")
    return DeferredSignal(
        kept_at=rows.time(row["kept_at"]),
        fields=json.loads(row["signal"]),
        looks=row.get("looks", 0),
        why=row.get("why", ""),
        due=rows.time(due) if due else None,
        told_at=rows.time(told_at) if told_at else None,
        version=str(row.metadata["etag"]),
    )


def _unless_it_came_again(kept: DeferredSignal) -> dict[str, Any]:
    return {"etag": kept.version, "match_condition": MatchConditions.IfNotModified} if kept.version else {}
