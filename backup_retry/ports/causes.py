"""The port to what operators have been notified of recently and what waits to be sent, and its in-memory fake."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from backup_retry.domain.causes import Cause
from backup_retry.domain.notices import Notice


class Causes(Protocol):
    """Causes, and the notices that wait. Every method raises AzureUnavailable when the store does not answer."""

    async def cause(self, key: str) -> Cause | None:
        """The cause of that key, its window over or not; raises RowUnreadable where it is unknown."""
        ...

    async def save_cause(self, cause: Cause) -> Cause | None:
        """Store a changed cause; None when another worker changed it first."""
        ...

    async def hold(self, notice: Notice) -> None:
        """Keep a notice until it is released; one that is kept already is kept once."""
        ...

    async def held(self) -> Sequence[Notice]:
        """Every notice that is kept; one that cannot be read is left out and stays."""
        ...

    async def release(self, notices: Sequence[Notice]) -> None:
        """Forget notices that have been sent."""
        ...


class MemoryCauses:
    """Causes in memory, for tests."""

    def __init__(self) -> None:
        self._causes: dict[str, Cause] = {}
        self._held: dict[str, Notice] = {}
        self._versions = 0

    async def cause(self, key: str) -> Cause | None:
        """See Causes."""
        return self._causes.get(key)

    async def save_cause(self, cause: Cause) -> Cause | None:
        """See Causes."""
        current = self._causes.get(cause.key)
        if cause.version != (current.version if current else ""):
            return None
        self._versions += 1
        self._causes[cause.key] = replace(cause, version=str(self._versions))
        return self._causes[cause.key]

    async def hold(self, notice: Notice) -> None:
        """See Causes."""
        self._held[notice.id] = notice

    async def held(self) -> Sequence[Notice]:
        """See Causes."""
        return list(self._held.values())

    async def release(self, notices: Sequence[Notice]) -> None:
        """See Causes."""
        for notice in notices:
            self._held.pop(notice.id, None)
