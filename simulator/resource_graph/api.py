"""Azure Resource Graph: queries in KQL over the vaults' jobs and items.

https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
"""

import asyncio
import base64
import hashlib
import json
import math
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm.buckets import QuotaWindow
from simulator.arm.calls import Call, Route
from simulator.arm.request_log import note_fault
from simulator.estate.faults import Faults
from simulator.estate.state import Azure
from simulator.resource_graph.kql import GraphTables, QueryError, Result
from simulator.resource_graph.rows import tables

_PATH = "/providers/Microsoft.ResourceGraph/resources"
#: Also the default: https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
_LARGEST_PAGE = 1000
#: So many queries' results are kept for their further pages.
_REMEMBERED = 8
#: From this api-version on, rows are objects unless the table is asked for.
_OBJECTS_SINCE = "2020-04-01-preview"


@dataclass(frozen=True, kw_only=True)
class GraphQuery:
    """The body of a query."""

    text: str
    #: Lower-cased ids; None: all that the caller can see.
    subscriptions: frozenset[str] | None
    top: int
    skip: int
    as_table: bool
    #: Whether a skip token brought it here.
    continues: bool = False

    @classmethod
    def read(cls, call: Call) -> "GraphQuery":
        """The query of a call.

        Raises:
            ArmError: the body is not one.
        """
        body = call.json()
        text, options = body.get("query"), body.get("options") or {}
        if not isinstance(text, str) or not text.strip():
            raise arm_errors.bad_request("BadRequest", "The request has no query.")
        if not isinstance(options, dict):
            raise arm_errors.bad_request("BadRequest", "The request's options are no object.")
        subscriptions = body.get("subscriptions")
        chosen = None if subscriptions is None else frozenset(str(each).lower() for each in subscriptions)
        top, skip = _whole(options, "$top", _LARGEST_PAGE), _whole(options, "$skip", 0)
        if not 1 <= top <= _LARGEST_PAGE:
            raise arm_errors.bad_request("BadRequest", f"$top is {top}, not 1 to {_LARGEST_PAGE}.")
        query = cls(text=text, subscriptions=chosen, top=top, skip=skip, as_table=_as_table(call, options))
        token = options.get("$skipToken")
        return query._continued(str(token)) if token else query

    def token(self, offset: int) -> str:
        """What continues this query, and no other, at `offset`."""
        return base64.b64encode(json.dumps({"query": self.digest, "offset": offset}).encode()).decode()

    def _continued(self, token: str) -> "GraphQuery":
        try:
            said = json.loads(base64.b64decode(token))
            offset, query = int(said["offset"]), said["query"]
        except (ValueError, KeyError, TypeError):
            raise arm_errors.bad_request("InvalidSkipToken", "The $skipToken cannot be read.") from None
        if query != self.digest:
            raise arm_errors.bad_request("InvalidSkipToken", "The $skipToken belongs to another query.")
        return replace(self, skip=offset, continues=True)

    @property
    def digest(self) -> str:
        """Names the text and the subscriptions."""
        scope = None if self.subscriptions is None else sorted(self.subscriptions)
        return hashlib.sha256(json.dumps([self.text, scope]).encode()).hexdigest()[:16]


