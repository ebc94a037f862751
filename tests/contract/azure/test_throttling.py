"""Azure asks to be left alone for a while: nobody sleeps it out, nobody else waits, and it never lasts for good."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import pytest_asyncio
from aiohttp import web

from backup_retry.azure.client import AzureClients, azure_errors, read_json
from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.azure.pacing import ArmPace, GraphQuota
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.vaults import AzureVaults
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.errors import AzureUnavailable, Throttled
from backup_retry.domain.jobs import BackupRequest
from simulator.machine.tls import Certificates
from tests.builders import OTHER_SUBSCRIPTION
from tests.failures import VAULT, vm_item
from tests.player import Player, playing
from tests.table_storage import StaticCredential
from tests.vault_world import settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACKUP_VAULT = replace(VAULT, kind=VaultKind.BACKUP)
#: a hundred vaults of as many subscriptions
VAULTS = [
    replace(VAULT, subscription=f"00000000-0000-0000-0000-{number:012}", name=f"v-{number}")
    for number in range(100)
]


@dataclass
class Throttler(Player):
    """Refuses what an address has in it, and answers everything else with an empty list."""

    refused: str = ""
    after: str = "60"
    status: int = 429
    calls: list[str] = field(default_factory=list)

    async def play(self, request: web.Request) -> web.Response:
        """The answer."""
        self.calls.append(request.path)
        if self.refused in request.path:
            return web.Response(status=self.status, headers={"Retry-After": self.after})
        return web.json_response({"value": []})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def started(trust: Certificates) -> AsyncIterator[Throttler]:
    """All of Azure at one address."""
    async with playing(trust, Throttler()) as player:
        ours = {"ledger_endpoint": player.url, "eventgrid_topic_endpoint": f"{player.url}/topic/api/events"}
        asked = settings(player.url).model_copy(update=ours)
        async with AzureClients(asked, ssl_context=trust.client_context()) as clients:
            player.connect(clients)
            yield player


@pytest.fixture
def azure(started: Throttler, monkeypatch: pytest.MonkeyPatch) -> Throttler:
    """Nobody has been throttled yet."""
    monkeypatch.setattr(started.clients, "_credential", StaticCredential())
    started.clients._transport.pace = ArmPace()
    started.clients.graph_quota = GraphQuota()
    started.calls.clear()
    started.refused, started.after, started.status = "", "60", 429
    return started


def vaults(azure: Throttler) -> AzureVaults:
    """An adapter that has read nothing yet."""
    return AzureVaults(azure.clients, azure.clock)


async def jobs(azure: Throttler, vault: Vault = VAULT) -> object:
    """A vault's list."""
    now = azure.clock()
    return await vaults(azure).jobs(vault, now, fresh_since=now)


async def token(azure: Throttler) -> object:
    """A token of the app's identity."""
    context = azure.clients._ssl_context
    async with azure_errors("identity"), AzureClients(azure.clients._settings, ssl_context=context) as own:
        return await own.arm_token()


async def graph(azure: Throttler) -> object:
    """A query that somebody waits for."""
    return [row async for row in ResourceGraph(azure.clients).rows("Resources")]


ASKED: dict[str, Callable[[Throttler], Awaitable[object]]] = {
    "job": lambda azure: vaults(azure).job(VAULT, "j-1"),
    "jobs": jobs,
    "item": lambda azure: vaults(azure).item(vm_item()),
    "operation": lambda azure: vaults(azure).operation(vm_item(), f"{azure.url}/subscriptions/s/op"),
    "document": lambda azure: read_json(azure.clients.backup("s"), f"{azure.url}/subscriptions/s/x"),
    "job of a Backup vault": lambda azure: vaults(azure).job(BACKUP_VAULT, "j-1"),
    "jobs of a Backup vault": lambda azure: jobs(azure, BACKUP_VAULT),
    "Resource Graph": graph,
    "row": lambda azure: TableLedger(azure.clients.tables(), azure.clock).last_beat("sweep"),
    "rows": lambda azure: TableInbox(azure.clients.tables(), azure.clock).due(10),
    "write": lambda azure: TableLedger(azure.clients.tables(), azure.clock).beat("sweep", azure.clock()),
    "topic": lambda azure: TopicPublisher(azure.clients.topic()).announce({}),
}


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "after", ["6", "60", "86400", "99999999999999", "9" * 400], ids=lambda text: text[:20]
)
async def test_no_call_sleeps_out_what_azure_asks_for(
    azure: Throttler, asked: str, status: int, after: str
) -> None:
    """It ends, is not repeated, and says when to come back: in an hour at most."""
    azure.status, azure.after = status, after
    async with asyncio.timeout(2):
        with pytest.raises(AzureUnavailable) as caught:
            await ASKED[asked](azure)
    assert len(azure.calls) == 1
    assert caught.value.retry_after is not None
    assert timedelta(seconds=5) < caught.value.retry_after <= timedelta(hours=1)


