"""The ledger in Azure Table Storage.

Four tables, in shapes that fit the tables' own guarantees (one partition = one transaction, ETag = the fence):

- incidents: everything about an item in one partition: `head`, one `job-…` row per failed job noted (its insert is
  the deduplication), `attempt-…`, `step-…`, `notice-…` and `line-…` rows. They change together or not at all.
- open: one row per open incident, so that a follow-up costs what is open. Written before the head, removed after it
  is closed; a row whose incident never came to be, or is closed, is removed by the next look.
- journal: one row per closed incident in the partition of the day: what reports read.
- control: pauses, storms and heartbeats, see `table_controls`.

Whatever takes effect and is answered with an error, so that the SDK repeats it, is the same the second time, or
recognises its own effect (see `table_writes`).

https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableTransactionError, UpdateMode

from backup_retry.azure import incident_rows as rows
from backup_retry.azure import report_rows
from backup_retry.azure.client import azure_errors
from backup_retry.azure.report_rows import OPEN_PARTITION
from backup_retry.azure.table_controls import TableControls
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_writes import Write, version_of
from backup_retry.azure.tables import CONTROL, INCIDENTS, JOURNAL, OPEN, TABLES, get, query
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import RowUnreadable
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step, StepKind
from backup_retry.ports.ledger import Record
from backup_retry.ports.reports import Opened

if TYPE_CHECKING:
    from azure.data.tables.aio import TableServiceClient

__all__ = ["CONTROL", "INCIDENTS", "JOURNAL", "OPEN", "TABLES", "TableLedger"]
#: a row of the open index without its incident is younger than this while somebody is still writing the incident
_WRITING = timedelta(minutes=30)
_READERS = 16
#: one save changes the last attempts and adds the last notices and lines; a transaction holds 100 operations
_CHANGED = 8
_TRANSACTION = 100
_CONFLICTS = frozenset({409, 412})
#: steps after which a person has been asked something, or has answered
_ASKED = frozenset({StepKind.TOLD, StepKind.APPROVED, StepKind.ACKNOWLEDGED})
_INCIDENT = (
    "PartitionKey eq @partition and (RowKey eq @head or RowKey eq @job"
    " or (RowKey ge 'attempt-' and RowKey lt 'attempt.') or (RowKey ge 'notice-' and RowKey lt 'notice.')"
    " or (RowKey ge 'line-' and RowKey lt 'line.'))"
)


class TableLedger(TableControls):
    """The ports `ledger.Ledger`, `ledger.Controls` and `ledger.Storms` on Table Storage."""

    def __init__(
        self,
        service: "TableServiceClient",
        clock: Callable[[], datetime],
        quarantine: Quarantine | None = None,
    ) -> None:
        super().__init__(service, clock, quarantine)
        self._service = service
        self._incidents = service.get_table_client(INCIDENTS)
        self._open = service.get_table_client(OPEN)
        self._journal = service.get_table_client(JOURNAL)

    async def create_tables(self) -> None:
        """Make the tables that are missing."""
        async with azure_errors("ledger"):
            await asyncio.gather(*(self._service.create_table_if_not_exists(name) for name in TABLES))

    async def load(self, item: ProtectedItem, job_id: str = "") -> Record:
        """See Ledger; one request."""
        return await self._load(rows.partition(item), rows.job_key(job_id) if job_id else "")

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger; one request, one more before it for a new incident, two more after it for a closed one.

        One that operators are notified of, or answer, while it is open costs one more: the index says so.
        """
        if incident.is_new:
            await self._write_open_row(incident)
            await self._report_previous(incident.previous)
        stored = await self._transact(incident, steps, job_id)
        if stored is not None and not stored.is_open:
            await self._finish(stored)
        elif stored is not None and not incident.is_new and any(each.kind in _ASKED for each in steps):
            await self._change_open_row(report_rows.asked_row(stored))
        return stored

    async def told(self, incident: Incident, left: Incident) -> Incident:
        """See Ledger; one transaction, and one more request for a closed incident."""
        partition = rows.partition(incident.item)
        keys = [rows.outbox_key(each) for each in incident.told_since(left)]
        gone = [{"PartitionKey": partition, "RowKey": key} for key in keys]
        async with azure_errors("ledger"):
            for begin in range(0, len(gone), _TRANSACTION):
                await self._delete(gone[begin : begin + _TRANSACTION])
        if not left.is_open:
            await self._finish(left)
        return left

    async def open_incidents(self) -> Sequence[Incident]:
        """See Ledger; one request for the index, one for each incident in it."""
        index = await query(self._open, "PartitionKey eq @partition", {"partition": OPEN_PARTITION})
        readers = asyncio.Semaphore(_READERS)

        async def read(row: Mapping[str, Any]) -> Incident | None:
            async with readers:
                return await self._indexed(row)

        found = await asyncio.gather(*(read(row) for row in index))
        return list({incident.id: incident for incident in found if incident is not None}.values())

    async def steps(self, item: ProtectedItem) -> Sequence[Step]:
        """See Ledger."""
        found = await query(
            self._incidents,
            "PartitionKey eq @partition and RowKey ge 'step-' and RowKey lt 'step.'",
            {"partition": rows.partition(item)},
        )
        return [step for row in found if (step := self._quarantine.read(rows.read_step, INCIDENTS, row))]

    # ---- inside ----

    async def _load(self, partition: str, job_key: str = "") -> Record:
        parameters = {"partition": partition, "head": rows.HEAD, "job": job_key or rows.HEAD}
        found = await query(self._incidents, _INCIDENT, parameters)
        by_key = {str(row["RowKey"]): row for row in found}
        incident = self._incident(by_key) if rows.HEAD in by_key else None
        return Record(incident=incident, job_known=job_key in by_key)

    def _incident(self, by_key: Mapping[str, Mapping[str, Any]]) -> Incident:
        """The incident of these rows; an attempt that cannot be read may be one in flight, so that nothing is known."""
        head, read = self._quarantine.require(rows.read_head, INCIDENTS, by_key[rows.HEAD]), self._quarantine
        attempts = [read.require(rows.read_attempt, INCIDENTS, row) for row in _of_kind("attempt-", by_key)]
        notices = [read.read(rows.read_notice, INCIDENTS, row) for row in _of_kind("notice-", by_key)]
        lines = [read.read(rows.read_line, INCIDENTS, row) for row in _of_kind("line-", by_key)]
        own = [attempt for incident, attempt in attempts if incident == head.id]
        earlier = [attempt for incident, attempt in attempts if incident != head.id]
        return replace(
            head,
            attempts=tuple(sorted(own, key=lambda attempt: attempt.number)),
            earlier_triggers=tuple(sorted(attempt.claimed_at for attempt in earlier if attempt.spent)),
            notices=tuple(sorted(filter(None, notices), key=lambda each: each.at)),
            lines=tuple(filter(None, lines)),
            has_unreadable_notice=None in notices or None in lines,
            version=version_of(by_key[rows.HEAD]),
        )

    async def _transact(self, incident: Incident, steps: Sequence[Step], job_id: str) -> Incident | None:
        write = Write.over(incident.version)
        operations = _operations(incident, steps, job_id, write)
        async with azure_errors("ledger"):
            try:
                answers = await self._incidents.submit_transaction(operations)
            except HttpResponseError as error:
                if error.status_code not in _CONFLICTS:
                    raise
            else:
                return replace(incident, version=write.version(str(answers[0]["etag"])), previous=None)
        return await self._stored_after_all(incident, write)

    async def _stored_after_all(self, incident: Incident, write: Write) -> Incident | None:
        """None where another worker was first; the incident as it is by now where the SDK repeated what had worked.

        A new incident's id is known to nobody else: where it is in the head, the write has worked.
        """
        partition = rows.partition(incident.item)
        head = await get(self._incidents, partition, rows.HEAD)
        is_own = head is not None and head.get("incident") == incident.id
        if head is not None and is_own and (incident.is_new or write.made(head)):
            return (await self._load(partition)).incident
        if incident.is_new:
            await self._delete_open_row(report_rows.open_key(incident))
        return None

    async def _indexed(self, row: Mapping[str, Any]) -> Incident | None:
        """The open incident behind a row of the index; tidies the row when there is none.

        A damaged row leads to its incident all the same, since its key does.
        """
        opened = self._quarantine.read(report_rows.read_opened, OPEN, row)
        place = report_rows.place_of(opened) if opened else report_rows.place_in(row["RowKey"])
        if place is None:
            return None
        partition, incident_id = place
        try:
            incident = (await self._load(partition)).incident
        except RowUnreadable:
            return None
        if incident is not None and incident.id == incident_id:
            if incident.is_open or incident.is_untold:
                if not incident.is_open and not report_rows.is_closed(row):
                    await self._change_open_row(report_rows.closed_row(incident))
                return incident
            if not incident.has_unreadable_notice:  # else whoever can read it has not told it yet
                await self._finish(incident)
        elif opened and (_is_outrun(opened, incident) or self._clock() - opened.at > _WRITING):
            await self._delete_open_row(row["RowKey"])
        return None

    async def _finish(self, closed: Incident) -> None:
        """Report a closed incident and, once it is told, take it out of the index.

        Repeated after a crash, it changes nothing.
        """
        async with azure_errors("ledger"):
            await self._journal.upsert_entity(report_rows.journal_row(closed), mode=UpdateMode.REPLACE)
        if not closed.is_untold and not closed.has_unreadable_notice:
            await self._delete_open_row(report_rows.open_key(closed))

    async def _report_previous(self, previous: Incident | None) -> None:
        """Its head is about to be overwritten, and whoever closed it may have died before reporting it."""
        if previous and previous.closed_at and self._clock() - previous.closed_at < _WRITING:
            async with azure_errors("ledger"):
                await self._journal.upsert_entity(report_rows.journal_row(previous), mode=UpdateMode.REPLACE)

    async def _write_open_row(self, incident: Incident) -> None:
        async with azure_errors("ledger"):
            row = report_rows.open_row(incident, self._clock())
            await self._open.upsert_entity(row, mode=UpdateMode.REPLACE)

    async def _change_open_row(self, change: Mapping[str, Any]) -> None:
        """Say in the index how an incident stands: whoever counts what is open, or requires action, reads only that."""
        async with azure_errors("ledger"):
            with suppress(ResourceNotFoundError):  # it has just been closed, and all was told
                await self._open.update_entity(dict(change), mode=UpdateMode.MERGE)

    async def _delete_open_row(self, key: str) -> None:
        async with azure_errors("ledger"):
            await self._open.delete_entity(OPEN_PARTITION, key)

    async def _delete(self, gone: Sequence[dict[str, str]]) -> None:
        """Delete some rows of a partition; one that is gone already, by us or by others, keeps none of the others."""
        try:
            await self._incidents.submit_transaction([("delete", row) for row in gone])
        except (ResourceNotFoundError, TableTransactionError):
            await asyncio.gather(*(self._incidents.delete_entity(row) for row in gone))


