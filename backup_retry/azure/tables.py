"""The ledger's four tables by their names, and how they are read."""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import ResourceNotFoundError

from backup_retry.azure.client import azure_errors
from backup_retry.azure.json_fields import required

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

INCIDENTS, OPEN, JOURNAL, CONTROL = "incidents", "open", "journal", "control"
TABLES = (INCIDENTS, OPEN, JOURNAL, CONTROL)


async def query(
    table: "TableClient", query: str, parameters: Mapping[str, str], select: list[str] | None = None
) -> list[Mapping[str, Any]]:
    """Every row of the query."""
    async with azure_errors("ledger"):
        return [row async for row in table.query_entities(query, parameters=dict(parameters), select=select)]


async def get(table: "TableClient", partition: str, key: str) -> Mapping[str, Any] | None:
    """One row, or None."""
    async with azure_errors("ledger"):
        with suppress(ResourceNotFoundError):
            row = await table.get_entity(partition, key)
            required(row, "RowKey")
            return row
    return None
