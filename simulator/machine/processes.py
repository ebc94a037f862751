"""Child processes that write to log files and are ready when their log says so."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

#: Linux can end a child whose parent was killed; elsewhere it stays, and whoever killed the parent has to end it
_WITH_ITS_PARENT = ("setpriv", "--pdeathsig", "TERM", "--") if shutil.which("setpriv") else ()
_POLL_SECONDS = 0.02
_GRACE_SECONDS = 20.0


class ProcessDiedError(Exception):
    """A child process ended that should not have; the message ends with its last log lines."""


class ChildProcess:
    """A running child with its log file; made by `start`, ended by `stop`."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log_file: Path) -> None:
        self.name = name
        self.log_file = log_file
        self._process = process

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str | Path], *, log_file: Path, environment: Mapping[str, str]
    ) -> Self:
        """Start `command`; both of its outputs go to `log_file`, which is emptied first."""
        log_file.parent.mkdir(parents=True, exist_ok=True)
        with log_file.open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *_WITH_ITS_PARENT,
                *command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                **_APART,
            )
        return cls(name, process, log_file)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def logged(self, pattern: str, *, within: float) -> re.Match[str]:
        """Wait until the log holds a match of `pattern`.

        Raises:
            ProcessDiedError: it ended, or took longer than `within` seconds.
        """
        deadline = asyncio.get_running_loop().time() + within
        while True:
            running = self.running
            if match := re.search(pattern, self._log()):
                return match
            if not running:
                raise self.died()
            if asyncio.get_running_loop().time() > deadline:
                raise ProcessDiedError(f"{self.name} is not ready after {within:g} s:\n{self.tail()}")
            await asyncio.sleep(_POLL_SECONDS)

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        return await self._process.wait()

    def died(self) -> ProcessDiedError:
        """The error that says how it ended."""
        return ProcessDiedError(f"{self.name} ended with code {self._process.returncode}:\n{self.tail()}")

    def tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        return "\n".join(deque(self._log().splitlines(), maxlen=lines))

    async def stop(self) -> None:
        """Ask it to end; after twenty seconds make it."""
        if self.running:
            self._process.send_signal(_END)
        try:
            await asyncio.wait_for(self._process.wait(), _GRACE_SECONDS)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """End it and its own children as a crash would."""
        if self.running:
            _kill(self._process)
        await self._process.wait()

    def _log(self) -> str:
        return self.log_file.read_text(errors="replace")


# Ctrl-C ends the parent, which then ends its children: these do not get it themselves.
if sys.platform == "win32":
    _APART: dict[str, Any] = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    _END = signal.CTRL_BREAK_EVENT

    def _kill(process: asyncio.subprocess.Process) -> None:
        process.kill()

else:
    _APART: dict[str, Any] = {"start_new_session": True}
    _END = signal.SIGTERM

    def _kill(process: asyncio.subprocess.Process) -> None:
        os.killpg(process.pid, signal.SIGKILL)
