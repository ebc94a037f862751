"""The simulator as a server: Resource Manager and Entra over TLS, identity and admin over plain http."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.admin import Admin
from simulator.arm.front_door import Arm
from simulator.arm.identity import Identity
from simulator.arm.permissions import Permissions
from simulator.arm.request_log import RequestLog
from simulator.arm.resources import Resources
from simulator.data_protection.api import DataProtection
from simulator.estate.estate_file import DEFAULT_ESTATE, EstateError, EstateFile
from simulator.estate.faults import Faults
from simulator.estate.state import Azure
from simulator.event_grid.subscriptions import EventSubscription
from simulator.event_grid.topics import LARGEST_PUBLISH, EventGrid
from simulator.machine.tls import Certificates, ensure_ca
from simulator.monitor.action_groups import ActionGroup
from simulator.monitor.alerting import Monitor
from simulator.recovery_services.api import RecoveryServices
from simulator.resource_graph.api import ResourceGraph

_TICK_SECONDS = 0.1
_LARGEST_BODY = 16 * LARGEST_PUBLISH


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """How to serve. Port 0 is any free one."""

    ca_directory: Path
    arm_port: int = 0
    http_port: int = 0
    host: str = "127.0.0.1"
    estate: Mapping[str, Any] = field(default_factory=lambda: DEFAULT_ESTATE)
    alerts_url: str | None = None
    eventgrid_url: str | None = None
    now: Callable[[], datetime] = _utc_now


class PortTakenError(Exception):
    """A port is in use by somebody else."""

    def __init__(self, port: int, purpose: str) -> None:
        super().__init__(f"port {port} ({purpose}) is taken")
        self.port = port
        self.purpose = purpose


class Simulator:
    """All parts of the simulated Azure, wired together. Needs a running event loop."""

    def __init__(self, now: Callable[[], datetime] = _utc_now) -> None:
        self.now = now
        self.azure = Azure()
        self.faults = Faults()
        self.identity = Identity(now)
        self.requests = RequestLog(now)
        self.monitor = Monitor(self.faults, now)
        self.event_grid = EventGrid(now)
        self.azure.listeners.append(self.monitor.job_failed)
        self._graph = ResourceGraph(self.azure, self.faults)
        services = (
            Resources(self.azure),
            RecoveryServices(self.azure),
            DataProtection(self.azure),
            Permissions(self.azure),
            self._graph,
        )
        #: All that Resource Manager answers to.
        self.routes = [route for service in services for route in service.routes()]
        self._arm = Arm(self.azure, self.identity, self.faults, self.routes, now)
        self._arm.listeners.extend((self.monitor.backup_refused, self.event_grid.backup_refused))

    def reset(self, document: object) -> None:
        """Begin anew with the estate that the JSON document describes; nothing is armed, logged or under way.

        Raises:
            ValueError: the document describes none; nothing was changed.
        """
        wanted = EstateFile.read(document)
        estate = wanted.build(self.now())
        _check_each("action_groups", wanted.action_groups, ActionGroup.from_json)
        _check_each("event_subscriptions", wanted.event_subscriptions, EventSubscription.from_json)
        pace = estate.settings.delivery_pace
        delay = estate.settings.alert_delay_seconds
        self.monitor.configure(wanted.action_groups, pace, delay, wanted.notices)
        self.event_grid.configure(wanted.event_subscriptions, pace, wanted.notices)
        self.azure.reset(estate)
        self.faults.arm([])
        self.requests.clear()
        self._arm.reset()
        self._graph.reset()

    def advance(self) -> Azure:
        """The state as it is now."""
        self.azure.advance(self.now())
        return self.azure

    def tls_app(self) -> web.Application:
        """Entra ID, Event Grid's topics and Resource Manager."""
        app = web.Application(middlewares=[self.requests.middleware], client_max_size=_LARGEST_BODY)
        app.add_routes(self.identity.tls_routes())
        app.add_routes(self.event_grid.routes(self.identity.authenticated))
        app.router.add_route("*", "/{path:.*}", self._arm.handle)
        return app

    def plain_app(self) -> web.Application:
        """The managed identity endpoints and the admin API."""
        app = web.Application(middlewares=[self.requests.middleware], client_max_size=_LARGEST_BODY)
        app.add_routes(self.identity.plain_routes())
        app.add_routes(Admin(self).routes())
        return app

    async def tick(self) -> None:
        """Let time pass, for ever."""
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            self.advance()

    async def close(self) -> None:
        """Give up what is under way."""
        await self.monitor.close()
        await self.event_grid.close()
        self._graph.close()


