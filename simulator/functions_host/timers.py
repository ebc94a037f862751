"""Timer-triggered functions: each runs by its NCRONTAB schedule, one run at a time."""

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from simulator.functions_host.functions import AppStartError, Function
from simulator.functions_host.ncrontab import next_occurrence
from simulator.functions_host.protos import TypedData
from simulator.functions_host.worker import Worker

_PAST_DUE = timedelta(seconds=1)
#: Waits are cut into pieces, so that a clock that was set or a machine that slept is noticed.
_LONGEST_NAP_SECONDS = 30.0


class Timers:
    """The schedules of an app."""

    def __init__(self, worker: Worker, functions: Iterable[Function], now: Callable[[], datetime]) -> None:
        """Check every schedule.

        Raises:
            AppStartError: one is malformed.
        """
        self._worker = worker
        self._functions = tuple(functions)
        self._now = now
        self._tasks: list[asyncio.Task[None]] = []
        for function in self._functions:
            try:
                self._next(function)
            except ValueError as error:
                raise AppStartError(f"function {function.name}: {error}") from error

    def start(self) -> None:
        """Run the functions when they are due, from now on."""
        enabled = [function for function in self._functions if not function.disabled]
        self._tasks = [asyncio.create_task(self._keep_running(function)) for function in enabled]

    async def stop(self) -> None:
        """Start no further run; a run that is under way is cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def fire(self, function: Function, *, past_due: bool = False) -> None:
        """Run the function now."""
        now = self._now().isoformat()
        timer = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {"Last": now, "Next": self._next(function).isoformat(), "LastUpdated": now},
            "IsPastDue": past_due,
        }
        await self._worker.invoke(function, TypedData(json=json.dumps(timer)))

    async def _keep_running(self, function: Function) -> None:
        if function.trigger.get("runOnStartup"):
            await self.fire(function)
        while True:
            due = self._next(function)
            await self._sleep_until(due)
            await self.fire(function, past_due=self._now() - due > _PAST_DUE)

    async def _sleep_until(self, due: datetime) -> None:
        left = due - self._now()
        while left > timedelta():
            await asyncio.sleep(min(left.total_seconds(), _LONGEST_NAP_SECONDS))
            left = due - self._now()

    def _next(self, function: Function) -> datetime:
        return next_occurrence(function.trigger["schedule"], self._now())
