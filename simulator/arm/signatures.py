"""The signed query of polling URLs.

It must come back as it was given; URLs that callers build themselves have none.
"""

import hashlib
from collections.abc import Mapping
from urllib.parse import urlencode

from simulator.arm.errors import altered_signature
from simulator.estate.inventory import Operation

_PARTS = ("t", "c", "s", "h")


def signed(operation: Operation, purpose: str) -> str:
    """The query's part `t=…&c=…&s=…&h=…` for one of the operation's URLs."""
    return urlencode(_signature(operation, purpose))


def verify(operation: Operation, purpose: str, query: Mapping[str, str]) -> None:
    """Let the call pass if its signature is whole or absent.

    Raises:
        ArmError: the signature was altered.
    """
    given = {name: query[name] for name in _PARTS if name in query}
    if given and given != _signature(operation, purpose):
        raise altered_signature()


def _signature(operation: Operation, purpose: str) -> dict[str, str]:
    """The time in .NET ticks, a placeholder for a certificate, and two digests."""
    ticks = 621_355_968_000_000_000 + int(operation.start_time.timestamp() * 10_000_000)
    digest = hashlib.sha256(f"{operation.id} {purpose}".encode()).hexdigest()
    return {"t": str(ticks), "c": "MIIHhzCCBm-" + digest[::-1], "s": digest, "h": digest[:43]}
