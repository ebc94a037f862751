"""Causes in the ledger's table `control`, and in a partition of their own there the notices that wait for them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from azure.data.tables import UpdateMode

from backup_retry.azure.cause_rows import HELD_PARTITION, cause_key, cause_row, held_key, held_row, read_cause
from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import CONTROL_PARTITION
from backup_retry.azure.incident_rows import read_notice
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_writes import save_over, version_of
from backup_retry.azure.tables import CONTROL, get, query
from backup_retry.domain.causes import Cause
from backup_retry.domain.notices import Notice

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient


class TableCauses:
    """The port `causes.Causes` on Table Storage."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._control = service.get_table_client(CONTROL)
        self._quarantine = quarantine or Quarantine()

    async def cause(self, key: str) -> Cause | None:
        """See Causes; one request."""
        row = await get(self._control, CONTROL_PARTITION, cause_key(key))
        return self._read(row) if row is not None else None

    async def save_cause(self, cause: Cause) -> Cause | None:
        """See Causes; one request, or two where the SDK had to repeat the first."""
        return await save_over(self._control, cause_row(cause), cause, self._read)

    async def hold(self, notice: Notice) -> None:
        """See Causes; one request."""
        async with azure_errors("ledger"):
            await self._control.upsert_entity(held_row(notice), mode=UpdateMode.REPLACE)

    async def held(self) -> Sequence[Notice]:
        """See Causes; one request for each thousand."""
        found = await query(self._control, "PartitionKey eq @partition", {"partition": HELD_PARTITION})
        read = [self._quarantine.read(read_notice, CONTROL, row) for row in found]
        return [notice for notice in read if notice is not None]

    async def release(self, notices: Sequence[Notice]) -> None:
        """See Causes; one request for each."""
        async with azure_errors("ledger"):
            await asyncio.gather(
                *(self._control.delete_entity(HELD_PARTITION, held_key(notice)) for notice in notices)
            )

    def _read(self, row: Mapping[str, Any]) -> Cause:
        return replace(self._quarantine.require(read_cause, CONTROL, row), version=version_of(row))
