"""The pages that Resource Graph answers the sweep's query with."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from reconciler.sweep import failed_jobs_query, read_row
from simulator.machine.tls import Certificates
from simulator.resource_graph.kql import GraphTables
from simulator.server import RunningServer, ServerConfig, serve
from tests.clock import Clock
from tests.failed_jobs_world import FAILED, NOW, SINCE, Graph
from tests.failures import VAULT
from tests.player import Player, playing
from tests.vault_world import settings


@pytest.fixture(scope="module")
def tables() -> Iterator[GraphTables]:
    tables = GraphTables()
    yield tables
    tables.close()


@pytest.fixture
def graph(tables: GraphTables) -> Graph:
    return Graph(tables)


# ---- the adapter -------------------------------------------------------------------------------------------

MANY = 1_050


@pytest.fixture
async def azure(
    trust: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RunningServer, ResourceGraph]]:
    """A simulated Azure with more failures than fit on a page."""
    items = [{"vm": f"vm-{number:04}", "resource_group": "rg-app"} for number in range(MANY)]
    vault = {
        "subscription": VAULT.subscription,
        "resource_group": "rg-backup",
        "name": "vault-1",
        "items": items,
    }
    estate = {
        "subscriptions": [{"id": VAULT.subscription, "name": "Test"}],
        "vaults": [vault],
        "action_groups": [],
    }
    clock = Clock()
    config = ServerConfig(ca_directory=trust.ca_file.parent, estate=estate, now=clock)
    async with await serve(config) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
        for item in server.azure.items:
            server.azure.run_job(item, FAILED, now=clock())
        async with AzureClients(settings(server.arm_url), ssl_context=trust.client_context()) as clients:
            yield server, ResourceGraph(clients)


async def test_all_pages_are_read(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """Two pages, no row twice; every row names a job and its item."""
    server, graph = azure
    rows = [row async for row in graph.rows(failed_jobs_query(SINCE))]
    found = [each for row in rows if (each := read_row(row))]
    assert {each.job_id for each in found} == {job.name for job in server.azure.jobs}
    assert len(found) == len(rows) == MANY
    assert {each.item.key for each in found if each.item} == {item.id.lower() for item in server.azure.items}
    assert {each.started_at for each in found} == {NOW}
    assert len(server.simulator.requests.find("ResourceGraph/resources$")) == 2


async def test_a_page_that_is_missing_is_no_end(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """The rows before it are there, then there is an error: a sweep that is not complete."""
    server, graph = azure
    server.faults.arm([{"name": "drop_request", "match": "ResourceGraph", "skip": 1}])
    rows = aiter(graph.rows(failed_jobs_query(SINCE)))
    for _ in range(1_000):
        assert await anext(rows)
    with pytest.raises(AzureUnavailable):
        await anext(rows)


async def test_a_throttled_page_is_asked_for_again(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """By the SDK, which waits as long as Resource Graph says."""
    server, graph = azure
    server.faults.arm([{"name": "throttle", "match": "ResourceGraph", "retry_after": 0, "count": 1}])
    assert len([row async for row in graph.rows(failed_jobs_query(SINCE))]) == MANY


async def test_a_query_that_azure_refuses_is_an_error(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """No empty answer."""
    _, graph = azure
    with pytest.raises(AzureRefused):
        await anext(aiter(graph.rows("RecoveryServicesResources | wherever")))


async def test_an_answer_for_a_part_of_the_subscriptions_is_an_error(trust: Certificates) -> None:
    """Otherwise a sweep would call itself complete."""
    async with playing(trust, Player()) as player:
        player.body = {"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "false"}
        graph = ResourceGraph(player.clients)
        assert [row async for row in graph.rows("query")] == []
        player.headers = {"x-ms-tenant-subscription-limit-hit": "true"}
        with pytest.raises(AzureRefused, match="SUBSCRIPTIONS"):
            await anext(aiter(graph.rows("query")))


async def test_many_subscriptions_are_asked_in_groups(trust: Certificates) -> None:
    """250 at a time, each once; without any chosen all are asked that the identity can see."""
    chosen = [str(uuid.UUID(int=number)) for number in range(501)]
    async with playing(trust, Player()) as player:
        player.body = {"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "false"}
        for subscriptions in (chosen, []):
            assert [row async for row in ResourceGraph(player.clients, subscriptions).rows("query")] == []
        *groups, everything = [body.get("subscriptions") for body in player.asked]
    assert [len(group) for group in groups] == [250, 250, 1]
    assert [each for group in groups for each in group] == chosen
    assert everything is None
