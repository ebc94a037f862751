"""The port `known_vaults.SeenVaults`: what Resource Graph shows, and one row of the control table for each vault."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from azure.core.exceptions import ResourceNotFoundError
from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.control_rows import VAULT_PARTITION, read_seen_vault, seen_vault_row, vault_row_key
from backup_retry.azure.known_vaults import ids_of_vaults
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.tables import CONTROL, query
from backup_retry.domain.arm_ids import Vault
from backup_retry.ports.known_vaults import SeenVault

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

_TRANSACTION = 100


class TableVaults:
    """One request for a thousand vaults, and one for each hundred that are new."""

    def __init__(
        self, service: "TableServiceClient", graph: ResourceGraph, quarantine: Quarantine | None = None
    ) -> None:
        self._table = service.get_table_client(CONTROL)
        self._graph = graph
        self._quarantine = quarantine or Quarantine()

    async def shown(self) -> Sequence[Vault]:
        """See SeenVaults; one query."""
        found = (Vault.parse(arm_id) for arm_id in await ids_of_vaults(self._graph))
        return [vault for vault in found if vault is not None]

    async def seen(self) -> Sequence[SeenVault]:
        """See SeenVaults."""
        found = await query(self._table, "PartitionKey eq @partition", {"partition": VAULT_PARTITION})
        read = (self._quarantine.read(read_seen_vault, CONTROL, row) for row in found)
        return [each for each in read if each is not None]

    async def remember(self, vaults: Sequence[SeenVault]) -> None:
        """See SeenVaults; a row that another version wrote is left as it is."""
        read = [each for each in vaults if _place(each.vault) not in self._quarantine.rows]
        async with azure_errors("ledger"):
            for begin in range(0, len(read), _TRANSACTION):
                some = read[begin : begin + _TRANSACTION]
                await self._table.submit_transaction(
                    [("upsert", seen_vault_row(each), {"mode": UpdateMode.REPLACE}) for each in some]
                )

    async def forget(self, vault: Vault) -> None:
        """See SeenVaults."""
        async with azure_errors("ledger"):
            try:
                await self._table.delete_entity(VAULT_PARTITION, vault_row_key(vault))
            except ResourceNotFoundError:
                return


def _place(vault: Vault) -> tuple[str, str, str]:
    return CONTROL, VAULT_PARTITION, vault_row_key(vault)
