"""Odd answers of the services beside the vaults: Resource Graph, the ledger, the topic."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from backup_retry.azure.client import AzureClients
from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.azure.pacing import GraphQuota
from backup_retry.azure.protected_items import GraphItemLookup
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.tags import GraphTagLookup
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.journal import StepKind
from simulator.machine.tls import Certificates
from tests.failures import opened, step, vm_item
from tests.odd_answers import HTML, JSON
from tests.player import Player, playing
from tests.signal_reading import MACHINE_ID
from tests.table_storage import StaticCredential
from tests.vault_world import settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

Ask = Callable[["Teller"], Awaitable[object]]


@dataclass
class Teller(Player):
    """Gives one answer, as it stands, to all that is asked."""

    text: str | None = None
    told: Mapping[str, str] = field(default_factory=lambda: JSON)

    async def play(self, request: web.Request) -> web.Response:
        """The answer."""
        del request
        return web.Response(text=self.text, status=self.status, content_type=self.told["Content-Type"])

    def tell(self, text: str | None, status: int = 200, kind: str = "application/json") -> None:
        """Answer so from now on."""
        self.text, self.status, self.told = text, status, {"Content-Type": kind}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def teller(trust: Certificates) -> AsyncIterator[Teller]:
    """All of Azure at one address."""
    async with playing(trust, Teller()) as started:
        asked = settings(started.url).model_copy(
            update={
                "ledger_endpoint": started.url,
                "eventgrid_topic_endpoint": f"{started.url}/topic/api/events",
            }
        )
        async with AzureClients(asked, ssl_context=trust.client_context()) as clients:
            clients._credential = StaticCredential()
            started.connect(clients)
            yield started


@pytest.fixture(autouse=True)
def patient(teller: Teller) -> None:
    """Nobody waits between tries."""

    async def sleep(_: float) -> None:
        """At once."""

    quota = GraphQuota(sleep=sleep)
    quota.rest = lambda seconds: None  # type: ignore[method-assign]  # noqa: ARG005
    teller.clients.graph_quota = quota


async def rows(teller: Teller) -> list[Any]:
    """A query of a sweep."""
    return [row async for row in ResourceGraph(teller.clients).rows("Resources")]


async def tags(teller: Teller) -> object:
    """Who has opted out."""
    return await GraphTagLookup(ResourceGraph(teller.clients), teller.clock).tags_of(vm_item())


async def items(teller: Teller) -> object:
    """Which items protect a machine."""
    return await GraphItemLookup(ResourceGraph(teller.clients)).items_of(MACHINE_ID)


async def beat(teller: Teller) -> object:
    """A row of the ledger."""
    return await TableLedger(teller.clients.tables(), teller.clock).last_beat("sweep")


async def waiting(teller: Teller) -> object:
    """Rows of the ledger."""
    return await TableInbox(teller.clients.tables(), teller.clock).due(10)


def page(data: object, **more: object) -> str:
    """An answer of Resource Graph."""
    return json.dumps(
        {"totalRecords": 1, "count": 1, "data": data, "facets": [], "resultTruncated": "false"} | more
    )


DATA: tuple[object, ...] = (None, {}, "none", [5], ["x"])
NONSENSE = ("", "null", "[]", "5", HTML, '{"data": [', "{}")
GRAPH: list[tuple[Ask, str]] = [
    *((ask, text) for ask in (rows, tags, items) for text in NONSENSE),
    *((rows, page(data)) for data in DATA),
    (rows, page([], **{"$skipToken": "again"})),
    *((ask, page([row])) for ask in (tags, items) for row in ({}, {"id": None}, {"id": 5})),
]


@pytest.mark.parametrize(("ask", "text"), GRAPH)
async def test_what_resource_graph_cannot_mean_is_no_answer(teller: Teller, ask: Ask, text: str) -> None:
    """Nobody is taken for not opted out, and no machine for one that nothing protects."""
    teller.tell(text)
    with pytest.raises(AzureUnavailable, match="Resource Graph"):
        await ask(teller)


@pytest.mark.parametrize("ask", [beat, waiting])
@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "5", HTML, '{"value": ['])
async def test_what_the_tables_cannot_mean_is_no_answer(teller: Teller, ask: Ask, text: str) -> None:
    """The ledger counts as one that does not answer, and nothing as empty."""
    teller.tell(text)
    with pytest.raises(AzureUnavailable, match="ledger"):
        await ask(teller)


PART = "--a\r\n\r\nHTTP/1.1 {}\r\nETag: x\r\n\r\n"


@pytest.mark.parametrize(
    "text",
    ["", "null", HTML, PART.format("204 No Content"), PART.format("nonsense"), PART.format("500 -") * 2],
)
async def test_what_a_transaction_cannot_mean_is_no_answer(teller: Teller, text: str) -> None:
    """Whoever saves has to look what the ledger says; one answer to two changes is none."""
    teller.tell(text, 202, "multipart/mixed")
    ledger = TableLedger(teller.clients.tables(), teller.clock)
    incident = replace(opened(), version="etag")
    with pytest.raises(AzureUnavailable, match="ledger"):
        await ledger.save(incident, [step(incident, StepKind.WAITING)])


@pytest.mark.parametrize(
    ("status", "text"), [(302, ""), (204, None), (202, HTML), (503, HTML), (500, "null")]
)
async def test_what_the_topic_cannot_mean_leaves_the_notice_untold(
    teller: Teller, status: int, text: str | None
) -> None:
    """It is sent again later; 200 alone says that it was taken."""
    teller.tell(text, status, "text/html")
    with pytest.raises(AzureUnavailable, match="Event Grid topic"):
        await TopicPublisher(teller.clients.topic()).announce({"x": 1})