@pytest.mark.parametrize("of", [vm_item(), vm_item(vault=BACKUP_VAULT)], ids=["vault", "Backup vault"])
async def test_a_trigger_that_is_put_off_comes_back_within_the_hour(
    azure: Throttler, of: ProtectedItem
) -> None:
    """And is not repeated by itself."""
    azure.after = "99999999999999"
    request = BackupRequest(workload="VM", rule="BackupDaily", keep_until=azure.clock())
    with pytest.raises(Throttled) as caught:
        await vaults(azure).trigger(of, request, attempt_id="11111111-2222-3333-4444-555555555555")
    assert caught.value.retry_after == timedelta(hours=1)
    assert len(azure.calls) == 1


@pytest.mark.parametrize("after", ["inf", "nan", "1e99", "Fri, 31 Dec 9999 23:59:59 GMT"])
@pytest.mark.parametrize("asked", ["jobs", "row", "write", "topic"])
async def test_no_call_sleeps_out_what_nobody_can_read(azure: Throttler, asked: str, after: str) -> None:
    """Whatever the header says, or means to say."""
    azure.status, azure.after = 503, after
    async with asyncio.timeout(2):
        with pytest.raises(AzureUnavailable):
            await ASKED[asked](azure)


async def test_neither_does_the_call_for_a_token(azure: Throttler, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other call waits for it."""
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{azure.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "secret")
    async with asyncio.timeout(2):
        with pytest.raises(AzureUnavailable):
            await token(azure)
    assert len(azure.calls) == 1


@pytest.mark.parametrize("after", ["0", "1", ""])
async def test_a_short_wait_is_waited_for_once(
    azure: Throttler, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No 429 is answered with more than one repetition."""
    monkeypatch.setattr("backup_retry.azure.pacing._REST", 0.1)
    azure.after = after
    with pytest.raises(AzureUnavailable):
        await jobs(azure)
    assert len(azure.calls) == 2


@pytest.mark.parametrize("after", ["60", "324", "86400", "99999999999999"])
async def test_a_throttled_vault_costs_the_others_nothing(azure: Throttler, after: str) -> None:
    """A hundred vaults of as many subscriptions, one of which Azure refuses: the others are listed meanwhile."""
    azure.refused, azure.after = "/v-7/", after
    began = time.perf_counter()

    async def listed(vault: Vault) -> bool:
        with suppress(AzureUnavailable):
            await jobs(azure, vault)
            return True
        return False

    found = [await listed(vault) for vault in VAULTS]
    assert [number for number, each in enumerate(found) if not each] == [7]
    assert time.perf_counter() - began < 5


async def test_only_the_refused_action_of_the_subscription_rests(azure: Throttler) -> None:
    """Its items can be read while its jobs cannot, and another subscription's jobs can."""
    azure.refused = "/backupJobs"
    with pytest.raises(AzureUnavailable):
        await jobs(azure)
    azure.refused = "nobody"
    with pytest.raises(AzureUnavailable, match="vaults/backupjobs/read"):
        await jobs(azure)
    assert len(azure.calls) == 1
    await jobs(azure, replace(VAULT, subscription=OTHER_SUBSCRIPTION))
    await read_json(azure.clients.backup(VAULT.subscription), f"{azure.url}{VAULT.id}/backupPolicies")
    assert len(azure.calls) == 3
