"""The failures behind a signal, handled within the time that there is; what is left at its end is broken off."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report

_AT_ONCE = 8
_Tasks = Collection[asyncio.Task[Report]]


@dataclass(frozen=True, kw_only=True)
class Handled:
    """What became of the failures that there was time for."""

    reports: Sequence[Report]
    #: False: others were broken off
    all_in_time: bool


class Handling:
    """One signal's failures in the engine's hands."""

    def __init__(self, engine: Engine, source: Source, run_began: datetime | None) -> None:
        self._engine = engine
        self._source = source
        self._run_began = run_began
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        #: those that have begun to trigger: to break one off would cost the minutes of its lease
        self._retrying: set[asyncio.Task[Report]] = set()

    async def of_all(self, failures: Sequence[FailedJob], deadline: float, to_hear: float) -> Handled:
        """A report of each; after the loop's `deadline` only answers to triggers are waited for, `to_hear` seconds.

        Raises:
            BackupRetryError: one of them failed; the others have been dealt with.
        """
        tasks = [asyncio.create_task(self._one(failed)) for failed in failures]
        try:
            late = await _wait(tasks, deadline - asyncio.get_running_loop().time())
            await _break_off([task for task in late if task not in self._retrying])
            await _break_off(await _wait(self._retrying, to_hear))
        except asyncio.CancelledError:
            await _break_off(tasks)
            raise
        ended = [task for task in tasks if not task.cancelled()]
        return Handled(reports=tuple(task.result() for task in ended), all_in_time=len(ended) == len(tasks))

    async def _one(self, failed: FailedJob) -> Report:
        async with self._at_once:
            return await self._engine.handle(
                failed, self._source, run_began=self._run_began, retrying=self._begins_to_trigger
            )

    def _begins_to_trigger(self) -> None:
        if task := asyncio.current_task():
            self._retrying.add(task)


async def _wait(tasks: _Tasks, seconds: float) -> _Tasks:
    """Those that have not ended by then."""
    return (await asyncio.wait(tasks, timeout=max(0.0, seconds)))[1] if tasks else ()


async def _break_off(tasks: _Tasks) -> None:
    """End them, wherever they are: what one has stored is found by the follow-up, as after a crash."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
