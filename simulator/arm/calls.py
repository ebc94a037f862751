"""What an ARM call is to its handler, and the table that finds the handler."""

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiohttp import web

from simulator.arm.errors import bad_request, method_not_allowed, not_simulated

_READS = frozenset({"GET", "HEAD"})
#: What is read of a vault itself has no quota of its own, what is read inside one has.
_BACKUP_READ = re.compile(
    "/providers/(microsoft.(?:recoveryservices/vaults|dataprotection/(?:backupvaults|locations))/[^/]+/[^/]+.*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request to Resource Manager, past all gates."""

    method: str
    #: Decoded: `;` where the wire had `%3B`.
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    #: `https://host:port` as the caller wrote it.
    base_url: str
    now: datetime
    #: The parts of the path that the route names.
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def api_version(self) -> str:
        """The api-version asked for."""
        return self.query.get("api-version", "")

    @property
    def is_read(self) -> bool:
        """Whether it changes nothing."""
        return self.method in _READS

    @property
    def backup_read(self) -> str:
        """The action of a read from a backup service, as roles and quotas name it; "" for any other call."""
        return read_action(self.path) if self.is_read else ""

    @property
    def client_request_id(self) -> str | None:
        """What the caller calls this request."""
        return self.headers.get("x-ms-client-request-id")

    @property
    def subscription(self) -> str | None:
        """The subscription of the path, if it names one."""
        return subscription_of(self.path)

    def json(self) -> dict[str, Any]:
        """The body.

        Raises:
            ArmError: it is not a JSON object.
        """
        try:
            content = json.loads(self.body)
        except ValueError as error:
            raise bad_request("InvalidRequestContent", f"The request content is not JSON: {error}") from error
        if not isinstance(content, dict):
            raise bad_request("InvalidRequestContent", "The request content is not a JSON object.")
        return content


Handler = Callable[[Call], Awaitable[web.Response]]


class Route:
    """A method and a path template such as `/subscriptions/{subscription}`; case does not matter."""

    def __init__(self, method: str, template: str, handler: Handler) -> None:
        literals = re.split(r"\{(\w+)\}", template)
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(literals)
        )
        self.method = method
        self.template = template
        self.handler = handler
        self.pattern = re.compile(f"{pattern}/?", re.IGNORECASE)

    def takes(self, method: str, path: str) -> bool:
        """Whether a call is for this route."""
        return method == self.method and self.pattern.fullmatch(path) is not None


class Routes:
    """All that the simulated Resource Manager answers to."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = tuple(routes)

    def find(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
        """The handler and the named parts of the path.

        Raises:
            ArmError: nothing is there, or it does not take the method.
        """
        found = [(route, match) for route in self._routes if (match := route.pattern.fullmatch(path))]
        if not found:
            raise not_simulated(method, path)
        for route, match in found:
            if route.method == method:
                return route.handler, match.groupdict()
        raise method_not_allowed(method, path)


def read_action(path: str) -> str:
    """The action of a read of that path from a backup service, as roles and quotas name it; "" of anything else."""
    found = _BACKUP_READ.search(path)
    if found is None:
        return ""
    provider, *names = found[1].strip("/").split("/")
    return "/".join([provider, *names[::2], "read"])


def subscription_of(path: str) -> str | None:
    """The subscription that an ARM path lies in."""
    match = re.match(r"/subscriptions/([^/]+)", path, re.IGNORECASE)
    return match[1] if match else None
