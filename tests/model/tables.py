"""Table Storage in memory, as a worker's SDK sees it: with ETags, transactions, and answers of 5xx after the effect.

The real TableLedger runs on it. Whatever is answered with 5xx is repeated, as by the SDK, and meets its own effect.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from types import CodeType
from typing import Any

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.data.tables import TableEntity

from backup_retry.azure import control_rows, report_rows
from backup_retry.azure import incident_rows as rows
from backup_retry.azure.table_ledger import CONTROL, INCIDENTS, OPEN, TableLedger
from backup_retry.domain.incident import Incident
from backup_retry.domain.memory import Memory
from tests.model.earlier_version import as_0_1_0
from tests.model.faults import Fault
from tests.model.invariants import Violation, Watch
from tests.model.network import Link
from tests.model.remote import Clock, immediately

Operation = tuple[Any, ...]
Key = tuple[str, str]
_TRIES = 4
#: 500 OperationTimedOut comes so late, and others go on meanwhile
SERVER_GIVES_UP = 30.0
#: the first repetition comes at once
_BACKOFF_SECONDS = 1.6
_WORDS = {" eq ": " == ", " ge ": " >= ", " lt ": " < "}


@dataclass
class Tables:
    """What is stored; `etags` are never given twice."""

    rows: dict[str, dict[Key, TableEntity]] = field(default_factory=lambda: defaultdict(dict))
    etags: Any = field(default_factory=lambda: count(1))
    #: what the world does while an answer is lost
    when_lost: Callable[[], object] = lambda: None

    def apply(self, table: str, operations: Sequence[Operation]) -> list[dict[str, str]]:
        """All of it or nothing; raises what the SDK would."""
        for operation in operations:
            self._check(table, *operation)
        return [self._change(table, *operation) for operation in operations]

    def _check(self, table: str, kind: str, row: Any, condition: dict[str, Any] | None = None) -> None:
        known = self.rows[table].get(_key(row))
        if kind == "create" and known is not None:
            raise _refused(ResourceExistsError, 409)
        if kind in {"update", "delete"} and known is None:
            raise _refused(ResourceNotFoundError, 404)
        etag = (condition or {}).get("etag")
        if kind != "create" and known is not None and etag not in {None, known.metadata["etag"]}:
            raise _refused(ResourceModifiedError, 412)

    def _change(self, table: str, kind: str, row: Any, _: dict[str, Any] | None = None) -> dict[str, str]:
        if kind == "delete":
            self.rows[table].pop(_key(row), None)
            return {}
        stored, etag = TableEntity(row), f'W/"{next(self.etags)}"'
        stored._metadata = {"etag": etag, "timestamp": None}
        self.rows[table][_key(row)] = stored
        return {"etag": etag}

    def select(self, table: str, query: str, parameters: dict[str, str]) -> list[TableEntity]:
        """The rows of a query, in the order of their keys."""
        names: dict[str, Any] = {f"_{name}": value for name, value in parameters.items()}
        condition = _compiled(query)
        # Eval: the queries are the product's own, and a parser of OData would be a product of its own.
        matches = [
            place
            for place in self.rows[table]
            if eval(condition, {}, {**names, "PartitionKey": place[0], "RowKey": place[1]})  # noqa: S307
        ]
        return [self.rows[table][place] for place in sorted(matches)]


Send = Callable[[Callable[[], Any]], Any]
Effect = Callable[[str, Sequence[Operation]], Any]


class Table:
    """A client of one table; `send` takes a request there and back."""

    def __init__(
        self, tables: Tables, name: str, send: Send, effect: Callable[[str, Sequence[Operation]], Any]
    ) -> None:
        self._tables, self._name, self._send, self._effect = tables, name, send, effect

    async def create_entity(self, row: Any) -> dict[str, str]:
        """See TableClient."""
        return (await self.submit_transaction([("create", row)]))[0]

    async def upsert_entity(self, row: Any, **_: Any) -> dict[str, str]:
        """See TableClient."""
        return (await self.submit_transaction([("upsert", row)]))[0]

    async def update_entity(self, row: Any, **condition: Any) -> dict[str, str]:
        """See TableClient."""
        return (await self.submit_transaction([("update", row, condition)]))[0]

    async def delete_entity(self, row: Any, key: str = "") -> None:
        """See TableClient, which takes one that is gone for deleted."""
        named = {"PartitionKey": row, "RowKey": key} if key else row
        try:
            await self.submit_transaction([("delete", named)])
        except ResourceNotFoundError:
            return

    async def get_entity(self, partition: str, key: str) -> TableEntity:
        """See TableClient."""
        found: TableEntity | None = await self._send(
            lambda: self._tables.rows[self._name].get((partition, key))
        )
        if found is None:
            raise _refused(ResourceNotFoundError, 404)
        return found

    async def query_entities(
        self, query: str, *, parameters: dict[str, str], **_: Any
    ) -> AsyncIterator[TableEntity]:
        """See TableClient."""
        for row in await self._send(lambda: self._tables.select(self._name, query, parameters)):
            yield row

    async def submit_transaction(self, operations: Sequence[Operation]) -> list[dict[str, str]]:
        """See TableClient; what is answered with 503 is sent again."""
        for attempt in range(_TRIES):
            try:
                done: list[dict[str, str]] = await self._send(lambda: self._effect(self._name, operations))
            except HttpResponseError as error:
                if error.status_code != 503 or attempt == _TRIES - 1:
                    raise
                await asyncio.sleep(_BACKOFF_SECONDS * attempt)
            else:
                return done
        raise AssertionError("it has been tried")


@dataclass(frozen=True)
class Service:
    """A client of the tables without a network: what the test itself looks at."""

    tables: Tables

    def get_table_client(self, name: str) -> Table:
        """See TableServiceClient."""
        return Table(self.tables, name, _at_once, self.tables.apply)


@dataclass(frozen=True)
class RemoteService:
    """A worker's client; every effect is watched, also one whose answer is lost."""

    tables: Tables
    link: Link
    watch: Watch
    #: whether its process runs version 0.1.0's code of the rows
    is_earlier: bool = False

    def get_table_client(self, name: str) -> Table:
        """See TableServiceClient."""
        return Table(self.tables, name, self._send, self._effect)

    async def _send(self, request: Callable[[], Any]) -> Any:
        faults = self.link.network.faults
        lost_there = "ledger" in self.link.network.down or faults.strikes(Fault.LEDGER_REQUEST_LOST)
        lost_back = faults.first(Fault.LEDGER_ANSWER_LOST, Fault.LEDGER_5XX_WRITTEN)
        lost: dict[Fault | None, Exception | None] = {
            None: None,
            Fault.LEDGER_ANSWER_LOST: ServiceResponseError("no answer"),
            Fault.LEDGER_5XX_WRITTEN: _refused(HttpResponseError, 503),
        }
        instead = ServiceRequestError("no connection") if lost_there else None
        if lost_back is Fault.LEDGER_5XX_WRITTEN:
            self.tables.when_lost()
        try:
            return await self.link.call(request, instead=instead, lost=lost[lost_back])
        except HttpResponseError as error:
            if error is lost[lost_back]:
                await asyncio.sleep(self.link.network.random.uniform(0, SERVER_GIVES_UP))
            raise

    def _effect(self, table: str, operations: Sequence[Operation]) -> list[dict[str, str]]:
        decided = _written(operations)
        if self.is_earlier:
            operations = [self._as_0_1_0(table, *operation) for operation in operations]
        done = self.tables.apply(table, operations)
        written = _written(operations)
        if table == INCIDENTS and rows.HEAD in written:
            self._incident_saved(written, rows.read_head(decided[rows.HEAD]).memory)
        if table == CONTROL and any(key.startswith("storm-") for key in written):
            [row] = written.values()
            self.watch.storm_saved(control_rows.read_storm(row))
        if table == OPEN:
            self._is_in_the_index([row for kind, row, *_ in operations if kind == "delete"])
        return done

    def _as_0_1_0(self, table: str, kind: str, row: Any, *condition: Any) -> Operation:
        if kind == "delete":
            return (kind, row)
        true_item = self.watch.azure.items.get(str(row.get("item", "")).lower())
        return (kind, as_0_1_0(table, row, true_item.jobs if true_item else ()), *condition)

    def _incident_saved(self, written: dict[str, Any], memory: Memory) -> None:
        """`memory`: what this version has decided by, also where it writes the columns of an earlier one."""
        incident = replace(self._stored(written[rows.HEAD]["PartitionKey"]), memory=memory)
        steps = [rows.read_step(row) for key, row in written.items() if key.startswith("step-")]
        job_id = next((key.removeprefix("job-") for key in written if key.startswith("job-")), "")
        self.watch.saved(incident, steps, job_id)
        if (
            incident.is_open
            and (report_rows.OPEN_PARTITION, report_rows.open_key(incident)) not in self._index
        ):
            raise Violation(f"incident {incident.id} is open and has no row of the index")

    def _is_in_the_index(self, deleted: Sequence[Any]) -> None:
        for row in deleted:
            partition, incident_id = report_rows.place_in(row["RowKey"]) or ("", "")
            head = self.tables.rows[INCIDENTS].get((partition, rows.HEAD))
            if head is not None and head["incident"] == incident_id and head["state"] != "closed":
                raise Violation(f"incident {incident_id} is open and loses its row of the index")

    @property
    def _index(self) -> dict[Key, TableEntity]:
        return self.tables.rows[OPEN]

    def _stored(self, partition: str) -> Incident:
        incident = immediately(
            local(self.tables, lambda: self.link.network.agenda.time)._load(partition)
        ).incident
        if incident is None:
            raise Violation("a head that was written is gone")
        return incident


def _written(operations: Sequence[Operation]) -> dict[str, Any]:
    return {str(row["RowKey"]): row for kind, row, *_ in operations if kind != "delete"}


def local(tables: Tables, clock: Clock) -> TableLedger:
    """The ledger on these tables without a network."""
    service: Any = Service(tables)
    return TableLedger(service, clock)


async def _at_once(request: Callable[[], Any]) -> Any:
    return request()


@cache
def _compiled(query: str) -> CodeType:
    """A query as an expression of Python: worlds ask thousands of times, and in a few ways."""
    for word, sign in _WORDS.items():
        query = query.replace(word, sign)
    return compile(re.sub(r"@(\w+)", r"_\1", query), "<query>", "eval")


def _key(row: Any) -> Key:
    return str(row["PartitionKey"]), str(row["RowKey"])


def _refused(kind: type[HttpResponseError], status: int) -> HttpResponseError:
    error = kind(f"the tables answered {status}")
    error.status_code = status
    return error
