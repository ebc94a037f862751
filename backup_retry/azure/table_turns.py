"""The leases of turns in Azure Table Storage: a row for each turn in the table `control`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from backup_retry.azure.control_rows import CONTROL_PARTITION, lease_key, lease_row, read_lease
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_writes import save_over, version_of
from backup_retry.azure.tables import CONTROL, get
from backup_retry.ports.turns import Lease

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient


class TableTurns:
    """The port `turns.Turns` on Table Storage; a lease that cannot be read is somebody's."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._control = service.get_table_client(CONTROL)
        self._quarantine = quarantine or Quarantine()

    async def lease(self, turn: str) -> Lease:
        """See Turns; one request."""
        row = await get(self._control, CONTROL_PARTITION, lease_key(turn))
        return self._read(row) if row is not None else Lease(turn=turn)

    async def save_lease(self, lease: Lease) -> Lease | None:
        """See Turns; one request, or two where the SDK had to repeat the first."""
        return await save_over(self._control, lease_row(lease), lease, self._read)

    def _read(self, row: Mapping[str, Any]) -> Lease:
        return replace(self._quarantine.require(read_lease, CONTROL, row), version=version_of(row))
