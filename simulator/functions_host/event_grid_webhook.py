"""The Event Grid extension's webhook: `/runtime/webhooks/EventGrid?functionName=…&code=…`.

https://learn.microsoft.com/azure/azure-functions/event-grid-how-tos
"""

import asyncio
import json
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from simulator.functions_host.functions import Function
from simulator.functions_host.keys import Keys
from simulator.functions_host.protos import TypedData
from simulator.functions_host.worker import Worker

ORIGIN = "eventgrid.azure.net"


class EventGridWebhook:
    """Answers both handshakes, and calls the function once for each event."""

    def __init__(self, worker: Worker, keys: Keys, functions: Iterable[Function]) -> None:
        self._worker = worker
        self._keys = keys
        self._functions = {function.name.lower(): function for function in functions}

    async def handle(self, request: web.Request) -> web.Response:
        """One request of Event Grid."""
        if not self._keys.opens_event_grid(request):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        name = request.query.get("functionName", "")
        function = self._functions.get(name.lower())
        if function is None or function.disabled:
            return web.Response(status=HTTPStatus.NOT_FOUND, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": ORIGIN})
        try:
            return await self._receive(function, request)
        except (ValueError, TypeError, LookupError) as error:
            return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"malformed request: {error!r}")

    async def call(self, function: Function, event: object) -> bool:
        """Call the function with one event; whether it succeeded."""
        outcome = await self._worker.invoke(function, TypedData(json=json.dumps(event)))
        return outcome.succeeded

    async def _receive(self, function: Function, request: web.Request) -> web.Response:
        event_type = request.headers.get("aeg-event-type", "").lower()
        if event_type == "unsubscribe":
            return web.Response(status=HTTPStatus.ACCEPTED)
        content = await request.json()
        events = content if isinstance(content, list) else [content]
        if event_type == "subscriptionvalidation":
            return web.json_response({"validationResponse": events[0]["data"]["validationCode"]})
        if event_type != "notification":
            return web.Response(status=HTTPStatus.BAD_REQUEST, text="aeg-event-type is missing or unknown")
        succeeded = await asyncio.gather(*(self.call(function, event) for event in events))
        if not all(succeeded):
            text = f"Exception while executing function: Functions.{function.name}"
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text=text)
        return web.Response(status=HTTPStatus.ACCEPTED)
