"""The port to the signals and rows that wait, and its in-memory fake.

A signal that is answered with success is handled or stored. One that cannot be processed, or whose job still runs, is
stored here as it was read, and processed again by a timer; so is a sweep's row that could not be handled. One that
only lacked time is handed on, too, to be processed within seconds in an invocation of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.jobs import Source

Fields = Mapping[str, str]
#: our own event: a signal was stored that nobody had time for; its data is `{"key": the signal's key}`
SIGNAL_DEFERRED = "BackupRetry.SignalDeferred"
#: so many signals that wait are counted: one page of the tables' answer
COUNTED = 1000


def fields_of(
    *,
    source: Source,
    vault: Vault | None,
    job_id: str = "",
    item: ProtectedItem | None = None,
    resource_id: str = "",
    error_code: str = "",
    label: str = "",
) -> Fields:
    """What a signal, or a sweep's row, names: as plain text."""
    return {
        "source": source.value,
        "vault": vault.id if vault else "",
        "job": job_id,
        "item": item.id if item else "",
        "resource": resource_id,
        "error": error_code,
        "label": label,
    }


@dataclass(frozen=True, kw_only=True)
class DeferredSignal:
    """A signal that waits."""

    kept_at: datetime
    fields: Fields
    #: how often processing it failed, and why the last time
    looks: int = 0
    why: str = ""
    #: when it is processed again; None: at once
    due: datetime | None = None
    #: when operators were notified that it still waits
    told_at: datetime | None = None
    #: the inbox's ETag, another one whenever the signal comes again; "": none
    version: str = field(default="", compare=False)

    @property
    def key(self) -> str:
        """The same for the same signal, however often it comes."""
        return sha256(repr(sorted(self.fields.items())).encode()).hexdigest()[:32]

    @property
    def looked_into(self) -> bool:
        """True once somebody has, in vain: from then on the timer alone looks."""
        return self.looks > 0


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many signals wait."""

    number: int = 0
    #: True where counting ended at that number
    or_more: bool = False
    #: since when the oldest of those counted does; None: none waits
    since: datetime | None = None

    @classmethod
    def of(cls, kept_at: Sequence[datetime | None], most: int) -> "Waiting":
        """What is known after counting to `most`; None: it is unknown since when that one waits."""
        number = len(kept_at)
        return cls(number=number, or_more=number == most, since=min(filter(None, kept_at), default=None))

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs: `waiting`, `or_more`, `since` (ISO 8601 or null)."""
        since = self.since.isoformat() if self.since else None
        return {"waiting": self.number, "or_more": self.or_more, "since": since}

    @property
    def count(self) -> str:
        """How many, in digits: 3, or 1,000 or more."""
        return f"{self.number:,}{' or more' if self.or_more else ''}"

    def __str__(self) -> str:
        """1 deferred alert, 3 deferred alerts, 1,000 or more deferred alerts."""
        return f"{self.count} deferred {'alert' if self.number == 1 else 'alerts'}"


class Inbox(Protocol):
    """Signals that wait. Every method raises AzureUnavailable when the store does not answer."""

    async def add(self, fields: Fields) -> None:
        """Store a signal; of one that waits already it is only remembered that it came again."""
        ...

    async def due(self, most: int, *, by: datetime | None = None) -> Sequence[DeferredSignal]:
        """At most so many of those that are due by then, which is now if left out, in no particular order."""
        ...

    async def find(self, key: str) -> DeferredSignal | None:
        """The one of that key, due or not; None where it does not wait, or cannot be read."""
        ...

    async def waiting(self, most: int) -> Waiting:
        """How many wait, counted to `most`."""
        ...

    async def defer(self, signal: DeferredSignal) -> None:
        """It could not be processed: store when it is due again; one that has come again since is due at once."""
        ...

    async def forget(self, signal: DeferredSignal) -> None:
        """It has been processed; one that has come again since it was read goes on waiting."""
        ...


class Messenger(Protocol):
    """Has deferred signals processed at once."""

    async def signal_deferred(self, key: str) -> None:
        """Send one `BackupRetry.SignalDeferred`.

        Raises:
            AzureUnavailable, AzureRefused: it may not have arrived.
        """
        ...


@dataclass
class MemoryInbox:
    """An inbox in memory, for tests."""

    clock: Callable[[], datetime]
    signals: dict[str, DeferredSignal] = field(default_factory=dict)

    async def add(self, fields: Fields) -> None:
        """See Inbox."""
        signal = DeferredSignal(kept_at=self.clock(), fields=dict(fields))
        known = self.signals.get(signal.key, signal)
        self.signals[signal.key] = replace(known, version=f"{known.version}+")

    async def due(self, most: int, *, by: datetime | None = None) -> Sequence[DeferredSignal]:
        """See Inbox."""
        by = by or self.clock()
        return [each for each in self.signals.values() if each.due is None or each.due <= by][:most]

    async def find(self, key: str) -> DeferredSignal | None:
        """See Inbox."""
        return self.signals.get(key)

    async def waiting(self, most: int) -> Waiting:
        """See Inbox."""
        return Waiting.of([each.kept_at for each in self.signals.values()][:most], most)

    async def defer(self, signal: DeferredSignal) -> None:
        """See Inbox."""
        known = self.signals.get(signal.key)
        if known is not None and signal.version in {"", known.version}:
            self.signals[signal.key] = replace(signal, version=f"{known.version}+")

    async def forget(self, signal: DeferredSignal) -> None:
        """See Inbox."""
        known = self.signals.get(signal.key)
        if known is not None and signal.version in {"", known.version}:
            del self.signals[signal.key]
