"""A Resource Manager that answers with what it was told to, for answers that the simulator does not give."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from aiohttp import web

from backup_retry.azure.client import AzureClients
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, Job, Operation
from backup_retry.domain.schedule import BackupPolicy
from simulator.machine.tls import Certificates
from tests.clock import Clock
from tests.failures import VAULT
from tests.table_storage import StaticCredential
from tests.vault_world import VM, settings

Json = dict[str, Any]


@dataclass
class Player:
    """Plays one answer, to whatever is asked."""

    url: str = ""
    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    #: what lists of protected items hold
    items: Sequence[Json] = ()
    #: the bodies of the calls with one
    asked: list[Any] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def connect(self, clients: AzureClients) -> None:
        """Have the answers read by these clients."""
        self.clients = clients
        self._vaults = RecoveryServicesVaults(clients, self.clock)

    async def jobs(self, body: Json, items: Sequence[Json] = ()) -> Sequence[Job]:
        """A list of jobs as the adapter reads it, in a vault with these items."""
        self.body, self.status, self.items = body, 200, items
        self.clock.move(minutes=120)
        now = self.clock()
        return (await self._vaults.jobs(VAULT, now - timedelta(days=1), fresh_since=now)).jobs

    async def item(self, body: Json, status: int = 200) -> ItemState | None:
        """An item as the adapter reads it."""
        self.body, self.status = body, status
        return await self._vaults.item(VM)

    async def policy(self, body: Json) -> BackupPolicy | None:
        """A policy as the adapter reads it; the name is new each time, so that none is kept."""
        self.body, self.status = body, 200
        return await self._vaults._read_policy(VAULT, "policy")

    async def trigger(self, item: ProtectedItem, request: BackupRequest, headers: Mapping[str, str]) -> str:
        """What the adapter makes of a trigger's 202 with these headers."""
        self.body, self.status = None, 202
        kept = ("azure-asyncoperation", "location", "retry-after")
        self.headers = {name: value for name, value in headers.items() if name.lower() in kept}
        try:
            return await self._vaults.trigger(
                item, request, attempt_id="11111111-2222-3333-4444-555555555555"
            )
        finally:
            self.headers = {}

    async def operation(self, body: Json) -> Operation | None:
        """An operation's status as the adapter reads it."""
        self.body, self.status = body, 200
        return await self._vaults.operation(VM, f"{self.url}/operation?t=1")

    async def play(self, request: web.Request) -> web.Response:
        """The answer."""
        if request.can_read_body:
            self.asked.append(await request.json())
        if request.path.endswith("/backupProtectedItems"):
            return web.json_response({"value": list(self.items)})
        return web.json_response(self.body, status=self.status, headers=self.headers)


Actor = TypeVar("Actor", bound=Player)


@asynccontextmanager
async def playing(trust: Certificates, player: Actor) -> AsyncIterator[Actor]:
    """The player served over TLS, with clients that reach it."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", player.play)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust.server_context()).start()
    player.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        async with AzureClients(settings(player.url), ssl_context=trust.client_context()) as clients:
            clients._credential = StaticCredential()
            player.connect(clients)
            yield player
    finally:
        await runner.cleanup()
