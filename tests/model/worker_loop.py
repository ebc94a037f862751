"""An event loop on virtual time: asyncio's own tasks and timeouts, without asyncio's clock, threads and sockets.

It runs whatever is ready and then stops; a loop that is dead never runs anything again, which is how a process is
killed at an await.
"""

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from itertools import count
from typing import Any, TypeVarTuple

from tests.model.agenda import Agenda

_Ts = TypeVarTuple("_Ts")
#: so many clean-ups may await something, one inside the other
_CLEAN_UPS = 20


class _NumberedTask(asyncio.Task[Any]):
    """A task whose place in a set does not depend on its address, so that a seed replays exactly."""

    number = 0

    def __hash__(self) -> int:
        return self.number


class WorkerLoop(asyncio.AbstractEventLoop):
    """The event loop of one process."""

    def __init__(self, agenda: Agenda) -> None:
        self.dead = False
        self._agenda = agenda
        self._ready: deque[asyncio.Handle] = deque()
        self._numbers = count(1)
        self._tasks: list[_NumberedTask] = []

    # ---- what asyncio asks of a loop ----

    def time(self) -> float:
        """Virtual seconds."""
        return self._agenda.now

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Run something with the next `run_ready`."""
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run something at a virtual time."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._agenda.at(when, lambda: self._ring(handle))
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Run something so many virtual seconds later."""
        return self.call_at(self._agenda.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        """A task of this loop."""
        task = _NumberedTask(coro, loop=self, **options)
        task.number = next(self._numbers)
        self._tasks = [*(each for each in self._tasks if not each.done()), task]
        return task

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Until it is dead."""
        return not self.dead

    def is_closed(self) -> bool:
        """Once it is dead."""
        return self.dead

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A callback of the world failed, and ends the run; what asyncio only has to remark is left aside."""
        if "handle" in context:
            raise context["exception"]

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None: ...

    # ---- what the world does with it ----

    def start(self, work: Coroutine[Any, Any, Any], done: Callable[[asyncio.Task[Any]], object]) -> None:
        """Begin a task and run it to its first await."""
        task = self._inside(lambda: self.create_task(work))
        task.add_done_callback(done)
        self.run_ready()

    def run_ready(self) -> None:
        """Run until everything waits for the world."""
        self._inside(self._run_ready)

    def kill(self) -> None:
        """The process is gone: nothing of it runs again, whatever it was at."""
        self.dead = True
        self._ready.clear()
        for task in self._tasks:
            if not task.done():
                self._inside(lambda task=task: _abandon(task))  # type: ignore[misc]

    def _run_ready(self) -> None:
        while self._ready and not self.dead:
            handle = self._ready.popleft()
            if not handle.cancelled():
                handle._run()

    def _ring(self, timer: asyncio.TimerHandle) -> None:
        if not self.dead and not timer.cancelled():
            self._ready.append(timer)
            self.run_ready()

    def _inside(self, action: Callable[[], Any]) -> Any:
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            return action()
        finally:
            events._set_running_loop(before)


def _abandon(task: asyncio.Task[Any]) -> None:
    """Drop a task where it stands; its clean-up code reaches nobody, because its process is dead."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # nobody is to be told
    work = task.get_coro()
    for _ in range(_CLEAN_UPS):
        try:
            work.close()
        except RuntimeError:  # it awaited something while it was being dropped
            continue
        return
