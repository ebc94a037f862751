"""The host's keys, and what a request may do with the one it brings.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

import secrets
import time
from dataclasses import dataclass, field
from enum import IntEnum

from aiohttp import web


class Access(IntEnum):
    """What a key opens, each including those before it."""

    ANONYMOUS = 0
    FUNCTION = 1
    ADMIN = 2


def _random_key() -> str:
    return secrets.token_hex(24)  # never starts with a dash, which a command line would take for an option


@dataclass(frozen=True, kw_only=True)
class Keys:
    """One key of each kind; those not given are random."""

    function: str = field(default_factory=_random_key)
    master: str = field(default_factory=_random_key)
    #: The system key of the Event Grid extension.
    event_grid: str = field(default_factory=_random_key)
    #: seconds from the start on until the extension has read its key: it refuses everybody until then
    event_grid_delay: float = 0.0
    _made: float = field(default_factory=time.monotonic)

    def access(self, request: web.Request) -> Access:
        """What the request's key opens."""
        key = _key_of(request)
        if _equal(key, self.master):
            return Access.ADMIN
        return Access.FUNCTION if _equal(key, self.function) else Access.ANONYMOUS

    def opens_event_grid(self, request: web.Request) -> bool:
        """Whether the request may deliver events.

        On Flex Consumption the host takes calls before that key is read:
        https://github.com/Azure/azure-functions-host/issues/11834
        """
        if time.monotonic() - self._made < self.event_grid_delay:
            return False
        key = _key_of(request)
        return _equal(key, self.event_grid) or _equal(key, self.master)


def _key_of(request: web.Request) -> str:
    return request.headers.get("x-functions-key") or request.query.get("code", "")


def _equal(given: str, right: str) -> bool:
    return secrets.compare_digest(given.encode(), right.encode())
