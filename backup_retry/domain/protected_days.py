"""What is kept of protection, day by day, since Azure forgets its jobs after two weeks."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from hashlib import sha256

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.protection import Protection, unprotected

#: characters of an item's mark: of a vault's few thousand items no two have the same
MARK = 6
_BYTES = 6


@dataclass(frozen=True, kw_only=True)
class VaultDay:
    """A vault's items on one day (UTC), by their marks: of those that a backup was promised that day."""

    vault: Vault
    day: date
    #: those that have a good recovery point of that day, and those that have none
    kept: frozenset[str] = frozenset()
    missed: frozenset[str] = frozenset()
    #: since when those are known that never had a recovery point
    waiting: Mapping[str, datetime] = field(default_factory=dict, hash=False)

    def over(self, earlier: "VaultDay") -> "VaultDay":
        """This one with what was known before: what was good stays good, and who is gone is not forgotten."""
        kept = self.kept | earlier.kept
        return VaultDay(
            vault=self.vault,
            day=self.day,
            kept=kept,
            missed=(self.missed | earlier.missed) - kept,
            waiting=self.waiting or earlier.waiting,
        )


@dataclass(frozen=True, kw_only=True)
class ProtectionCount:
    """How many items were in each state when a sweep looked last."""

    at: datetime
    states: Mapping[Protection, int] = field(default_factory=dict, hash=False)

    @property
    def unprotected(self) -> int:
        """How many were not protected."""
        return unprotected(self.states)

    @property
    def overdue(self) -> int:
        """How many of those nobody is at: overdue, and never backed up."""
        return sum(number for state, number in self.states.items() if state.is_missed)


@lru_cache(maxsize=50_000)
def mark_of(item: ProtectedItem) -> str:
    """An item's mark within its vault."""
    return urlsafe_b64encode(sha256(item.key.encode()).digest()[:_BYTES]).decode()[:MARK]
