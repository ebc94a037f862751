"""The port `protection_history.ProtectionHistory` on Table Storage: a partition of the table `control`."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.history_rows import HISTORY_PARTITION, count_row, day_key, day_row, read_day
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.tables import CONTROL, query
from backup_retry.domain.protected_days import ProtectionCount, VaultDay

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

#: a transaction holds a hundred operations and 4 MiB
_TRANSACTION = 50
_PARTITION = "PartitionKey eq @partition"


class TableHistory:
    """One request for the rows of some days, and one for fifty that are stored."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._table = service.get_table_client(CONTROL)
        self._quarantine = quarantine or Quarantine()

    async def days(self, since: date) -> Sequence[VaultDay]:
        """See ProtectionHistory."""
        wanted = f"{_PARTITION} and RowKey ge @first and RowKey lt 'day.'"
        found = await query(
            self._table, wanted, {"partition": HISTORY_PARTITION, "first": f"day-{since.isoformat()}"}
        )
        read = (self._quarantine.read(read_day, CONTROL, row) for row in found)
        return [each for each in read if each is not None]

    async def keep(self, days: Sequence[VaultDay]) -> None:
        """See ProtectionHistory; a row that another version wrote is left as it is."""
        read = [
            each for each in days if (CONTROL, HISTORY_PARTITION, day_key(each)) not in self._quarantine.rows
        ]
        async with azure_errors("ledger"):
            for begin in range(0, len(read), _TRANSACTION):
                some = read[begin : begin + _TRANSACTION]
                await self._table.submit_transaction(
                    [("upsert", day_row(each), {"mode": UpdateMode.REPLACE}) for each in some]
                )

    async def forget(self, before: date) -> None:
        """See ProtectionHistory; by their keys, whether they can be read or not."""
        wanted = f"{_PARTITION} and RowKey ge 'day-' and RowKey lt @end"
        parameters = {"partition": HISTORY_PARTITION, "end": f"day-{before.isoformat()}"}
        found = await query(self._table, wanted, parameters, select=["PartitionKey", "RowKey"])
        async with azure_errors("ledger"):
            for begin in range(0, len(found), _TRANSACTION):
                some = found[begin : begin + _TRANSACTION]
                await self._table.submit_transaction([("delete", dict(row)) for row in some])

    async def count(self, count: ProtectionCount) -> None:
        """See ProtectionHistory."""
        async with azure_errors("ledger"):
            await self._table.upsert_entity(count_row(count), mode=UpdateMode.REPLACE)
