"""The leases of turns in Azure Table Storage: a row for each turn in the table `control`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import CONTROL_PARTITION, lease_key, lease_row, read_lease
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_writes import Write, version_of
from backup_retry.azure.tables import CONTROL, get
from backup_retry.ports.turns import Lease

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_TAKEN = (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)


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
        write = Write.over(lease.version)
        row = lease_row(lease) | write.column
        async with azure_errors("ledger"):
            try:
                answer = await (
                    self._control.update_entity(row, **write.condition)
                    if write.etag
                    else self._control.create_entity(row)
                )
            except _TAKEN:
                found = await get(self._control, CONTROL_PARTITION, lease_key(lease.turn))
                return self._read(found) if found is not None and write.made(found) else None
        return replace(lease, version=write.version(str(answer["etag"])))

    def _read(self, row: Mapping[str, Any]) -> Lease:
        return replace(self._quarantine.require(read_lease, CONTROL, row), version=version_of(row))
