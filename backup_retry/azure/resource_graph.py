"""Resource Graph through azure-mgmt-resourcegraph: rows of a query, page by page.

Paging: only $skipToken says that there is more, resultTruncated may be "false" next to it.
https://learn.microsoft.com/azure/governance/resource-graph/concepts/work-with-data
"""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib.resources import files
from itertools import count
from typing import Any

from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.azure.json_fields import OddAnswer, parts, required, text
from backup_retry.azure.pacing import PATIENCE, SWEEPS_PATIENCE
from backup_retry.domain.errors import (
    AnsweredInPart,
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Service,
)
from backup_retry.domain.texts import valid_json
from backup_retry.ports.log_events import LogEvent, log_event

Rows = AsyncIterator[Mapping[str, Any]]
#: None: all that the identity can see
Group = Sequence[str] | None
LeftOut = Callable[[Group, BackupRetryError], None]
_PAGE = 1000
#: Azure advises fewer than 300 subscriptions a query
_GROUP = 250
_TRIES = 4
_LIMIT_HEADER = "x-ms-tenant-subscription-limit-hit"
_TRUNCATED = (
    "Resource Graph left out subscriptions: there are more than one query can cover. "
    "List them in SCOPE_SUBSCRIPTIONS."
)


#: where a query's rows have no column `id`, or something is wrong with the service
_CUT = "the result was truncated without a continuation token; rows may be missing"


class _Truncated(AzureRefused):
    """Resource Graph answered for a part of the subscriptions only."""


class ResourceGraph:
    """What `AzureEstate` asks: a query's rows: all rows or an error."""

    def __init__(
        self, clients: AzureClients, subscriptions: Sequence[str] = (), patience: float = PATIENCE
    ) -> None:
        """`patience`: for how many seconds a query waits for its turn, and between two tries."""
        self._clients = clients
        self.subscriptions = tuple(subscriptions)
        self._patience = patience

    async def rows(self, query: str) -> Rows:
        """Every row of the query, over the configured subscriptions or all that the identity can see.

        Raises AzureRefused when Resource Graph answered for a part of the subscriptions only.
        """
        groups: Sequence[Group] = _groups(self.subscriptions) or [None]
        for group in groups:
            async for row in self.group_rows(query, group, _raise):
                yield row

    def estate(self, subscriptions: Sequence[str], allowed: Callable[[str], bool]) -> "EstateGraph":
        """The same for a sweep of these subscriptions, else of the configured ones, as far as they are allowed."""
        chosen = ResourceGraph(self._clients, subscriptions or self.subscriptions, SWEEPS_PATIENCE)
        return EstateGraph(chosen, allowed)

    async def group_rows(self, query: str, group: Group, left_out: LeftOut) -> Rows:
        """The rows of a group of subscriptions; one that is too large to be answered for is asked in halves."""
        try:
            async for row in self._pages(query, group):
                yield row
        except _Truncated as error:
            halves = await self._halves(group)
            if not halves:
                left_out(group, error)
            for half in halves:
                async for row in self.group_rows(query, half, left_out):
                    yield row
        except BackupRetryError as error:
            left_out(group, error)

    async def see(self, names: dict[str, str]) -> None:
        """Add the name of every subscription that the identity can see, by its id.

        Raises AzureRefused when there are more than Resource Graph lists; those that it does list are added.
        """
        async for row in self._pages(_visible_query(), None, though_truncated=True):
            async with azure_errors(Service.GRAPH):
                names[required(row, "id")] = text(row, "name")

    async def _halves(self, group: Group) -> Sequence[Sequence[str]]:
        if group is None:
            names: dict[str, str] = {}
            await self.see(names)
            return _groups(list(names))
        middle = len(group) // 2
        return [group[:middle], group[middle:]] if middle else []

    async def _pages(self, query: str, group: Group, *, though_truncated: bool = False) -> Rows:
        from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions  # noqa: PLC0415

        tokens = {""}
        token = ""
        async with self._clients.graph() as client:
            while True:
                options = QueryRequestOptions(
                    top=_PAGE, skip_token=token or None, result_format="objectArray"
                )
                chosen = list(group) if group is not None else None
                page = await self._ask(
                    client, QueryRequest(query=query, subscriptions=chosen, options=options)
                )
                if not page.truncated or though_truncated:
                    for row in page.rows:
                        yield valid_json(row)
                token = page.skip_token
                if page.truncated and not (though_truncated and token):
                    raise _Truncated(_TRUNCATED, by=Service.GRAPH)
                if not token and page.cut:
                    raise AzureUnavailable(f"{Service.GRAPH}: {_CUT}")
                if not token:
                    return
                if token in tokens:
                    raise AzureUnavailable(f"{Service.GRAPH}: its pages never end")
                tokens.add(token)

    async def _ask(
        self,
        client: Any,  # noqa: ANN401 (imported where it is first used)
        request: Any,  # noqa: ANN401
    ) -> "_Page":
        """A page.

        What Azure postpones is asked for again a few times, while all queries of this process wait.
        """
        quota = self._clients.graph_quota
        for number in count(1):
            await quota.room(self._patience)
            try:
                async with azure_errors(Service.GRAPH):
                    answer, headers = await client.resources(request, cls=_with_headers, retry_total=0)
                    page = _Page.read(answer, headers)
                break
            except AzureUnavailable as error:
                if number >= _TRIES:
                    raise
                quota.rest((error.retry_after or timedelta(seconds=2 ** (number - 1))).total_seconds())
        quota.learn(headers)
        return page


