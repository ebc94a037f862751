"""A function app, served: the worker behind HTTP, Event Grid, admin endpoints and timers."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from logging import getLogger
from pathlib import Path

from aiohttp import web

from simulator.functions_host.admin import Admin
from simulator.functions_host.event_grid_webhook import EventGridWebhook
from simulator.functions_host.functions import AppStartError, Function, load_function
from simulator.functions_host.host_options import HostOptions
from simulator.functions_host.host_storage import HostStorage
from simulator.functions_host.http_trigger import LARGEST_BODY, HttpFunctions
from simulator.functions_host.keys import Keys
from simulator.functions_host.request_queue import RequestQueue
from simulator.functions_host.timers import Timers
from simulator.functions_host.worker import Worker

_log = getLogger("host.startup")
#: Seconds that requests have to end in when the host stops, and timers.
_REQUEST_SECONDS, _TIMER_SECONDS = 3.0, 10.0


class FunctionsHost:
    """Runs one app from `start` to `close`."""

    def __init__(
        self,
        app_directory: Path,
        keys: Keys,
        settings: Mapping[str, str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        storage: Path | None = None,
        log_file: Path | None = None,
        timers_fire: bool = True,
    ) -> None:
        """`settings`: the app settings, which for the app itself are its environment.

        `storage`: where timers' status and the lock on them are kept. Where no timer fires the rest
        of the host works: https://github.com/Azure/azure-functions-host/issues/11828
        """
        self._timers_fire = timers_fire
        self._app_directory = app_directory.resolve()
        self._keys = keys
        self._settings = settings
        self._now = now
        self._log_file = log_file
        self._storage = HostStorage(storage, now) if storage is not None else None
        #: set when the host has come to its end by itself
        self.ended = asyncio.Event()

    async def start(self, port: int) -> str:
        """Load the app and serve it; the host's URL. An app that cannot be loaded is an app without functions.

        Raises:
            AppStartError: host.json is missing or malformed.
            OSError: the port is taken.
        """
        options = HostOptions.read(self._app_directory / "host.json")
        self._worker = Worker(
            self._app_directory,
            function_timeout=options.function_timeout,
            log_file=self._log_file,
            when_given_up=self.ended.set,
        )
        functions = await self._load()
        timers = _triggered_by("timertrigger", functions)
        self._timers = Timers(self._worker, timers, self._now, self._storage)
        self._runner = web.AppRunner(
            self._application(functions, options),
            access_log=None,
            shutdown_timeout=_REQUEST_SECONDS,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        if self._timers_fire:
            self._timers.start()
        if self._storage is not None:
            self._holding = asyncio.create_task(self._storage.hold(self.ended.set))
        return f"http://localhost:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Take no more requests, let what runs end, and stop."""
        await self._runner.cleanup()
        await asyncio.gather(self._timers.stop(_TIMER_SECONDS), self._admin.stop(_TIMER_SECONDS))
        if self._storage is not None:
            self._holding.cancel()
            self._storage.release()
        await self._worker.stop()

    async def _load(self) -> dict[str, Function]:
        """The functions of the app; one that is in error is not served, and the log says why."""
        found: dict[str, Function] = {}
        try:
            indexed = await self._worker.start()
        except AppStartError as error:
            _log.error("The function app did not start: %s", error)
            return found
        for each in indexed:
            try:
                found[each.name] = load_function(each, self._settings)
            except AppStartError as error:
                _log.error("The '%s' function is in error: %s", each.name, error)
        return found

    def _application(self, functions: Mapping[str, Function], options: HostOptions) -> web.Application:
        queue = RequestQueue(options.most_at_once, options.most_outstanding)
        event_grid = EventGridWebhook(
            self._worker, self._keys, _triggered_by("eventgridtrigger", functions), queue
        )
        http = HttpFunctions(
            self._worker, self._keys, _triggered_by("httptrigger", functions), options.route_prefix, queue
        )
        self._admin = Admin(self._keys, functions, self._timers, event_grid, http)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.add_routes(self._admin.routes())
        application.router.add_route("*", "/runtime/webhooks/{_:(?i:eventgrid)}", event_grid.handle)
        application.router.add_route("*", "/{_:.*}", http.handle)
        return application


def _triggered_by(trigger_type: str, functions: Mapping[str, Function]) -> list[Function]:
    return [function for function in functions.values() if function.trigger_type == trigger_type]
