"""What the app remembers of the night: its ledger, read as the app reads it."""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from backup_retry.azure.client import AzureClients
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.incident import Incident
from backup_retry.settings.loading import load_settings
from backup_retry.wiring import clock
from simulator.stack.run_info import RunInfo


class Morning:
    """The ledger, as somebody finds it in the morning."""

    def __init__(self, ledger: TableLedger) -> None:
        self._ledger = ledger

    async def incidents(self, item_ids: Sequence[str]) -> dict[str, Incident]:
        """The latest incident of each item that has one, by the item's id as it was asked for."""
        found = {}
        for item_id in item_ids:
            item = ProtectedItem.parse(item_id)
            incident = (await self._ledger.load(item)).incident if item else None
            if incident is not None:
                found[item_id] = incident
        return found


@asynccontextmanager
async def open_ledger(run: RunInfo) -> AsyncIterator[Morning]:
    """The ledger of a running stack; needs the stack's identity in the environment."""
    settings = load_settings({"ledger_endpoint": run.table_endpoint, "arm_endpoint": run.arm})
    trust = ssl.create_default_context(cafile=run.ca_file)
    async with AzureClients(settings, ssl_context=trust) as clients, clients.tables() as tables:
        yield Morning(TableLedger(tables, clock))