class ResourceGraph:
    """Answers queries from tables that are reloaded only when the state has changed."""

    def __init__(self, azure: Azure, faults: Faults) -> None:
        self._azure = azure
        self._faults = faults
        self._quota = QuotaWindow()
        self._tables = GraphTables()
        self._loaded: object = None
        self._results: dict[str, Result] = {}
        self._lock = asyncio.Lock()

    def routes(self) -> list[Route]:
        """The one route."""
        return [Route("POST", _PATH, self.query)]

    def close(self) -> None:
        """Let the tables go."""
        self._tables.close()

    def reset(self) -> None:
        """Open a new quota window, and forget what was found before."""
        self._quota = QuotaWindow()
        self._results.clear()

    async def query(self, call: Call) -> web.Response:
        """Run a query, if the caller's quota allows one."""
        headers, begun = self._admit(call.now), time.monotonic()
        query = GraphQuery.read(call)
        try:
            result = await self._run(query, call.now)
        except QueryError as error:
            raise arm_errors.invalid_query(str(error)) from error
        headers["x-ms-resource-graph-request-duration"] = f"0:00:00:{time.monotonic() - begun:010.7f}"
        return web.json_response(_page(query, result), headers=headers)

    def _admit(self, now: datetime) -> dict[str, str]:
        """The quota's headers.

        Raises:
            ArmError: the quota is exhausted.
        """
        admitted, remaining, resets_after = self._quota.take(now)
        headers = {
            "x-ms-ratelimit-remaining-tenant-resource-requests": str(remaining),
            "x-ms-user-quota-remaining": str(remaining),
            "x-ms-user-quota-resets-after": _clock(resets_after),
        }
        if not admitted:
            raise arm_errors.graph_throttled(_whole_seconds(resets_after), headers)
        return headers

    async def _run(self, query: GraphQuery, now: datetime) -> Result:
        """The rows that the query finds; a further page is cut from what the first was cut from."""
        async with self._lock:
            if query.continues and (earlier := self._results.get(query.digest)):
                return earlier
            await self._load(query.subscriptions, now - timedelta(seconds=self._lag()))
            result = await asyncio.to_thread(self._tables.query, query.text, now)
            self._remember(query, result)
            return result

    def _lag(self) -> float:
        """How many seconds ago the vaults are shown as they were."""
        fault = self._faults.strike("graph_lag", f"POST {_PATH}")
        if fault is None:
            return self._azure.settings.graph_lag_seconds
        note_fault(fault.name)
        return fault.seconds

    async def _load(self, subscriptions: frozenset[str] | None, at: datetime) -> None:
        wanted = self._azure.version_at(at), subscriptions
        if wanted == self._loaded:
            return
        self._loaded = None
        for name, rows in tables(self._azure, at).items():
            await asyncio.to_thread(self._tables.load, name, _visible(rows, subscriptions))
        self._loaded = wanted

    def _remember(self, query: GraphQuery, result: Result) -> None:
        self._results.pop(query.digest, None)
        self._results[query.digest] = result
        while len(self._results) > _REMEMBERED:
            del self._results[next(iter(self._results))]


def _visible(
    rows: Iterable[Mapping[str, Any]], subscriptions: frozenset[str] | None
) -> Iterable[Mapping[str, Any]]:
    return [row for row in rows if subscriptions is None or row["subscriptionId"].lower() in subscriptions]


def _page(query: GraphQuery, result: Result) -> dict[str, Any]:
    end = query.skip + query.top
    rows = result.rows[query.skip : end]
    names = [column.name for column in result.columns]
    page: dict[str, Any] = {
        "totalRecords": len(result.rows),
        "count": len(rows),
        "data": _table(result, rows)
        if query.as_table
        else [dict(zip(names, row, strict=True)) for row in rows],
        "facets": [],
        "resultTruncated": "false",  # a string; it says nothing about further pages
    }
    # Without a projected id there is no way to the next page.
    if end < len(result.rows) and "id" in names:
        page["$skipToken"] = query.token(end)
    return page


def _table(result: Result, rows: Iterable[Any]) -> dict[str, Any]:
    columns = [{"name": column.name, "type": column.type} for column in result.columns]
    return {"columns": columns, "rows": list(rows)}


def _as_table(call: Call, options: Mapping[str, Any]) -> bool:
    wanted = str(options.get("resultFormat") or "")
    if wanted.lower() not in {"", "table", "objectarray"}:
        raise arm_errors.bad_request(
            "BadRequest", f"resultFormat is {wanted!r}, neither table nor objectArray."
        )
    return wanted.lower() == "table" or (not wanted and call.api_version < _OBJECTS_SINCE)


def _whole(options: Mapping[str, Any], name: str, default: int) -> int:
    value = options.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise arm_errors.bad_request("BadRequest", f"{name} is {value!r}, no whole number.")
    return value


def _whole_seconds(length: timedelta) -> int:
    return max(1, math.ceil(length.total_seconds()))


def _clock(length: timedelta) -> str:
    minutes, seconds = divmod(_whole_seconds(length), 60)
    return f"00:{minutes:02}:{seconds:02}"
