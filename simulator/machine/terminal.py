"""Ctrl-C for this process alone: else make, which started it, would report an error after a clean stop."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

if sys.platform == "win32":

    @contextmanager
    def own_terminal() -> Iterator[None]:
        """Nothing: there is no make."""
        yield

else:

    @contextmanager
    def own_terminal() -> Iterator[None]:
        """Have the terminal's signals, where another program started this one in the foreground of a terminal."""
        starter = os.getpgrp()
        if starter == os.getpid() or not _is_in_foreground(starter):
            yield
            return
        # A process in the background is stopped when it takes the terminal, and Ctrl-Z would stop this one only.
        for number in (signal.SIGTTOU, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)
        os.setpgid(0, 0)
        os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())
        try:
            yield
        finally:
            os.tcsetpgrp(sys.stdin.fileno(), starter)

    def _is_in_foreground(group: int) -> bool:
        try:
            return os.tcgetpgrp(sys.stdin.fileno()) == group
        except (OSError, ValueError):  # standard input is no terminal, or is closed
            return False
