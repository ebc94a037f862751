"""The port to the tags that opt out, and its in-memory fake."""

from dataclasses import dataclass, field
from typing import Protocol

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import BackupRetryError

#: the tag, and the value that switches retries off, on a machine, its resource group or the vault
TAG, OFF = "backup-retry", "off"


class OptOuts(Protocol):
    """Who does not want retries."""

    async def opted_out_by(self, item: ProtectedItem, source_id: str = "") -> str:
        """The ARM id of the tagged machine, resource group or vault; "" when none of them is tagged.

        `source_id` is the protected resource, where the item's own names do not tell it.

        Raises AzureUnavailable or AzureRefused when nobody can say: that is no "not opted out".
        """
        ...


def tagged_of(item: ProtectedItem, source_id: str, tagged: frozenset[str]) -> str:
    """Which of the resources above an item stands in a set of lower-cased ARM ids, or ""."""
    vault = item.vault
    group = f"/subscriptions/{vault.subscription}/resourcegroups"
    source = (item.machine_id or source_id).lower()
    source_group = source.partition("/providers/")[0]
    candidates = (source, source_group, vault.key, f"{group}/{vault.resource_group}")
    return next((each for each in candidates if each and each.lower() in tagged), "")


@dataclass
class MemoryOptOuts:
    """Tags in memory, for tests."""

    tagged: set[str] = field(default_factory=set)
    #: what is raised instead of an answer while set
    error: BackupRetryError | None = None

    async def opted_out_by(self, item: ProtectedItem, source_id: str = "") -> str:
        """See OptOuts."""
        if self.error is not None:
            raise self.error
        return tagged_of(item, source_id, frozenset(each.lower() for each in self.tagged))
