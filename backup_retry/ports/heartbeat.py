"""The port to a monitor outside Azure that expects a call at regular times, and its in-memory fake."""

from dataclasses import dataclass, field
from typing import Protocol


class Heartbeat(Protocol):
    """Who alerts somebody when the calls stop: the only watch that does not depend on Azure."""

    async def completed(self, function: str) -> None:
        """Say that a timer's function has completed; never raises, as the function has done its work by then."""
        ...


@dataclass
class MemoryHeartbeat:
    """A monitor in memory, for tests: keeps which functions called."""

    calls: list[str] = field(default_factory=list)

    async def completed(self, function: str) -> None:
        """See Heartbeat."""
        self.calls.append(function)
