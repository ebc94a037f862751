"""The port to the events that Event Grid could not deliver, and its in-memory fake.

https://learn.microsoft.com/azure/event-grid/manage-event-delivery
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class DeadLetter:
    """A blob of the container, by its name."""

    name: str
    #: somebody has tried to read it, in vain
    unreadable: bool = False


class DeadLetters(Protocol):
    """Events that reached nobody.

    Every method raises AzureUnavailable when the container does not answer, AzureRefused where it may not be read.
    """

    async def all(self) -> Sequence[DeadLetter]:
        """Those that are there, a few thousand at most; one request."""
        ...

    async def read(self, name: str) -> bytes:
        """What one holds; b"" where it is gone."""
        ...

    async def keep(self, name: str) -> None:
        """Remember that nobody can read it."""
        ...

    async def delete(self, name: str) -> None:
        """It has been handled."""
        ...


@dataclass
class MemoryDeadLetters:
    """Dead letters in memory, for tests."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    #: how often they were listed
    lists: int = 0

    async def all(self) -> Sequence[DeadLetter]:
        """See DeadLetters."""
        self.lists += 1
        return [DeadLetter(name=name, unreadable=name in self.unreadable) for name in sorted(self.blobs)]

    async def read(self, name: str) -> bytes:
        """See DeadLetters."""
        return self.blobs.get(name, b"")

    async def keep(self, name: str) -> None:
        """See DeadLetters."""
        self.unreadable.add(name)

    async def delete(self, name: str) -> None:
        """See DeadLetters."""
        self.blobs.pop(name, None)
        self.unreadable.discard(name)
