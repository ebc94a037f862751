"""Timer-triggered functions: each runs by its NCRONTAB schedule, one run at a time."""

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from logging import getLogger

from simulator.functions_host.functions import Function
from simulator.functions_host.ncrontab import next_occurrence
from simulator.functions_host.protos import TypedData
from simulator.functions_host.worker import Outcome, Worker

_log = getLogger("host.startup")
_PAST_DUE = timedelta(seconds=1)
#: Waits are cut into pieces, so that a clock that was set or a machine that slept is noticed.
_LONGEST_NAP_SECONDS = 30.0


class Timers:
    """The schedules of an app."""

    def __init__(self, worker: Worker, functions: Iterable[Function], now: Callable[[], datetime]) -> None:
        """Check every schedule: one that is refused disables its function, and no other."""
        self._worker = worker
        self._functions = tuple(functions)
        self._now = now
        self._tasks: list[asyncio.Task[None]] = []
        self._refused = {function.name for function in self._functions if not self._is_accepted(function)}

    def start(self) -> None:
        """Run the functions when they are due, from now on."""
        enabled = [each for each in self._functions if not each.disabled and each.name not in self._refused]
        self._tasks = [asyncio.create_task(self._keep_running(function)) for function in enabled]

    async def stop(self) -> None:
        """Start no further run; a run that is under way is cancelled."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def fire(self, function: Function, *, past_due: bool = False) -> Outcome:
        """Run the function now, once: what was started by hand is not repeated. A refused one does nothing."""
        if function.name in self._refused:
            return Outcome(succeeded=False, value=None)
        now = self._now().isoformat()
        timer = {
            "Schedule": {"AdjustForDST": True},
            "ScheduleStatus": {"Last": now, "Next": self._next(function).isoformat(), "LastUpdated": now},
            "IsPastDue": past_due,
        }
        return await self._worker.invoke(function, TypedData(json=json.dumps(timer)))

    async def _fire_and_repeat(self, function: Function, *, past_due: bool) -> None:
        """Run the function, and again while it fails and its retry policy says so."""
        for _ in range(function.retry.most):
            if (await self.fire(function, past_due=past_due)).succeeded:
                return
            await asyncio.sleep(function.retry.delay.total_seconds())
        await self.fire(function, past_due=past_due)

    async def _keep_running(self, function: Function) -> None:
        if function.trigger.get("runOnStartup"):
            await self.fire(function)
        while True:
            due = self._next(function)
            await self._sleep_until(due)
            await self._fire_and_repeat(function, past_due=self._now() - due > _PAST_DUE)

    async def _sleep_until(self, due: datetime) -> None:
        left = due - self._now()
        while left > timedelta():
            await asyncio.sleep(min(left.total_seconds(), _LONGEST_NAP_SECONDS))
            left = due - self._now()

    def _is_accepted(self, function: Function) -> bool:
        try:
            self._next(function)
        except ValueError as error:
            _log.error("The '%s' function is in error: %s", function.name, error)
            return False
        return True

    def _next(self, function: Function) -> datetime:
        return next_occurrence(function.trigger["schedule"], self._now())
