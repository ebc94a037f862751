"""Child processes: readiness, ends and logs."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from simulator.machine.processes import ChildProcess, ProcessDiedError

Start = Callable[[str], Awaitable[ChildProcess]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    started: list[ChildProcess] = []

    async def start(script: str) -> ChildProcess:
        command = [sys.executable, "-u", "-c", script]
        environment = {"PATH": os.defpath}
        child = await ChildProcess.start(
            "the child", command, log_file=tmp_path / "child.log", environment=environment
        )
        started.append(child)
        return child

    yield start
    for child in started:
        await child.stop()


async def test_a_child_is_ready_when_its_log_says_so(start: Start) -> None:
    """What the log says is returned; the end is asked for politely."""
    child = await start("import signal; print('port 42'); signal.pause()")
    assert (await child.logged(r"port (\d+)", within=20))[1] == "42"
    await child.stop()
    assert not child.running


async def test_a_child_that_ends_too_early_is_an_error(start: Start) -> None:
    """With its exit code and its last words."""
    child = await start("raise SystemExit('no such luck')")
    with pytest.raises(ProcessDiedError, match=r"the child ended with code 1:\nno such luck"):
        await child.logged("ready", within=20)


async def test_a_child_that_is_never_ready_is_an_error(start: Start) -> None:
    """With what it has said so far."""
    child = await start("import signal; print('still thinking'); signal.pause()")
    await child.logged("thinking", within=20)
    with pytest.raises(ProcessDiedError, match=r"the child is not ready after 0 s:\nstill thinking"):
        await child.logged("ready", within=0)


#: starts one of its own, and says when it runs
PARENT = """
import asyncio, os, signal, sys
from pathlib import Path
from simulator.machine.processes import ChildProcess

CHILD = "import signal; signal.signal(signal.SIGTERM, lambda *_: print('ended')); print('began'); signal.pause()"

async def main():
    command = [sys.executable, "-u", "-c", CHILD]
    child = await ChildProcess.start("it", command, log_file=Path({log!r}), environment=dict(os.environ))
    await child.logged("began", within=20)
    print("its child runs")
    signal.pause()

asyncio.run(main())
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv, of Linux's util-linux")
async def test_a_child_ends_with_a_parent_that_was_killed(start: Start, tmp_path: Path) -> None:
    """Nobody is left behind who holds ports."""
    log = tmp_path / "grandchild.log"
    parent = await start(PARENT.format(log=str(log)))
    await parent.logged("its child runs", within=20)

    await parent.kill()

    await asyncio.to_thread(until, log, "ended")


def until(log: Path, said: str) -> None:
    """Wait until a log says something."""
    gives_up = time.monotonic() + 20
    while said not in log.read_text():
        assert time.monotonic() < gives_up
        time.sleep(0.02)
