"""What is known of notices that could not be sent: one row of the table `control`."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import CONTROL_PARTITION, UNSENT, read_unsent, unsent_row
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.tables import CONTROL, get
from backup_retry.domain.unsent_notices import UnsentNotices

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient


class TableUnsentStore:
    """The port `unsent_notices.UnsentStore` on Table Storage."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._control = service.get_table_client(CONTROL)
        self._quarantine = quarantine or Quarantine()

    async def unsent(self) -> UnsentNotices | None:
        """See UnsentStore; one request."""
        row: Mapping[str, Any] | None = await get(self._control, CONTROL_PARTITION, UNSENT)
        return self._quarantine.read(read_unsent, CONTROL, row) if row else None

    async def save_unsent(self, unsent: UnsentNotices | None) -> None:
        """See UnsentStore; one request."""
        async with azure_errors("ledger"):
            if unsent is not None:
                await self._control.upsert_entity(unsent_row(unsent), mode=UpdateMode.REPLACE)
                return
            with suppress(ResourceNotFoundError):
                await self._control.delete_entity(CONTROL_PARTITION, UNSENT)
