"""A pseudo-terminal of a given width, in which a command of ours runs in this very process."""

import fcntl
import os
import pty
import re
import struct
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import rich.console

#: long enough for whatever a test prints
_LINES = 500
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


class PseudoTerminal:
    """What a person sees."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.shown = ""

    @property
    def lines(self) -> list[str]:
        """As a terminal that is never wrapped shows them."""
        return [line.rstrip() for line in self.shown.splitlines()]

    @property
    def words(self) -> str:
        """Everything, with one blank for whatever parts two words."""
        return " ".join(self.shown.split())


@contextmanager
def _opened(columns: int) -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _LINES, columns, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)


def run_in(columns: int, work: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> PseudoTerminal:
    """Let the work print to a terminal that wide, and read it without its styles."""
    found = PseudoTerminal(columns)
    with _opened(columns) as (ours, theirs), monkeypatch.context() as patched:
        heard: list[bytes] = []
        reader = threading.Thread(target=_read, args=(ours, heard), daemon=True)
        reader.start()
        with os.fdopen(theirs, "w", encoding="utf-8") as screen:
            for name, value in {"NO_COLOR": "1", "TERM": "xterm"}.items():
                patched.setenv(name, value)
            patched.delenv("COLUMNS", raising=False)
            patched.setattr(rich.console, "_STD_STREAMS", (theirs,))
            patched.setattr("sys.stdout", screen)
            work()
            screen.flush()
        reader.join(5)
        found.shown = _plain(heard)
    return found


def read_all(source: int) -> str:
    """What a process has printed to a terminal, once it has ended."""
    heard: list[bytes] = []
    _read(source, heard)
    os.close(source)
    return _plain(heard)


def _plain(heard: list[bytes]) -> str:
    return _STYLE.sub("", b"".join(heard).decode())


def _read(source: int, into: list[bytes]) -> None:
    """Until nobody holds the other end any more, which Linux tells as an error."""
    while True:
        try:
            read = os.read(source, 65536)
        except OSError:
            return
        if not read:
            return
        into.append(read)
