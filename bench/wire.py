"""Every request that the app's SDKs send, with its time: what is waiting, and what is our own work."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from azure.core.pipeline.transport import AioHttpTransport

ARM, GRAPH, LEDGER, OTHER = "arm", "graph", "ledger", "other"
_GRAPH_PATH = "/providers/microsoft.resourcegraph/"


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request that was answered; times are seconds of `time.perf_counter`."""

    to: str
    method: str
    path: str
    status: int
    began: float
    ended: float


class Wire:
    """What was sent since the last `clear`."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []

    def clear(self) -> None:
        """Forget it."""
        self.sent.clear()

    def to(self, *places: str) -> list[Sent]:
        """The requests that went there."""
        return [each for each in self.sent if each.to in places]


def waited(sent: Sequence[Sent]) -> float:
    """For how many seconds at least one of the requests was under way."""
    total, reached = 0.0, 0.0
    for each in sorted(sent, key=lambda each: each.began):
        total += max(0.0, each.ended - max(each.began, reached))
        reached = max(reached, each.ended)
    return total


@contextmanager
def watched(ledger: str) -> Iterator[Wire]:
    """Watch every transport of this process; `ledger` is the tables' endpoint."""
    wire, send = Wire(), AioHttpTransport.send
    host = urlsplit(ledger).netloc

    async def timed(self: Any, request: Any, **options: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        began = time.perf_counter()
        response = await send(self, request, **options)
        url = urlsplit(request.url)
        wire.sent.append(
            Sent(
                to=_place(url.netloc, url.path, host),
                method=request.method,
                path=url.path,
                status=response.status_code,
                began=began,
                ended=time.perf_counter(),
            )
        )
        return response

    AioHttpTransport.send = timed
    try:
        yield wire
    finally:
        AioHttpTransport.send = send


def _place(netloc: str, path: str, ledger: str) -> str:
    if netloc == ledger:
        return LEDGER
    lowered = path.lower()
    if lowered.startswith(_GRAPH_PATH):
        return GRAPH
    return ARM if lowered.startswith("/subscriptions/") else OTHER
