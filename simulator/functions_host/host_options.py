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
    #: seconds; None: for ever
    function_timeout: float | None = None

    @classmethod
    def read(cls, host_file: Path) -> "HostOptions":
        """The options in a file.

        Raises:
            AppStartError: it is missing or malformed.
        """
        try:
            content = json.loads(host_file.read_text())
            prefix = content.get("extensions", {}).get("http", {}).get("routePrefix", cls.route_prefix)
            timeout = content.get("functionTimeout")
            return cls(route_prefix=str(prefix), function_timeout=_seconds(timeout) if timeout else None)
        except (OSError, ValueError, AttributeError) as error:
            raise AppStartError(f"{host_file}: {error}") from error


def _seconds(timeout: str) -> float:
    """The seconds of `hh:mm:ss`."""
    return sum(float(part) * seconds for part, seconds in zip(timeout.split(":"), _SECONDS_IN, strict=True))
