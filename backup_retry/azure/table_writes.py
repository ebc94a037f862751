"""Writes over rows: a row's ETag, and the marks of its last writes.

The SDK repeats a write whose answer was lost, and the repetition is refused because the first one took effect. Whoever
then finds the mark of that write in the row knows that nobody else was first, even where others have moved on since.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from azure.core import MatchConditions
from azure.core.exceptions import ResourceExistsError, ResourceModifiedError, ResourceNotFoundError
from azure.data.tables import UpdateMode

from backup_retry.azure.client import azure_errors
from backup_retry.azure.table_columns import Row
from backup_retry.azure.tables import get
from backup_retry.domain.causes import Cause
from backup_retry.policy.storm import Storm
from backup_retry.ports.turns import Lease

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

#: what has a row of its own, and the version of that row
Versioned = TypeVar("Versioned", Cause, Lease, Storm)
_TAKEN = (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)

#: so many others may write between a write and its repetition, which comes within seconds
_REMEMBERED = 8


@dataclass(frozen=True, kw_only=True)
class Write:
    """A write that is about to be tried."""

    #: of the row that it replaces; "": there is to be none
    etag: str
    #: its own mark, then those of the writes before it
    marks: tuple[str, ...]

    @classmethod
    def over(cls, version: str) -> "Write":
        """The next write over a row of that version."""
        etag, *earlier = version.split(" ")
        return cls(etag=etag, marks=(uuid4().hex, *earlier)[:_REMEMBERED])

    @property
    def column(self) -> dict[str, str]:
        """What the row says about it."""
        return {"write": " ".join(self.marks)}

    @property
    def condition(self) -> dict[str, Any]:
        """How to replace the row only as it was read."""
        replacing = {"match_condition": MatchConditions.IfNotModified, "mode": UpdateMode.REPLACE}
        return {"etag": self.etag, **replacing}

    def version(self, etag: str) -> str:
        """The version of the row that it has made."""
        return " ".join([etag, *self.marks])

    def made(self, row: Mapping[str, Any]) -> bool:
        """True where the row, or one that it has become from, is of this write."""
        return self.marks[0] in _marks(row)


def version_of(row: Any) -> str:  # noqa: ANN401 (a TableEntity)
    """The version of a row as it was read."""
    return " ".join([str(row.metadata["etag"]), *_marks(row)])


def _marks(row: Mapping[str, Any]) -> list[str]:
    return str(row.get("write") or "").split()


async def save_over(
    table: "TableClient", row: Row, item: Versioned, read: Callable[[Mapping[str, Any]], Versioned]
) -> Versioned | None:
    """Store an item's row over the one of its version: the item as it is now; None where another worker was first.

    One request, or two where the SDK had to repeat the first: what had worked is then read back.
    """
    write = Write.over(item.version)
    row = row | write.column
    async with azure_errors("ledger"):
        try:
            answer = await (
                table.update_entity(row, **write.condition) if write.etag else table.create_entity(row)
            )
        except _TAKEN:
            found = await get(table, row["PartitionKey"], row["RowKey"])
            return read(found) if found is not None and write.made(found) else None
    return replace(item, version=write.version(str(answer["etag"])))
