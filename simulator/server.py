"""The simulator as a server: Resource Manager and Entra over TLS, identity and admin over plain http."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from simulator.admin import Admin
from simulator.arm.cloud import PUBLIC, Cloud
from simulator.estate.estate_file import DEFAULT_ESTATE
from simulator.estate.faults import Faults
from simulator.estate.state import Azure
from simulator.event_grid.topics import EventGrid
from simulator.machine.tls import Certificates, ensure_ca
from simulator.monitor.alerting import Monitor
from simulator.simulated_azure import LARGEST_BODY, Simulator, utc_now


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
    now: Callable[[], datetime] = utc_now
    cloud: Cloud = PUBLIC


class PortTakenError(Exception):
    """A port is in use by somebody else."""

    def __init__(self, port: int, purpose: str) -> None:
        super().__init__(f"port {port} ({purpose}) is taken")
        self.port = port
        self.purpose = purpose


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
    simulator = Simulator(config.now, config.cloud)
    simulator.reset(config.estate)
    simulator.monitor.set_default_webhook(config.alerts_url)
    simulator.event_grid.set_default_endpoint(config.eventgrid_url)
    certificates = ensure_ca(config.ca_directory)
    runners = [
        web.AppRunner(simulator.tls_app(), access_log=None),
        web.AppRunner(_plain_app(simulator), access_log=None),
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


def _plain_app(simulator: Simulator) -> web.Application:
    """The managed identity endpoints and the admin API."""
    app = web.Application(middlewares=[simulator.requests.middleware], client_max_size=LARGEST_BODY)
    app.add_routes(simulator.identity.plain_routes())
    app.add_routes(Admin(simulator).routes())
    return app


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
