"""The port `arrivals.Arrivals` on the ledger's table `control`: a row for each vault and kind."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import ARRIVAL_PARTITION, arrival_row, read_arrival
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.tables import CONTROL, query
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind, Arrival

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

#: in a storm of alerts a process writes one row and not a thousand
_NEWS_AFTER = timedelta(minutes=5)


class TableArrivals:
    """One request for what is news, and one for each thousand that are read."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._control = service.get_table_client(CONTROL)
        self._quarantine = quarantine or Quarantine()
        self._noted: dict[tuple[str, AlertKind], datetime] = {}

    async def note(self, vault: Vault, kind: AlertKind, at: datetime) -> None:
        """See Arrivals; a test is always news."""
        known = self._noted.get((vault.key, kind))
        if known is not None and kind is not AlertKind.TEST and at - known < _NEWS_AFTER:
            return
        row = arrival_row(Arrival(vault=vault, kind=kind, at=at))
        async with azure_errors("ledger"):
            await self._control.upsert_entity(row, mode=UpdateMode.REPLACE)
        self._noted[vault.key, kind] = at

    async def all(self) -> Sequence[Arrival]:
        """See Arrivals."""
        found = await query(self._control, "PartitionKey eq @partition", {"partition": ARRIVAL_PARTITION})
        read = (self._quarantine.read(read_arrival, CONTROL, row) for row in found)
        return [each for each in read if each is not None]
