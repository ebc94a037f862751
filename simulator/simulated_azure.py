"""All parts of the simulated Azure, wired together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from simulator.arm.cloud import PUBLIC, Cloud
from simulator.arm.front_door import Arm
from simulator.arm.function_apps import FunctionApps
from simulator.arm.identity import Identity
from simulator.arm.permissions import Permissions
from simulator.arm.request_log import RequestLog
from simulator.arm.resources import Resources
from simulator.data_protection.api import DataProtection
from simulator.estate.estate_file import EstateFile
from simulator.estate.faults import Faults
from simulator.estate.file_parts import EstateError
from simulator.estate.state import Azure
from simulator.event_grid.subscriptions import EventSubscription
from simulator.event_grid.topics import LARGEST_PUBLISH, EventGrid
from simulator.monitor.action_groups import ActionGroup
from simulator.monitor.alert_routes import AlertRoutes
from simulator.monitor.alerting import Monitor
from simulator.recovery_services.api import RecoveryServices
from simulator.resource_graph.api import ResourceGraph

_TICK_SECONDS = 0.1
LARGEST_BODY = 16 * LARGEST_PUBLISH


def utc_now() -> datetime:
    """The clock of whoever brings none."""
    return datetime.now(UTC)


class Simulator:
    """All parts of the simulated Azure, wired together. Needs a running event loop."""

    def __init__(self, now: Callable[[], datetime] = utc_now, cloud: Cloud = PUBLIC) -> None:
        self.now = now
        self.azure = Azure()
        self.faults = Faults()
        self.identity = Identity(now, cloud)
        self.requests = RequestLog(now)
        self.monitor = Monitor(self.faults, now)
        self.event_grid = EventGrid(now, token=self.identity.tokens.issue)
        self.azure.listeners.append(self.monitor.job_failed)
        self._graph = ResourceGraph(self.azure, self.faults)
        services = (
            Resources(self.azure),
            RecoveryServices(self.azure),
            DataProtection(self.azure),
            Permissions(self.azure),
            FunctionApps(self.azure),
            AlertRoutes(self.monitor),
            self._graph,
        )
        #: All that Resource Manager answers to.
        self.routes = [route for service in services for route in service.routes()]
        self._arm = Arm(self.azure, self.identity, self.faults, self.routes, now)
        self._arm.listeners.extend((self.monitor.backup_refused, self.event_grid.backup_refused))

    def reset(self, document: object) -> None:
        """Start over with the estate that the JSON document describes; no faults, no log, no calls under way.

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
        self.azure.replay(estate.jobs, self.now())
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
        app = web.Application(middlewares=[self.requests.middleware], client_max_size=LARGEST_BODY)
        app.add_routes(self.identity.tls_routes())
        app.add_routes(self.event_grid.routes(self.identity.may_publish))
        app.router.add_route("*", "/{path:.*}", self._arm.handle)
        return app

    async def tick(self) -> None:
        """Let time pass, indefinitely."""
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