def _check_each(
    name: str, entries: Sequence[Mapping[str, Any]] | None, read: Callable[[Mapping[str, Any]], object]
) -> None:
    """Refuse entries that Monitor or Event Grid would, before anything has changed."""
    for index, entry in enumerate(entries or ()):
        try:
            read(entry)
        except (TypeError, ValueError) as error:
            raise EstateError(f"{name}[{index}]: {error}") from error


@dataclass(kw_only=True)
class RunningServer:
    """A simulator that answers. Close it, or use it as a context."""

    simulator: Simulator
    certificates: Certificates
    arm_url: str
    admin_url: str
    _runners: list[web.AppRunner]
    _ticker: asyncio.Task[None]

    @property
    def identity_endpoint(self) -> str:
        """What IDENTITY_ENDPOINT is to say."""
        return f"{self.admin_url}/msi/token"

    @property
    def identity_header(self) -> str:
        """What IDENTITY_HEADER is to say."""
        return self.simulator.identity.header

    @property
    def azure(self) -> Azure:
        """The state."""
        return self.simulator.azure

    @property
    def faults(self) -> Faults:
        """The armed faults."""
        return self.simulator.faults

    @property
    def monitor(self) -> Monitor:
        """Alerts and action groups."""
        return self.simulator.monitor

    @property
    def event_grid(self) -> EventGrid:
        """Topics and event subscriptions."""
        return self.simulator.event_grid

    async def close(self) -> None:
        """Stop serving."""
        self._ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._ticker
        for runner in self._runners:
            await runner.cleanup()
        await self.simulator.close()

    async def __aenter__(self) -> "RunningServer":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


async def serve(config: ServerConfig) -> RunningServer:
    """Start the simulator.

    Raises:
        ValueError: the estate is malformed.
        PortTakenError: a port is in use.
    """
    simulator = Simulator(config.now)
    simulator.reset(config.estate)
    simulator.monitor.set_default_webhook(config.alerts_url)
    simulator.event_grid.set_default_endpoint(config.eventgrid_url)
    certificates = ensure_ca(config.ca_directory)
    runners = [
        web.AppRunner(simulator.tls_app(), access_log=None),
        web.AppRunner(simulator.plain_app(), access_log=None),
    ]
    try:
        arm_port = await _listen(
            runners[0], config, config.arm_port, "Resource Manager and Entra", certificates
        )
        http_port = await _listen(
            runners[1], config, config.http_port, "identity endpoint and admin API", None
        )
    except BaseException:
        for runner in runners:
            await runner.cleanup()
        await simulator.close()
        raise
    return RunningServer(
        simulator=simulator,
        certificates=certificates,
        arm_url=f"https://localhost:{arm_port}",
        admin_url=f"http://{config.host}:{http_port}",
        _runners=runners,
        _ticker=asyncio.create_task(simulator.tick()),
    )


async def _listen(
    runner: web.AppRunner, config: ServerConfig, port: int, purpose: str, certificates: Certificates | None
) -> int:
    """Start to listen, and say on which port."""
    await runner.setup()
    context = certificates.server_context() if certificates else None
    site = web.TCPSite(runner, config.host, port, ssl_context=context)
    try:
        await site.start()
    except OSError as error:
        raise PortTakenError(port, purpose) from error
    return int(runner.addresses[0][1])
