"""The port to what is remembered of turns, and its in-memory fake.

A turn is what a timer does, and anybody may start it. Its lease makes two starts one, and shows
a turn that died with its worker.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from backup_retry.domain.errors import RowUnreadable

#: our own event: a turn is due and its timer has not fired, or a slice has left something; its data is
#: `{"turn": its function's name, "slice": how many there were before}`
TURN_DUE = "BackupRetry.TurnDue"


@dataclass(frozen=True, kw_only=True)
class Lease:
    """Who runs a turn, and whether one has begun that has not completed."""

    turn: str
    #: who runs it; "": nobody
    holder: str = ""
    #: until when it is the holder's, who renews it
    until: datetime | None = None
    #: since when one has been begun that has not completed; None: there is none
    began: datetime | None = None
    #: how often that one was started
    starts: int = 0
    #: when operators were notified that it does not complete
    told_at: datetime | None = None
    #: opaque; save_lease replaces only what nobody has changed
    version: str = ""

    def is_held(self, now: datetime) -> bool:
        """True while somebody runs it."""
        return bool(self.holder) and self.until is not None and now < self.until

    def has_died(self, now: datetime) -> bool:
        """True where one has begun and not completed, and nobody runs it."""
        return self.began is not None and not self.is_held(now)

    def ended(self, now: datetime, *, completed: bool) -> "Lease":
        """The same given back; one that did not complete is remembered."""
        free = replace(self, holder="", until=now)
        return replace(free, began=None, starts=0, told_at=None) if completed else free


class Starter(Protocol):
    """Who has a turn run in an invocation of its own."""

    async def turn_due(self, turn: str, number: int) -> None:
        """Send one `BackupRetry.TurnDue` for the so many-th slice of a turn, counted from 0.

        Raises:
            AzureUnavailable, AzureRefused: it may not have arrived.
        """
        ...


class Turns(Protocol):
    """The leases of turns. Every method raises AzureUnavailable when the store does not answer."""

    async def lease(self, turn: str) -> Lease:
        """What is known of a turn; raises RowUnreadable where it is unknown, and then it is somebody's."""
        ...

    async def save_lease(self, lease: Lease) -> Lease | None:
        """Store a changed lease; None when another worker changed it first."""
        ...


@dataclass
class MemoryTurns:
    """Turns in one process's memory, for tests."""

    leases: dict[str, Lease] = field(default_factory=dict)
    #: turns whose rows cannot be read
    unreadable: set[str] = field(default_factory=set)
    saves: int = 0

    async def lease(self, turn: str) -> Lease:
        """See Turns."""
        if turn in self.unreadable:
            raise RowUnreadable(f"this version cannot read the lease of {turn}")
        return self.leases.get(turn, Lease(turn=turn))

    async def save_lease(self, lease: Lease) -> Lease | None:
        """See Turns."""
        if lease.version != self.leases.get(lease.turn, lease).version:
            return None
        self.saves += 1
        self.leases[lease.turn] = replace(lease, version=str(self.saves))
        return self.leases[lease.turn]
