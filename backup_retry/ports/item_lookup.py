"""The port that finds what protects a resource, and its in-memory fake."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backup_retry.domain.arm_ids import ProtectedItem


class ItemLookup(Protocol):
    """Who protects what."""

    async def items_of(self, resource_id: str) -> Sequence[ProtectedItem]:
        """The protected items of a machine, disk, account or server, of every vault that the identity sees.

        Raises AzureRefused or AzureUnavailable when it is unknown.
        """
        ...


@dataclass
class MemoryItemLookup:
    """Protected items in memory, for tests."""

    #: by the resource's ARM id, in any casing
    items: dict[str, Sequence[ProtectedItem]] = field(default_factory=dict)
    #: every resource that was asked about
    asked: list[str] = field(default_factory=list)

    async def items_of(self, resource_id: str) -> Sequence[ProtectedItem]:
        """See ItemLookup."""
        self.asked.append(resource_id)
        return next((found for each, found in self.items.items() if each.lower() == resource_id.lower()), ())
