"""What Table Storage holds of incidents that were closed long ago, and how it is forgotten.

The journal's partitions are days, so that the oldest are found without a look at the rest. An incident goes in steps
that may be repeated: what it wrote into its item's partition, the head last and only where it is still the item's
latest, then the journal's row that leads to it.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import TableTransactionError

from backup_retry.azure import incident_rows as rows
from backup_retry.azure.client import azure_errors
from backup_retry.azure.report_rows import read_purgeable
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.tables import INCIDENTS, JOURNAL
from backup_retry.domain.incident import State

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

Row = Mapping[str, Any]
_AT_ONCE = 8
_TRANSACTION = 100
_COLUMNS = ["PartitionKey", "RowKey", "incident", "job", "state"]
_TAKEN = (ResourceModifiedError, ResourceNotFoundError, TableTransactionError)


class TableArchive:
    """The port `ledger.Archive` on Table Storage."""

    def __init__(self, service: "TableServiceClient", quarantine: Quarantine | None = None) -> None:
        self._quarantine = quarantine or Quarantine()
        self._incidents = service.get_table_client(INCIDENTS)
        self._journal = service.get_table_client(JOURNAL)

    async def purge(self, before: datetime, most: int) -> int:
        """See Archive; one request where nothing is that old, about four for each incident that is."""
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(closed: Row) -> bool:
            async with at_once:
                return await self._forget(closed)

        async with azure_errors("ledger"):
            oldest = await self._oldest(before, most)
            return sum(await asyncio.gather(*(one(closed) for closed in oldest)))

    async def _oldest(self, before: datetime, most: int) -> Sequence[Row]:
        """What can be forgotten; a row that does not name its item stays, and keeps no other from going."""
        found: list[Row] = []
        day = {"day": f"{before.astimezone(UTC):%Y-%m-%d}"}
        entities = self._journal.query_entities(
            "PartitionKey lt @day",
            parameters=day,
            select=["PartitionKey", "RowKey", "item"],
            results_per_page=most,
        )
        async for row in entities:
            if self._quarantine.read(read_purgeable, JOURNAL, row) is not None:
                found.append(row)
            if len(found) == most:
                break
        return found

    async def _forget(self, closed: Row) -> bool:
        """False where the incident is in use again, or another worker is forgetting it."""
        partition = rows.partition(read_purgeable(closed))
        try:
            if not await self._forget_in(partition, closed["RowKey"]):
                return False
            await self._journal.delete_entity(closed["PartitionKey"], closed["RowKey"])
        except _TAKEN:
            return False
        return True

    async def _forget_in(self, partition: str, incident: str) -> bool:
        found = self._incidents.query_entities(
            "PartitionKey eq @partition", parameters={"partition": partition}, select=_COLUMNS
        )
        everything = [row async for row in found]
        own = [row for row in everything if row.get("incident") == incident]
        if any(_is_in_use(row) for row in own):
            return False
        gone = [row for row in own if row["RowKey"] != rows.HEAD] + _jobs_of(incident, everything)
        # The head goes last: until then the incident can be found here and forgotten again.
        operations = [("delete", row) for row in gone] + [
            ("delete", row, _unchanged(row)) for row in own if row["RowKey"] == rows.HEAD
        ]
        for begin in range(0, len(operations), _TRANSACTION):
            await self._incidents.submit_transaction(operations[begin : begin + _TRANSACTION])
        return True


def _is_in_use(row: Row) -> bool:
    """An open incident's head, or a notice or a line of the log that is still to be sent."""
    is_open = row["RowKey"] == rows.HEAD and row.get("state") != State.CLOSED
    return is_open or str(row["RowKey"]).startswith(("notice-", "line-"))


def _jobs_of(incident: str, everything: Sequence[Row]) -> list[Row]:
    """The rows of the failed jobs that this incident's journal names, and no other's."""
    steps = [row for row in everything if str(row["RowKey"]).startswith("step-")]
    own = {_job_key(row) for row in steps if row.get("incident") == incident}
    others = {_job_key(row) for row in steps if row.get("incident") != incident}
    return [row for row in everything if row["RowKey"] in own - others]


def _job_key(step: Row) -> str:
    return rows.job_key(str(step.get("job", "")))


def _unchanged(row: Any) -> dict[str, Any]:  # noqa: ANN401 (a TableEntity)
    return {"etag": row.metadata["etag"], "match_condition": MatchConditions.IfNotModified}