@dataclass(frozen=True, kw_only=True)
class _Page:
    """One page of the rows of a query."""

    rows: Sequence[Mapping[str, Any]]
    #: leads to the next one; "": there is none
    skip_token: str
    #: subscriptions were left out of it
    truncated: bool
    #: it says itself that there are more rows
    cut: bool

    @classmethod
    def read(cls, answer: Any, headers: Mapping[str, str]) -> "_Page":  # noqa: ANN401 (the SDK's own)
        """An answer of the SDK's; raises OddAnswer where it has no list of rows."""
        said = {"data": answer.data, "skip_token": answer.skip_token}
        if said["data"] is None:
            raise OddAnswer("a response without data")
        truncated = headers.get(_LIMIT_HEADER, "").lower() == "true"
        cut = str(answer.result_truncated or "").lower().endswith("true")
        return cls(
            rows=parts(said, "data"), skip_token=text(said, "skip_token"), truncated=truncated, cut=cut
        )


class EstateGraph:
    """The port `reconciler.sweep.Graph` on Azure: goes on without what cannot be had, and names it at the end."""

    def __init__(self, graph: ResourceGraph, allowed: Callable[[str], bool]) -> None:
        self._graph = graph
        self._allowed = allowed

    async def rows(self, query: str) -> Rows:
        """See Graph; subscriptions are asked 250 at a time, and a vault's rows stay together."""
        missing = _Missing()
        for group in _groups(await self._wanted(missing)):
            async for row in self._graph.group_rows(query, group, missing.add):
                yield row
        if missing.problems:
            raise AnsweredInPart(missing.problems)

    async def _wanted(self, missing: "_Missing") -> Sequence[str]:
        """The configured subscriptions that the identity can see, or all that it can see."""
        chosen, names = self._graph.subscriptions, missing.names
        try:
            await self._graph.see(names)
        except BackupRetryError as error:
            if not (names or chosen):
                raise
            missing.problems.append(f"The list of subscriptions cannot be read: {error}")
            return [each for each in chosen or names if self._allowed(each)]
        if not names:
            missing.problems.append("This identity has no role in any subscription.")
        if unseen := [each for each in chosen if each.lower() not in names]:
            missing.add(unseen, AzureRefused("this identity cannot read them."))
        return [each for each in chosen or names if each.lower() in names and self._allowed(each)]


@dataclass(kw_only=True)
class _Missing:
    """What a sweep's query was not answered for."""

    #: what the visible subscriptions are called, by their ids
    names: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, group: Group, error: BackupRetryError) -> None:
        """A group that could not be had."""
        named = [self._name(each) for each in group or ()]
        self.problems.append(f"Subscriptions not swept: {', '.join(named)}: {error}")
        log_event(
            LogEvent.SUBSCRIPTIONS_NOT_SWEPT, level=logging.ERROR, subscriptions=named, problem=str(error)
        )

    def _name(self, subscription: str) -> str:
        name = self.names.get(subscription.lower())
        return f"{name} ({subscription})" if name else subscription


def _groups(subscriptions: Sequence[str]) -> Sequence[Sequence[str]]:
    return [subscriptions[start : start + _GROUP] for start in range(0, len(subscriptions), _GROUP)]


def _raise(_: Group, error: BackupRetryError) -> None:
    raise error


@cache
def _visible_query() -> str:
    return files("backup_retry.azure").joinpath("subscriptions.kql").read_text(encoding="utf-8")


def _with_headers(response: Any, answer: Any, _headers: object) -> tuple[Any, Mapping[str, str]]:  # noqa: ANN401
    return answer, response.http_response.headers
