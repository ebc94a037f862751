"""The host's own API: its status, its functions, and running one of them by hand.

https://learn.microsoft.com/azure/azure-functions/functions-manually-run-non-http
"""

import asyncio
import json
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from simulator.functions_host.event_grid_webhook import EventGridWebhook
from simulator.functions_host.functions import Function
from simulator.functions_host.http_trigger import HttpFunctions
from simulator.functions_host.keys import Access, Keys
from simulator.functions_host.timers import Timers


class Admin:
    """The routes under /admin; all but the ping need the master key."""

    def __init__(
        self,
        keys: Keys,
        functions: Mapping[str, Function],
        timers: Timers,
        event_grid: EventGridWebhook,
        http: HttpFunctions,
    ) -> None:
        self._keys = keys
        self._functions = {name.lower(): function for name, function in functions.items()}
        self._timers = timers
        self._event_grid = event_grid
        self._http = http
        self._runs: set[asyncio.Task[Any]] = set()

    def routes(self) -> list[web.RouteDef]:
        """What to mount before the functions' own routes."""
        return [
            web.get("/admin/host/ping", _ping),
            web.get("/admin/host/status", self._guarded(self._status)),
            web.get("/admin/functions", self._guarded(self._list)),
            web.get("/admin/functions/{name}", self._guarded(self._show)),
            web.post("/admin/functions/{name}", self._guarded(self._run)),
        ]

    async def stop(self, grace: float) -> None:
        """Cut the runs that were started by hand, after so many seconds."""
        if self._runs:
            await asyncio.wait(self._runs, timeout=grace)
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)

    def _guarded(self, handler: Handler) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            match self._keys.access(request):
                case Access.ADMIN:
                    return await handler(request)
                case Access.FUNCTION:
                    return web.Response(status=HTTPStatus.FORBIDDEN)
            return web.Response(status=HTTPStatus.UNAUTHORIZED)

        return guarded

    async def _status(self, _request: web.Request) -> web.Response:
        return web.json_response({"id": "simulator", "state": "Running", "version": "4"})

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([_described(function) for function in self._functions.values()])

    async def _show(self, request: web.Request) -> web.Response:
        return web.json_response(_described(self._function(request)))

    async def _run(self, request: web.Request) -> web.Response:
        """Start the function and answer at once, whatever its trigger wants; the body is JSON, `{"input": "…"}`."""
        function = self._function(request)
        if request.content_type != "application/json":
            return web.Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            given = (await request.json()).get("input")
        except (ValueError, AttributeError):
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        task = asyncio.create_task(self._start(function, given))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)
        return web.Response(status=HTTPStatus.ACCEPTED)

    def _start(self, function: Function, given: object) -> Coroutine[Any, Any, Any]:
        match function.trigger_type:
            case "timertrigger":
                return self._timers.fire(function)
            case "eventgridtrigger":
                return self._event_grid.call(function, _event(given))
            case _:
                return self._http.run_by_hand(function, given)

    def _function(self, request: web.Request) -> Function:
        function = self._functions.get(request.match_info["name"].lower())
        if function is None:
            raise web.HTTPNotFound
        return function


async def _ping(_request: web.Request) -> web.Response:
    return web.Response()


def _event(given: object) -> object:
    """The event that is given as JSON text, or the text where it is none."""
    try:
        return json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return given


def _described(function: Function) -> dict[str, Any]:
    return {
        "name": function.name,
        "isDisabled": function.disabled,
        "language": "python",
        "config": {"bindings": list(function.bindings)},
    }
