"""Signals that wait, as rows of the control table: one row for a signal, however often it came."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from backup_retry.azure import rows
from backup_retry.azure.client import azure_errors
from backup_retry.azure.table_ledger import CONTROL
from backup_retry.inbox import Fields, Kept, Waiting

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_PARTITION = "signal"


class TableInbox:
    """The port `inbox.Inbox` on Table Storage."""

    def __init__(self, service: "TableServiceClient", clock: Callable[[], datetime]) -> None:
        self._table = service.get_table_client(CONTROL)
        self._clock = clock

    async def keep(self, fields: Fields) -> None:
        """See Inbox; one request."""
        kept = Kept(kept_at=self._clock(), fields=fields)
        row = {
            "PartitionKey": _PARTITION,
            "RowKey": kept.key,
            "kept_at": rows.text(kept.kept_at),
            "signal": json.dumps(dict(fields), ensure_ascii=False),
        }
        async with azure_errors("ledger"):
            with suppress(ResourceExistsError):
                await self._table.create_entity(row)

    async def kept(self, most: int) -> Sequence[Kept]:
        """See Inbox."""
        found: list[Kept] = []
        query, partition = "PartitionKey eq @partition", {"partition": _PARTITION}
        async with azure_errors("ledger"):
            async for row in self._table.query_entities(query, parameters=partition):
                found.append(Kept(kept_at=rows.time(row["kept_at"]), fields=json.loads(row["signal"])))
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

    async def forget(self, kept: Kept) -> None:
        """See Inbox."""
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError):
                await self._table.delete_entity(_PARTITION, kept.key)
