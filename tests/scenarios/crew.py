"""Worker processes, and who is killed next."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection
from random import Random
from types import TracebackType
from typing import Self

from tests.scenarios import worker_process
from tests.scenarios.worker_process import Task

_STARTING_SECONDS = 0.05


class _Process:
    """One worker, seen from outside."""

    def __init__(self, environment: Mapping[str, str], ca_file: str) -> None:
        context = get_context("forkserver")
        self._ours, theirs = context.Pipe()
        arguments = (theirs, dict(environment), ca_file)
        self._process = context.Process(target=worker_process.work, args=arguments, daemon=True)
        self._process.start()
        theirs.close()
        self._waiting: dict[int, asyncio.Future[int | None]] = {}
        self._numbers = count()
        self._killed = False
        asyncio.get_running_loop().add_reader(self._ours.fileno(), self._hear)

    @property
    def died(self) -> bool:
        """Whether it ended although nobody had killed it."""
        return not self.alive and not self._killed

    @property
    def alive(self) -> bool:
        """Whether anybody listens."""
        return not self._ours.closed

    async def ask(self, kind: str, body: bytes) -> int | None:
        """The answer, or None when the process died over it."""
        task = Task(next(self._numbers), kind, body)
        answer: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._waiting[task.number] = answer
        try:
            self._ours.send(task)
        except OSError:
            self._close()
        return await answer

    def kill(self) -> None:
        """SIGKILL."""
        self._killed = True
        self._process.kill()
        self._process.join()
        self._close()

    def _hear(self) -> None:
        connection: Connection = self._ours
        try:
            number, answer = connection.recv()
        except (EOFError, OSError):
            self._close()
        else:
            waiting = self._waiting.pop(number)
            if not waiting.done():
                waiting.set_result(answer)

    def _close(self) -> None:
        if self.alive:
            asyncio.get_running_loop().remove_reader(self._ours.fileno())
            self._ours.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_result(None)


class Crew:
    """`async with Crew(8, …) as crew`: so many workers, each replaced as soon as it is killed."""

    def __init__(self, size: int, environment: Mapping[str, str], ca_file: str, random: Random) -> None:
        self.kills = 0
        self._start: Callable[[], _Process] = lambda: _Process(environment, ca_file)
        self._size = size
        self._random = random
        self._workers: list[_Process] = []

    async def ask(self, kind: str, body: bytes = b"") -> int | None:
        """Give a task to any worker; None when it died over it.

        Raises:
            RuntimeError: a worker has ended by itself.
        """
        if any(worker.died for worker in self._workers):
            raise RuntimeError("a worker process has ended by itself")
        alive = [worker for worker in self._workers if worker.alive]
        if not alive:
            await asyncio.sleep(_STARTING_SECONDS)
            return None
        return await self._random.choice(alive).ask(kind, body)

    def kill_one(self) -> None:
        """A worker dies wherever it is, and another one is started."""
        victim = self._workers.pop(self._random.randrange(len(self._workers)))
        victim.kill()
        self.kills += 1
        self._workers.append(self._start())

    async def __aenter__(self) -> Self:
        get_context("forkserver").set_forkserver_preload(list(worker_process.PRELOAD))
        self._workers = [self._start() for _ in range(self._size)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.kill()
