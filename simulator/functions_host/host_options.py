"""What this host reads of host.json."""

import json
from dataclasses import dataclass
from pathlib import Path

from simulator.functions_host.functions import AppStartError

_SECONDS_IN = (3600, 60, 1)


@dataclass(frozen=True, kw_only=True)
class HostOptions:
    """Options of host.json."""

    route_prefix: str = "api"
    #: seconds; None: unlimited
    function_timeout: float | None = None
    #: how many requests run at a time, and how many wait and run; None: as many as come
    most_at_once: int | None = None
    most_outstanding: int | None = None

    @classmethod
    def read(cls, host_file: Path) -> "HostOptions":
        """The options in a file.

        Raises:
            AppStartError: it is missing or malformed.
        """
        try:
            content = json.loads(host_file.read_text())
            http = content.get("extensions", {}).get("http", {})
            timeout = content.get("functionTimeout")
            return cls(
                route_prefix=str(http.get("routePrefix", cls.route_prefix)),
                function_timeout=_seconds(timeout) if timeout else None,
                most_at_once=_limit(http.get("maxConcurrentRequests")),
                most_outstanding=_limit(http.get("maxOutstandingRequests")),
            )
        except (OSError, ValueError, AttributeError) as error:
            raise AppStartError(f"{host_file}: {error}") from error


def _limit(number: int | None) -> int | None:
    """A limit; -1 is none."""
    return None if number is None or int(number) < 0 else int(number)


def _seconds(timeout: str) -> float:
    """The seconds of `hh:mm:ss`."""
    return sum(float(part) * seconds for part, seconds in zip(timeout.split(":"), _SECONDS_IN, strict=True))
