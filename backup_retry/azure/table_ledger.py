"""The ledger in Azure Table Storage.

Four tables, in shapes that fit the tables' own guarantees (one partition = one transaction, ETag = the fence):

- incidents: everything about an item in one partition: `head`, one `job-…` row per failed job noted (its insert is
  the deduplication), `attempt-…`, `step-…` and `notice-…` rows. They change together or not at all.
- open: one row per open incident, so that a follow-up costs what is open. Written before the head, removed after it
  is closed; a row whose incident never came to be, or is closed, is removed by the next look.
- journal: one row per closed incident in the partition of the day: what reports read.
- control: pauses, storms and heartbeats.

https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.data.tables import TableTransactionError, UpdateMode

from backup_retry.azure import table_rows as rows
from backup_retry.azure.client import azure_errors, translate
from backup_retry.domain.arm_ids import ProtectedItem, subject_of
from backup_retry.domain.incident import Incident, Step
from backup_retry.domain.jobs import Pause
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import Record

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient, TableServiceClient

INCIDENTS, OPEN, JOURNAL, CONTROL = "incidents", "open", "journal", "control"
TABLES = (INCIDENTS, OPEN, JOURNAL, CONTROL)
_OPEN_PARTITION = "open"
_CONTROL_PARTITION = "control"
#: a row of the open index without its incident is younger than this while somebody is still writing the incident
_WRITING = timedelta(minutes=30)
_READERS = 16
#: one save changes the last attempts and adds the last notices; a transaction holds 100 operations
_CHANGED = 8
_TRANSACTION = 100
_CONFLICTS = frozenset({409, 412})
#: how long a worker acts on what it last read of the pauses
_PAUSES_SHARED_FOR = timedelta(seconds=10)


class TableLedger:
    """The ports `ledger.Ledger`, `ledger.Controls` and `ledger.Storms` on Table Storage."""

    def __init__(self, service: "TableServiceClient", clock: Callable[[], datetime]) -> None:
        self._service = service
        self._clock = clock
        self._incidents = service.get_table_client(INCIDENTS)
        self._open = service.get_table_client(OPEN)
        self._journal = service.get_table_client(JOURNAL)
        self._control = service.get_table_client(CONTROL)
        self._pauses_read: tuple[datetime, Sequence[Pause]] | None = None

    async def create_tables(self) -> None:
        """Make the tables that are missing."""
        async with azure_errors("ledger"):
            await asyncio.gather(*(self._service.create_table_if_not_exists(name) for name in TABLES))

    # ---- Ledger ----

    async def load(self, item: ProtectedItem, job_id: str = "") -> Record:
        """See Ledger; one request."""
        job_key = rows.job_key(job_id) if job_id else rows.HEAD
        found = await _query(
            self._incidents,
            "PartitionKey eq @partition and (RowKey eq @head or RowKey eq @job"
            " or (RowKey ge 'attempt-' and RowKey lt 'attempt.') or (RowKey ge 'notice-' and RowKey lt 'notice.'))",
            {"partition": rows.partition(item), "head": rows.HEAD, "job": job_key},
        )
        by_key = {row["RowKey"]: row for row in found}
        head = by_key.get(rows.HEAD)
        incident = rows.read_incident(head, found, _etag(head)) if head else None
        return Record(incident=incident, job_known=bool(job_id) and job_key in by_key)

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger; one request, one more before it for a new incident, two more after it for a closed one."""
        if incident.is_new:
            await self._write_open_row(incident)
            await self._report_previous(incident.previous)
        stored = await self._transact(incident, steps, job_id)
        if stored is None and incident.is_new:
            await self._drop_open_row(incident)
        if stored is not None and not stored.is_open:
            await self._finish(stored)
        return stored

    async def told(self, incident: Incident) -> Incident:
        """See Ledger; one transaction, and one more request for a closed incident."""
        partition = rows.partition(incident.item)
        gone = [
            ("delete", {"PartitionKey": partition, "RowKey": f"notice-{notice.id}"})
            for notice in incident.notices
        ]
        async with azure_errors("ledger"):
            for begin in range(0, len(gone), _TRANSACTION):
                with suppress(ResourceNotFoundError, TableTransactionError):
                    await self._incidents.submit_transaction(gone[begin : begin + _TRANSACTION])
        told = replace(incident, notices=())
        if not told.is_open:
            await self._finish(told)
        return told

    async def open_incidents(self) -> Sequence[Incident]:
        """See Ledger; one request for the index, one for each incident in it."""
        index = await _query(self._open, "PartitionKey eq @partition", {"partition": _OPEN_PARTITION})
        readers = asyncio.Semaphore(_READERS)

        async def read(row: Mapping[str, Any]) -> Incident | None:
            async with readers:
                return await self._indexed(row)

        found = await asyncio.gather(*(read(row) for row in index))
        return [incident for incident in found if incident is not None]

    async def open_count(self) -> int:
        """See Ledger; counts the index, where a closed incident may stand for another moment."""
        query = "PartitionKey eq @partition"
        return len(await _query(self._open, query, {"partition": _OPEN_PARTITION}, select=["RowKey"]))

    async def steps(self, item: ProtectedItem) -> Sequence[Step]:
        """See Ledger."""
        found = await _query(
            self._incidents,
            "PartitionKey eq @partition and RowKey ge 'step-' and RowKey lt 'step.'",
            {"partition": rows.partition(item)},
        )
        return [rows.read_step(row) for row in found]

    # ---- Controls ----

    async def pauses(self) -> Sequence[Pause]:
        """See Controls; read every few seconds only."""
        now = self._clock()
        if self._pauses_read is None or now - self._pauses_read[0] >= _PAUSES_SHARED_FOR:
            query = "PartitionKey eq @partition and RowKey ge 'pause' and RowKey lt 'pausf'"
            found = await _query(self._control, query, {"partition": _CONTROL_PARTITION})
            self._pauses_read = (now, [rows.read_pause(row) for row in found])
        return self._pauses_read[1]

    async def set_pause(self, pause: Pause) -> None:
        """See Controls; other workers see it within seconds."""
        key = {"PartitionKey": _CONTROL_PARTITION, "RowKey": rows.pause_key(pause.scope)}
        async with azure_errors("ledger"):
            await self._control.upsert_entity(key | rows.pause_columns(pause), mode=UpdateMode.REPLACE)
        self._pauses_read = None

    async def resume(self, scope: str = "") -> None:
        """See Controls; other workers see it within seconds."""
        async with azure_errors("ledger"):
            await self._control.delete_entity(_CONTROL_PARTITION, rows.pause_key(scope))
        self._pauses_read = None

    async def beat(self, name: str, at: datetime) -> None:
        """See Controls."""
        row = {"PartitionKey": _CONTROL_PARTITION, "RowKey": f"beat-{name}", "at": rows.text(at)}
        async with azure_errors("ledger"):
            await self._control.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def last_beat(self, name: str) -> datetime | None:
        """See Controls."""
        row = await self._control_row(f"beat-{name}")
        return rows.time(row["at"]) if row else None

    # ---- Storms ----

    async def storm(self, key: str) -> Storm | None:
        """See Storms."""
        row = await self._control_row(f"storm-{key}")
        return rows.read_storm(row, _etag(row)) if row else None

    async def save_storm(self, storm: Storm) -> Storm | None:
        """See Storms."""
        key = {"PartitionKey": _CONTROL_PARTITION, "RowKey": f"storm-{storm.key}"}
        row = key | rows.storm_columns(storm)
        async with azure_errors("ledger"):
            with suppress(ResourceExistsError, ResourceModifiedError):
                answer = await (
                    self._control.update_entity(row, **_fence(storm.version))
                    if storm.version
                    else self._control.create_entity(row)
                )
                return replace(storm, version=str(answer["etag"]))
        return None

    # ---- inside ----

    async def _transact(self, incident: Incident, steps: Sequence[Step], job_id: str) -> Incident | None:
        write = uuid4().hex
        head = rows.head_row(incident) | {"write": write}
        operations: list[tuple[Any, ...]] = [_fenced(head, incident.version)]
        if job_id:
            operations.append(("create", rows.job_row(incident.item, job_id)))
        replacing = {"mode": UpdateMode.REPLACE}
        operations += [
            ("upsert", rows.attempt_row(incident, each), replacing) for each in incident.attempts[-_CHANGED:]
        ]
        operations += [
            ("upsert", rows.notice_row(incident, each), replacing) for each in incident.notices[-_CHANGED:]
        ]
        journal = enumerate(steps)
        operations += [("create", rows.step_row(incident, step, write=write, index=i)) for i, step in journal]
        try:
            answers = await self._incidents.submit_transaction(operations)
        except HttpResponseError as error:
            if error.status_code not in _CONFLICTS:
                raise translate(error, "ledger") from error
            return await self._written_after_all(incident, write)
        except AzureError as error:
            raise translate(error, "ledger") from error
        return replace(incident, version=str(answers[0]["etag"]), previous=None)

    async def _written_after_all(self, incident: Incident, write: str) -> Incident | None:
        """None where another worker was first; our own incident where the SDK repeated a write that had worked."""
        head = await self._row(self._incidents, rows.partition(incident.item), rows.HEAD)
        if head is None or head.get("write") != write:
            return None
        return replace(incident, version=_etag(head), previous=None)

    async def _indexed(self, row: Mapping[str, Any]) -> Incident | None:
        """The open incident behind a row of the index; tidies the row when there is none."""
        item = subject_of(row["item"])
        incident = (await self.load(item)).incident if item else None
        if incident is not None and incident.id == row["incident"]:
            if incident.is_open or incident.notices:
                return incident
            await self._finish(incident)
        elif self._clock() - rows.time(row["at"]) > _WRITING:
            await self._delete_open_row(row["RowKey"])
        return None

    async def _finish(self, closed: Incident) -> None:
        """Report a closed incident and, once it is told, take it out of the index.

        Repeated after a crash, it changes nothing.
        """
        async with azure_errors("ledger"):
            await self._journal.upsert_entity(rows.journal_row(closed), mode=UpdateMode.REPLACE)
        if not closed.notices:
            await self._drop_open_row(closed)

    async def _report_previous(self, previous: Incident | None) -> None:
        """Its head is about to be overwritten, and whoever closed it may have died before reporting it."""
        if previous and previous.closed_at and self._clock() - previous.closed_at < _WRITING:
            async with azure_errors("ledger"):
                await self._journal.upsert_entity(rows.journal_row(previous), mode=UpdateMode.REPLACE)

    async def _write_open_row(self, incident: Incident) -> None:
        row = {
            "PartitionKey": _OPEN_PARTITION,
            "RowKey": rows.open_key(incident),
            "item": incident.item.id,
            "incident": incident.id,
            "at": rows.text(self._clock()),
        }
        async with azure_errors("ledger"):
            await self._open.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def _drop_open_row(self, incident: Incident) -> None:
        await self._delete_open_row(rows.open_key(incident))

    async def _delete_open_row(self, key: str) -> None:
        async with azure_errors("ledger"):
            await self._open.delete_entity(_OPEN_PARTITION, key)

    async def _control_row(self, key: str) -> Mapping[str, Any] | None:
        return await self._row(self._control, _CONTROL_PARTITION, key)

    @staticmethod
    async def _row(table: "TableClient", partition: str, key: str) -> Mapping[str, Any] | None:
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError):
                return await table.get_entity(partition, key)
        return None


def _fenced(head: rows.Row, version: str) -> tuple[Any, ...]:
    if not version:
        return ("create", head)
    return ("update", head, _fence(version))


def _fence(version: str) -> dict[str, Any]:
    return {"etag": version, "match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}


async def _query(
    table: "TableClient", query: str, parameters: dict[str, str], select: list[str] | None = None
) -> list[Mapping[str, Any]]:
    async with azure_errors("ledger"):
        return [row async for row in table.query_entities(query, parameters=parameters, select=select)]


def _etag(row: Mapping[str, Any]) -> str:
    return str(row.metadata["etag"])  # type: ignore[attr-defined] # a TableEntity
