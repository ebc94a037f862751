"""The Event Grid extension's webhook: `/runtime/webhooks/EventGrid?functionName=…&code=…`.

https://learn.microsoft.com/azure/azure-functions/event-grid-how-tos
"""

import asyncio
import json
from collections.abc import Iterable
from functools import partial
from http import HTTPStatus
from typing import Any

from aiohttp import web

from simulator.functions_host.functions import Function
from simulator.functions_host.keys import Access, Keys
from simulator.functions_host.protos import TypedData
from simulator.functions_host.request_queue import RequestQueue
from simulator.functions_host.worker import Worker

ORIGIN = "eventgrid.azure.net"


class EventGridWebhook:
    """Answers both handshakes, and calls the function once for each event."""

    def __init__(
        self, worker: Worker, keys: Keys, functions: Iterable[Function], queue: RequestQueue
    ) -> None:
        self._worker = worker
        self._keys = keys
        self._queue = queue
        self._functions = {function.name: function for function in functions}

    async def handle(self, request: web.Request) -> web.Response:
        """One request of Event Grid; what is wrong with it is never said."""
        if not self._keys.opens_event_grid(request):
            known = self._keys.access(request) is not Access.ANONYMOUS
            status = HTTPStatus.FORBIDDEN if known else HTTPStatus.UNAUTHORIZED
            return web.Response(status=status, headers={} if known else {"WWW-Authenticate": "Bearer"})
        function = self._functions.get(request.query.get("functionName", ""))
        if function is None or function.disabled:
            return web.Response(status=HTTPStatus.NOT_FOUND)
        if request.method == "OPTIONS":
            return web.Response(headers={"Webhook-Allowed-Origin": ORIGIN})
        return await self._queue.answer(partial(self._receive, function, request))

    async def call(self, function: Function, event: object) -> bool:
        """Call the function with one event; whether it succeeded."""
        outcome = await self._worker.invoke(function, TypedData(json=json.dumps(event)))
        return outcome.succeeded

    async def _receive(self, function: Function, request: web.Request) -> web.Response:
        match request.headers.get("aeg-event-type", "").lower():
            case "unsubscribe":
                return web.Response(status=HTTPStatus.ACCEPTED)
            case "subscriptionvalidation":
                return await _validated(request)
            case "notification":
                return await self._notified(function, request)
        return web.Response(status=HTTPStatus.BAD_REQUEST)

    async def _notified(self, function: Function, request: web.Request) -> web.Response:
        """All events at a time; one that fails costs the others their delivery, too."""
        events = await _events(request)
        if events is None:
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        succeeded = await asyncio.gather(*(self.call(function, event) for event in events))
        ended = HTTPStatus.ACCEPTED if all(succeeded) else HTTPStatus.INTERNAL_SERVER_ERROR
        return web.Response(status=ended)


async def _validated(request: web.Request) -> web.Response:
    """The handshake of Event Grid's own schema: the code comes back, in JSON that calls itself text."""
    try:
        code = (await _events(request) or [])[0]["data"]["validationCode"]
    except (LookupError, TypeError):
        return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    return web.Response(text=json.dumps({"validationResponse": code}))


async def _events(request: web.Request) -> list[Any] | None:
    """The events of a body, which is a list of them or one; None: it is neither."""
    try:
        content = await request.json()
    except ValueError:
        return None
    if isinstance(content, dict):
        return [content]
    return content if isinstance(content, list) else None
