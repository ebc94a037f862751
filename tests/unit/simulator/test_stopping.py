"""Programs that run until somebody stops them."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from simulator.machine.locks import DirectoryLock, InUseError
from simulator.machine.stopping import STOP_SIGNALS, StoppedError, stop_requested, unless_stopped
from tests.documents import REPOSITORY

#: a program as `make run` is one: it says that it is up, and ends well when it is told to stop
PROGRAM = """
import asyncio
from simulator.machine.stopping import stop_requested
from simulator.machine.terminal import own_terminal
async def serve():
    stop = stop_requested()
    print("up", flush=True)
    await stop.wait()
    print("stopped", flush=True)
with own_terminal():
    asyncio.run(serve())
"""

#: make on a terminal of its own
ON_TERMINAL = """
import fcntl, os, sys, termios
terminal = os.open(sys.argv[1], os.O_RDWR)
fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
for stream in range(3):
    os.dup2(terminal, stream)
os.execvp("make", ["make", "run"])
"""


@pytest.fixture
def handlers() -> Iterator[None]:
    """What the process does at a signal is put back."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def refuse(*_: object) -> None:
    """What a loop on Windows does."""
    raise NotImplementedError


@pytest.mark.parametrize("number", STOP_SIGNALS)
@pytest.mark.parametrize("on_windows", [False, True])
async def test_a_signal_sets_the_event(
    handlers: None, monkeypatch: pytest.MonkeyPatch, number: int, *, on_windows: bool
) -> None:
    """On a loop that cannot watch for signals as well."""
    if on_windows:
        monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", refuse)
    stop = stop_requested()
    os.kill(os.getpid(), number)
    async with asyncio.timeout(10):
        await stop.wait()


async def test_work_is_over_before_a_stop_is_reported() -> None:
    """It may still tidy up."""
    stop, tidied = asyncio.Event(), []

    async def work() -> None:
        try:
            stop.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            tidied.append(True)

    with pytest.raises(StoppedError):
        await unless_stopped(stop, work())
    assert tidied == [True]


async def test_work_that_ends_gives_its_result() -> None:
    """An error as well."""

    async def work(result: Callable[[], int]) -> int:
        return result()

    assert await unless_stopped(asyncio.Event(), work(lambda: 3)) == 3
    with pytest.raises(ZeroDivisionError):
        await unless_stopped(asyncio.Event(), work(lambda: 1 // 0))


def test_ctrl_c_under_make_ends_without_an_error(tmp_path: Path) -> None:
    """On a terminal, make is not interrupted: it reports what the program reports."""
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "Makefile").write_text(f"run:\n\t@exec {sys.executable} program.py\n")
    ours, theirs = pty.openpty()
    started = subprocess.Popen(
        [sys.executable, "-c", ON_TERMINAL, os.ttyname(theirs)],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY)},
        start_new_session=True,
    )
    shown = _read_until(b"up", ours)
    os.write(ours, b"\x03")
    shown += _read_until(b"stopped", ours)
    assert (started.wait(), b"***" in shown) == (0, False)
    os.close(ours)
    os.close(theirs)


def _read_until(words: bytes, terminal: int) -> bytes:
    shown = b""
    while words not in shown:
        shown += os.read(terminal, 1000)
    return shown


def test_a_directory_has_one_holder(tmp_path: Path) -> None:
    """Until that one gives it back."""
    first, second = DirectoryLock(tmp_path), DirectoryLock(tmp_path)
    first.take()
    with pytest.raises(InUseError, match="is in use by another process"):
        second.take()
    first.release()
    second.take()
    second.release()
