"""The port to what is kept of protection: one row for each vault and day, and the last count; and its fake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from backup_retry.domain.estate import Estate
from backup_retry.domain.protected_days import ProtectionCount, VaultDay, mark_of


class ProtectionHistory(Protocol):
    """Days and counts. Every method raises AzureUnavailable when the store does not answer."""

    async def days(self, since: date) -> Sequence[VaultDay]:
        """What is kept of each vault and day since then; a row that cannot be read is left out and stays."""
        ...

    async def keep(self, days: Sequence[VaultDay]) -> None:
        """Store these, in the place of what was kept of the same vaults and days."""
        ...

    async def forget(self, before: date) -> None:
        """Remove what is kept of earlier days."""
        ...

    async def count(self, count: ProtectionCount) -> None:
        """Store the last count, for `Reports.health`."""
        ...


def seen_since(estate: Estate, days: Sequence[VaultDay]) -> dict[str, datetime]:
    """Since when items without any recovery point are known, by their keys: as the newest day of their vault says."""
    newest: dict[str, VaultDay] = {}
    for each in sorted(days, key=lambda day: day.day):
        newest[each.vault.key] = each
    found: dict[str, datetime] = {}
    for backups in estate.items:
        known = newest.get(backups.item.vault.key)
        since = known.waiting.get(mark_of(backups.item)) if known and backups.last_good_at is None else None
        if since is not None:
            found[backups.item.key] = since
    return found


@dataclass
class MemoryHistory:
    """The history in memory, for tests."""

    kept: dict[tuple[str, date], VaultDay] = field(default_factory=dict)
    counted: ProtectionCount | None = None

    async def days(self, since: date) -> Sequence[VaultDay]:
        """See ProtectionHistory."""
        return [each for (_, day), each in self.kept.items() if day >= since]

    async def keep(self, days: Sequence[VaultDay]) -> None:
        """See ProtectionHistory."""
        self.kept |= {(each.vault.key, each.day): each for each in days}

    async def forget(self, before: date) -> None:
        """See ProtectionHistory."""
        self.kept: Mapping[tuple[str, date], VaultDay] = {
            key: each for key, each in self.kept.items() if key[1] >= before
        }

    async def count(self, count: ProtectionCount) -> None:
        """See ProtectionHistory."""
        self.counted = count
