"""The port to the tags that say how an item is to be retried, and its in-memory fake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.tags import PROFILE, RETRY, Tags, TagValues, read_tags, resources_above, tags_of


class TagLookup(Protocol):
    """Who does not want retries, or wants them otherwise."""

    async def tags_of(self, item: ProtectedItem, source_id: str = "") -> Tags:
        """The tags of the item's machine, its resource group, the vault and its group.

        `source_id` is the protected resource, where the item's own names do not tell it.

        Raises AzureUnavailable or AzureRefused when it is unknown: that is no "not tagged".
        """
        ...


class Tagged(TagLookup, Protocol):
    """The same, for a look at all tags at once."""

    async def tagged(self) -> TagValues:
        """Everything that has a tag of this app's, by its lower-cased ARM id; raises as `tags_of`."""
        ...


@dataclass
class MemoryTagLookup:
    """Tags in memory, for tests."""

    values: dict[str, Mapping[str, str]] = field(default_factory=dict)
    #: what is raised instead of an answer while set
    error: BackupRetryError | None = None

    def tag(self, resource_id: str, *, retry: str = "", profile: str = "") -> None:
        """Tag a resource, or take its tags away."""
        self.values[resource_id.lower()] = read_tags({RETRY: retry, PROFILE: profile})

    async def tags_of(self, item: ProtectedItem, source_id: str = "") -> Tags:
        """See TagLookup."""
        return tags_of(resources_above(item, source_id), await self.tagged())

    async def tagged(self) -> TagValues:
        """See TagLookup."""
        if self.error is not None:
            raise self.error
        return self.values
