"""The port to the signals that nobody has had time to look into, and its in-memory fake.

A signal that is answered with success is handled or stored. Where Azure is too slow to say what a signal means, it is
stored here as it was read, and looked into by a timer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Protocol

Fields = Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A signal that waits."""

    kept_at: datetime
    fields: Fields
    #: the inbox's fence, another one whenever the signal comes again; "": none
    version: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """The same for the same signal, however often it comes."""
        return sha256(repr(sorted(self.fields.items())).encode()).hexdigest()[:32]


class Inbox(Protocol):
    """Signals that wait. Every method raises AzureUnavailable when the store does not answer."""

    async def keep(self, fields: Fields) -> None:
        """Store a signal; one that waits already is not stored again."""
        ...

    async def kept(self, most: int) -> Sequence[Kept]:
        """At most so many of those that wait, in no particular order."""
        ...

    async def forget(self, kept: Kept) -> None:
        """It has been looked into; one that has come again since it was read goes on waiting."""
        ...


@dataclass
class MemoryInbox:
    """An inbox in memory, for tests."""

    clock: Callable[[], datetime]
    waiting: dict[str, Kept] = field(default_factory=dict)

    async def keep(self, fields: Fields) -> None:
        """See Inbox."""
        kept = Kept(kept_at=self.clock(), fields=dict(fields))
        known = self.waiting.get(kept.key, kept)
        self.waiting[kept.key] = replace(known, version=f"{known.version}+")

    async def kept(self, most: int) -> Sequence[Kept]:
        """See Inbox."""
        return list(self.waiting.values())[:most]

    async def forget(self, kept: Kept) -> None:
        """See Inbox."""
        waiting = self.waiting.get(kept.key)
        if waiting is not None and kept.version in {"", waiting.version}:
            del self.waiting[kept.key]
