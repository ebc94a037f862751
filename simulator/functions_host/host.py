"""A function app, served: the worker behind HTTP, Event Grid, admin endpoints and timers."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from simulator.functions_host.admin import Admin
from simulator.functions_host.event_grid_webhook import EventGridWebhook
from simulator.functions_host.functions import AppStartError, Function, load_function
from simulator.functions_host.http_trigger import LARGEST_BODY, HttpFunctions
from simulator.functions_host.keys import Keys
from simulator.functions_host.timers import Timers
from simulator.functions_host.worker import Worker

#: Seconds that running functions have to end in when the host stops.
_GRACE_SECONDS = 3.0


class FunctionsHost:
    """Runs one app from `start` to `close`."""

    def __init__(
        self,
        app_directory: Path,
        keys: Keys,
        settings: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        timers_fire: bool = True,
    ) -> None:
        """`settings`: the app settings, which for the app itself are its environment.

        Where no timer fires the rest of the host works: https://github.com/Azure/azure-functions-host/issues/11828
        """
        self._timers_fire = timers_fire
        self._app_directory = app_directory.resolve()
        self._keys = keys
        self._settings = settings
        self._now = now

    async def start(self, port: int) -> str:
        """Load the app and serve it; the host's URL.

        Raises:
            AppStartError: the app cannot run.
            OSError: the port is taken.
        """
        prefix = _route_prefix(self._app_directory / "host.json")
        self._worker = Worker(self._app_directory)
        indexed = await self._worker.start()
        functions = {each.name: load_function(each, self._settings) for each in indexed}
        self._timers = Timers(self._worker, _triggered_by("timertrigger", functions), self._now)
        self._runner = web.AppRunner(
            self._application(functions, prefix), access_log=None, shutdown_timeout=_GRACE_SECONDS
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        if self._timers_fire:
            self._timers.start()
        return f"http://localhost:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Take no more requests, let the running ones end, and stop."""
        await self._runner.cleanup()
        await self._timers.stop()
        await self._admin.stop()
        self._worker.stop()

    def _application(self, functions: Mapping[str, Function], prefix: str) -> web.Application:
        event_grid = EventGridWebhook(self._worker, self._keys, _triggered_by("eventgridtrigger", functions))
        http = HttpFunctions(self._worker, self._keys, _triggered_by("httptrigger", functions), prefix)
        self._admin = Admin(self._keys, functions, self._timers, event_grid)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.add_routes(self._admin.routes())
        application.router.add_route("*", "/runtime/webhooks/{_:(?i:eventgrid)}", event_grid.handle)
        application.router.add_route("*", "/{_:.*}", http.handle)
        return application


def _triggered_by(trigger_type: str, functions: Mapping[str, Function]) -> list[Function]:
    return [function for function in functions.values() if function.trigger_type == trigger_type]


def _route_prefix(host_file: Path) -> str:
    """The `routePrefix` of host.json.

    Raises:
        AppStartError: host.json is missing or malformed.
    """
    try:
        content = json.loads(host_file.read_text())
        prefix = content.get("extensions", {}).get("http", {}).get("routePrefix", "api")
    except (OSError, ValueError, AttributeError) as error:
        raise AppStartError(f"{host_file}: {error}") from error
    return str(prefix)
