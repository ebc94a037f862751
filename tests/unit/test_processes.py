"""Child processes: readiness, ends and logs."""

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from simulator.processes import ChildProcess, ProcessDiedError

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
