"""What a deliberate fault in the product is; a mutation patches one part of it for as long as it is entered."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from backup_retry.policy import decide as policy


@dataclass(frozen=True)
class Mutation:
    """One deliberate fault."""

    name: str
    patched: AbstractContextManager[Any]
    #: a world that shows it early; the search begins there
    seed: int = 1
    #: whether the worlds are on tables, where rows of the earlier version are
    on_tables: bool = False
    #: whether timers may stop in some of the worlds: what is swept after a silence could hide the fault
    clocks: bool = True


@contextmanager
def without_row(*names: str) -> Iterator[None]:
    """The policy forgets one of its rows, or those that would say the same."""
    with ExitStack() as stack:
        for rows in ("EARLY_ROWS", "ROWS"):
            kept = tuple(row for row in getattr(policy, rows) if row.__name__ not in names)
            stack.enter_context(patch.object(policy, rows, kept))
        yield
