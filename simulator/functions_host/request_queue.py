"""The one queue in which HTTP functions and Event Grid's webhook wait for their turn.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook#hostjson-settings
"""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web

#: What tells the platform that another instance is wanted.
_SCALE_OUT = {"X-FUNCTION-SCALEOUT": "1"}


class RequestQueue:
    """Lets so many requests through at a time; None: all."""

    def __init__(self, most_at_once: int | None = None, most_outstanding: int | None = None) -> None:
        self._turns = asyncio.Semaphore(most_at_once) if most_at_once else None
        self._most_outstanding = most_outstanding
        self._outstanding = 0

    async def answer(self, handle: Callable[[], Awaitable[web.Response]]) -> web.Response:
        """The answer to a request that has waited for its turn; 429 where too many wait and run already."""
        if self._most_outstanding is not None and self._outstanding >= self._most_outstanding:
            return web.Response(status=HTTPStatus.TOO_MANY_REQUESTS, headers=_SCALE_OUT)
        self._outstanding += 1
        try:
            if self._turns is None:
                return await handle()
            async with self._turns:
                return await handle()
        finally:
            self._outstanding -= 1
