"""Answers of something slow: the last one is shown while the next one is being asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from backup_retry.domain.errors import BackupRetryError

Value = TypeVar("Value")
_REST = 5


@dataclass(frozen=True, kw_only=True)
class Reading(Generic[Value]):
    """What is known by now."""

    #: None: nothing yet
    value: Value | None = None
    #: when the reading of it began
    at: datetime | None = None
    #: why the newest reading failed; "": it did not
    problem: str = ""
    #: True while a newer one is being read
    pending: bool = False


class BackgroundRefresh(Generic[Value]):
    """One value that is read in the background; a reading that failed leaves the last one that worked."""

    def __init__(
        self, read: Callable[[], Awaitable[Value]], clock: Callable[[], datetime], fresh_for: timedelta
    ) -> None:
        self._read = read
        self._clock = clock
        self._fresh_for = fresh_for
        self._known: Reading[Value] = Reading()
        self._asked_at: datetime | None = None
        self._took = timedelta(0)
        self._task: asyncio.Task[None] | None = None

    async def get(self, patience: float) -> Reading[Value]:
        """The value, after waiting at most so many seconds for a fresh one; in vain it does not wait."""
        if self._task is None and self._is_old():
            self._asked_at = self._clock()
            self._task = asyncio.create_task(self._refresh(self._asked_at))
        if self._task is not None:
            in_vain = self._known.value is not None and self._took.total_seconds() > patience
            await asyncio.wait({self._task}, timeout=0 if in_vain else patience)
        if self._task is not None and self._task.done():
            task, self._task = self._task, None
            task.result()
        known = self._known
        pending = self._task is not None
        return Reading(value=known.value, at=known.at, problem=known.problem, pending=pending)

    @property
    def last(self) -> Value | None:
        """What was read last, without a wait."""
        return self._known.value

    def hurry(self) -> None:
        """Ask again at the next call: what was read last was not all of it."""
        self._asked_at = None

    async def close(self) -> None:
        """Stop reading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    def _is_old(self) -> bool:
        """What takes long is asked for less often: reading is to take a small part of the time."""
        fresh_for = max(self._fresh_for, _REST * self._took)
        return self._asked_at is None or self._clock() - self._asked_at >= fresh_for

    async def _refresh(self, began: datetime) -> None:
        try:
            self._known = Reading(value=await self._read(), at=began)
            self._took = self._clock() - began
        except BackupRetryError as error:
            self._known = Reading(value=self._known.value, at=self._known.at, problem=str(error))
