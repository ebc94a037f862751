"""The port to the tags that opt out, and its in-memory fake."""

from dataclasses import dataclass, field
from typing import Protocol

from backup_retry.model import ProtectedItem

#: the tag, and the value that switches retries off, on a machine, its resource group or the vault
TAG, OFF = "backup-retry", "off"


class OptOuts(Protocol):
    """Who does not want retries."""

    async def opted_out_by(self, item: ProtectedItem) -> str:
        """The ARM id of the tagged machine, resource group or vault; "" when none of them is tagged.

        Raises AzureUnavailable when nobody can say.
        """
        ...


def tagged_of(item: ProtectedItem, tagged: frozenset[str]) -> str:
    """Which of the resources above an item stands in a set of lower-cased ARM ids, or ""."""
    vault = item.vault
    group = f"/subscriptions/{vault.subscription}/resourcegroups"
    machine_group = f"{group}/{item.machine_group}" if item.machine_group else ""
    candidates = (item.machine_id, machine_group, vault.key, f"{group}/{vault.resource_group}")
    return next((each for each in candidates if each and each.lower() in tagged), "")


@dataclass
class MemoryOptOuts:
    """Tags in memory, for tests."""

    tagged: set[str] = field(default_factory=set)

    async def opted_out_by(self, item: ProtectedItem) -> str:
        """See OptOuts."""
        return tagged_of(item, frozenset(each.lower() for each in self.tagged))
