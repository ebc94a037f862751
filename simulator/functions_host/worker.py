"""The worker process as the host sees it: what it is at fails with it, and a new one takes its place."""

import asyncio
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import count
from logging import getLogger
from pathlib import Path
from typing import Any

from simulator.functions_host.functions import AppStartError, Function, Outcome
from simulator.functions_host.messages import receive, send
from simulator.functions_host.protos import RpcFunctionMetadata, TypedData

_log = getLogger("host.worker")
_FAILED = Outcome(succeeded=False)
#: so many in a row end the host
_MOST_CRASHES = 3
#: what a process that has been told to end may take
_SECONDS_TO_END = 2.0


class Worker:
    """A process with the app in it, and the next one when it crashes."""

    def __init__(
        self,
        app_directory: Path,
        *,
        function_timeout: float | None = None,
        log_file: Path | None = None,
        when_given_up: Callable[[], object] = lambda: None,
    ) -> None:
        """`function_timeout`: seconds after which an invocation costs the worker its life."""
        self._arguments = [str(app_directory), *([str(log_file.absolute())] if log_file else [])]
        self._function_timeout = function_timeout
        self._when_given_up = when_given_up
        self._numbers = count()
        self._answers: dict[int, asyncio.Future[Outcome]] = {}
        self._ids: dict[str, str] = {}
        self._crashes = 0
        self._up = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> Sequence[RpcFunctionMetadata]:
        """Start a process; the functions of the app in it.

        Raises:
            AppStartError: the app cannot be imported or indexed, or has no functions.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            command = [
                "-m",
                "simulator.functions_host.worker_process",
                str(theirs.fileno()),
                *self._arguments,
            ]
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *command, **_inherited(theirs)
            )
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        try:
            indexed: Sequence[RpcFunctionMetadata] | AppStartError = await receive(self._reader)
        except (EOFError, ConnectionError) as error:
            raise AppStartError("the worker process ended while it loaded the app") from error
        if isinstance(indexed, AppStartError):
            raise indexed
        self._ids = {each.name: each.function_id for each in indexed}
        self._watching = asyncio.create_task(self._watch())
        self._up.set()
        return indexed

    async def invoke(self, function: Function, data: TypedData) -> Outcome:
        """Call the function with `data` as its trigger's parameter; it fails where its process ends meanwhile."""
        await self._up.wait()
        number, began = next(self._numbers), time.perf_counter()
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        send(self._writer, (number, replace(function, id=self._ids[function.name]), data))
        try:
            async with asyncio.timeout(self._function_timeout):
                outcome = await answer
        except TimeoutError:
            _log.error(
                "Timeout value of %s s exceeded by 'Functions.%s'", self._function_timeout, function.name
            )
            self._kill()
            outcome = _FAILED
        finally:
            self._answers.pop(number, None)
        if not outcome.succeeded and not self._up.is_set():
            took = 1000 * (time.perf_counter() - began)
            _log.error("Executed 'Functions.%s' (Failed, %.0f ms): its worker is gone", function.name, took)
        return outcome

    async def stop(self) -> None:
        """End the process, whatever it is at."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        self._writer.close()
        try:
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_END)
        except TimeoutError:
            self._kill()
            await self._process.wait()

    async def _watch(self) -> None:
        """Pass on what the process answers; when it is gone, start another one."""
        with suppress(EOFError, ConnectionError):
            while True:
                self._answered(*await receive(self._reader))
        self._up.clear()
        self._crashes += 1
        for answer in self._answers.values():
            answer.set_result(_FAILED)
        self._writer.close()
        _log.error("Language Worker Process exited with code %s", await self._process.wait())
        await self._start_again()

    def _answered(self, number: int, outcome: Outcome) -> None:
        if outcome.succeeded:
            self._crashes = 0
        answer = self._answers.get(number)
        if answer is not None and not answer.done():
            answer.set_result(outcome)

    async def _start_again(self) -> None:
        if self._crashes < _MOST_CRASHES:
            try:
                await self.start()
            except AppStartError as error:
                _log.error("The function app did not start: %s", error)
            else:
                return
        _log.error("The worker process has crashed %d times: the host ends", self._crashes)
        self._when_given_up()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()


if sys.platform == "win32":

    def _inherited(connection: socket.socket) -> dict[str, Any]:
        """What a child is started with to have the socket as well; Windows knows no `pass_fds`."""
        connection.set_inheritable(True)
        return {"close_fds": False}

else:

    def _inherited(connection: socket.socket) -> dict[str, Any]:
        """What a child is started with to have the socket as well."""
        return {"pass_fds": [connection.fileno()]}
