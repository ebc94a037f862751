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

    #: incidents, open, journal or control; dead-letters for a blob of that container
    table: str
    partition: str
    key: str
    #: head, attempt, step, notice, line, open, journal, pause, beat, storm, signal or dead_letter
    kind: str
    #: the column, and what it says
    problem: str

    def __str__(self) -> str:
        """As a person finds it: control/control/pause: column until says 'tomorrow'."""
        return f"{'/'.join(filter(None, (self.table, self.partition, self.key)))}: {self.problem}"

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs: `table`, `partition`, `key`, `kind`, `problem`."""
        return dict(vars(self))


#: where a dead letter stands among them, and what it is called
DEAD_LETTERS, DEAD_LETTER = "dead-letters", "dead_letter"


def dead_letter(name: str, problem: str) -> UnreadableRow:
    """An event that nobody could deliver and nobody can read, by the name of its blob."""
    return UnreadableRow(table=DEAD_LETTERS, partition="", key=name, kind=DEAD_LETTER, problem=problem)


class Unreadables(Protocol):
    """What readers came across. Every method raises AzureUnavailable when the store does not answer."""

    async def found(self) -> Sequence[UnreadableRow]:
        """Those that this process and the last summary know of, and that still cannot be read."""
        ...

    def add(self, row: UnreadableRow) -> None:
        """A reader of something else than rows came across one."""
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

    def add(self, row: UnreadableRow) -> None:
        """See Unreadables."""
        self.rows.append(row)

    async def sum_up(self) -> None:
        """See Unreadables."""
        self.summed_up = Counter(row.kind for row in self.rows)
