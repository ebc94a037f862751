"""Every call that Azure saw, for tests and for those who ask what the app did."""

import re
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from aiohttp import web

from simulator.arm.calls import subscription_of
from simulator.arm.wire import instant

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: The entry of the call that the current task handles.
_current: ContextVar[dict[str, Any]] = ContextVar("request_log_entry")


class RequestLog:
    """The calls in the order in which they came."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._entries: list[dict[str, Any]] = []

    def clear(self) -> None:
        """Forget all calls."""
        self._entries.clear()

    def find(self, path: str = "", method: str = "") -> list[dict[str, Any]]:
        """The calls whose path the regular expression is found in, of one method or of all.

        Raises:
            re.error: `path` is no regular expression.
        """
        pattern = re.compile(path, re.IGNORECASE)
        return [
            entry
            for entry in self._entries
            if pattern.search(entry["path"]) and method.upper() in {"", entry["method"]}
        ]

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Note the call when it comes, and its status when it is answered."""
        if request.path.startswith("/_sim/"):
            return await handler(request)
        entry = self._enter(request)
        _current.set(entry)
        response = await handler(request)
        if not entry.pop("dropped", False):
            entry["status"] = response.status
        return response

    def _enter(self, request: web.Request) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "time": instant(self._now()),
            "method": request.method,
            "path": request.path,
            "query": request.rel_url.query_string,
            "status": None,
            "client_request_id": request.headers.get("x-ms-client-request-id"),
            "subscription": subscription_of(request.path),
        }
        self._entries.append(entry)
        return entry


def note_fault(name: str) -> None:
    """Say in the log which fault struck the call that is being handled."""
    _current.get()["fault"] = name


def note_dropped() -> None:
    """Say in the log that the call that is being handled gets no answer."""
    _current.get()["dropped"] = True
