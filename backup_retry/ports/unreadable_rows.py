"""Rows of the ledger that this version cannot read: they are left as they are, and shown to a person.

Another version, or a hand, has written them. Each costs what it is about and nothing else; what it might forbid, it
forbids.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True, order=True)
class UnreadableRow:
    """One of them, by its key."""

    #: incidents, open, journal or control
    table: str
    partition: str
    key: str
    #: head, attempt, step, notice, line, open, journal, pause, beat, storm or signal
    kind: str
    #: the column, and what it says
    problem: str

    def __str__(self) -> str:
        """As a person finds it: control/control/pause: column until says 'tomorrow'."""
        return f"{self.table}/{self.partition}/{self.key}: {self.problem}"

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs: `table`, `partition`, `key`, `kind`, `problem`."""
        return dict(vars(self))


class Unreadables(Protocol):
    """What readers came across. Every method raises AzureUnavailable when the store does not answer."""

    async def found(self) -> Sequence[UnreadableRow]:
        """Those that this process and the last summary know of, and that still cannot be read."""
        ...

    async def sum_up(self) -> None:
        """Leave a summary of them, for other processes and for `Reports.health`."""
        ...


@dataclass
class MemoryUnreadables:
    """Such rows in memory, for tests."""

    rows: list[UnreadableRow] = field(default_factory=list)
    summed_up: Mapping[str, int] = field(default_factory=dict)

    async def found(self) -> Sequence[UnreadableRow]:
        """See Unreadables."""
        return sorted(self.rows)

    async def sum_up(self) -> None:
        """See Unreadables."""
        self.summed_up = Counter(row.kind for row in self.rows)