def _of_kind(prefix: str, by_key: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [row for key, row in by_key.items() if key.startswith(prefix)]


def _operations(
    incident: Incident, steps: Sequence[Step], job_id: str, write: Write
) -> list[tuple[Any, ...]]:
    """What a save changes, the head first."""
    head, replacing = rows.head_row(incident) | write.column, {"mode": UpdateMode.REPLACE}
    attempts = [rows.attempt_row(incident, each) for each in incident.attempts[-_CHANGED:]]
    notices = [rows.notice_row(incident, each) for each in incident.notices[-_CHANGED:]]
    lines = [rows.line_row(incident, each) for each in incident.lines[-_CHANGED:]]
    journal = [
        rows.step_row(incident, step, write=write.marks[0], index=index) for index, step in enumerate(steps)
    ]
    return [
        ("update", head, write.condition) if write.etag else ("create", head),
        *([("create", rows.job_row(incident.item, job_id))] if job_id else []),
        *(("upsert", row, replacing) for row in (*attempts, *notices, *lines)),
        *(("create", row) for row in journal),
    ]


def _is_outrun(opened: Opened, head: Incident | None) -> bool:
    """True where another incident has taken the place that this one was to be written over: it never will be.

    Until its row goes, pages count it as in progress in addition to the one that took its place.
    """
    return head is not None and opened.after is not None and head.id not in {opened.incident_id, opened.after}
