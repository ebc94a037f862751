"""Timer-triggered functions: each runs by its NCRONTAB schedule, one run at a time."""

import asyncio
import json
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from logging import getLogger

from simulator.functions_host.functions import Function, Outcome
from simulator.functions_host.host_storage import HostStorage
from simulator.functions_host.ncrontab import next_occurrence
from simulator.functions_host.protos import TypedData
from simulator.functions_host.worker import Worker

_log = getLogger("host.startup")
_PAST_DUE = timedelta(seconds=1)
_MONITORED = timedelta(minutes=1)
#: Waits are cut into pieces, so that a clock that was set or a machine that slept is noticed.
_LONGEST_NAP_SECONDS = 30.0


class Timers:
    """The schedules of an app."""

    def __init__(
        self,
        worker: Worker,
        functions: Iterable[Function],
        now: Callable[[], datetime],
        storage: HostStorage | None = None,
    ) -> None:
        """Check every schedule: one that is refused disables its function, and no other.

        Without `storage` no run is known to have been missed, and no other host is heeded.
        """
        self._worker = worker
        self._functions = tuple(functions)
        self._now = now
        self._storage = storage
        self._tasks: dict[str, asyncio.Task[None]] = {}
        #: the functions that run by their schedule, and when they were due
        self._running: dict[str, tuple[Function, datetime]] = {}
        self._stopping = False
        self._refused = {function.name for function in self._functions if not self._is_accepted(function)}

    def start(self) -> None:
        """Run the functions when they are due, from now on."""
        enabled = [each for each in self._functions if not each.disabled and each.name not in self._refused]
        self._tasks = {each.name: asyncio.create_task(self._keep_running(each)) for each in enabled}

    async def stop(self, grace: float = 0.0) -> None:
        """Start no further run; one that is under way has so many seconds, and is run again after the next start."""
        self._stopping = True
        for name, task in self._tasks.items():
            if name not in self._running:
                task.cancel()
        if self._running:
            await asyncio.wait([self._tasks[name] for name in self._running], timeout=grace)
        for function, due in self._running.values():
            self._keep_due(function, due)
            self._tasks[function.name].cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

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
        """One run after the other; of those that were missed while no host was there, one comes at once."""
        if self._storage is not None:
            await self._storage.locked()
        if function.trigger.get("runOnStartup"):
            await self.fire(function)
        due = self._kept_due(function) or self._next(function)
        while not self._stopping:
            self._keep_due(function, due)
            await self._sleep_until(due)
            await self._run(function, due)
            due = self._next(function)

    async def _run(self, function: Function, due: datetime) -> None:
        """A run by schedule; what is kept of it beforehand says that it was not missed, however it ends."""
        self._keep_due(function)
        self._running[function.name] = function, due
        try:
            await self._fire_and_repeat(function, past_due=self._now() - due > _PAST_DUE)
        finally:
            del self._running[function.name]

    def _kept_due(self, function: Function) -> datetime | None:
        """When it was to run next; schedules shorter than a minute have no memory."""
        if self._storage is None:
            return None
        following = self._next(function)
        is_rare = next_occurrence(function.trigger["schedule"], following) - following >= _MONITORED
        return self._storage.due(function.name) if is_rare else None

    def _keep_due(self, function: Function, due: datetime | None = None) -> None:
        """Keep when it is to run next: at its next turn, unless another time is given."""
        if self._storage is not None:
            self._storage.keep_due(function.name, due or self._next(function))

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
