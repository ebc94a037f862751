"""A directory that one process has for itself: the system gives the lock back however the process ends."""

import os
import sys
from pathlib import Path

_NAME = "in-use.lock"


class InUseError(Exception):
    """Another process holds the directory."""


class DirectoryLock:
    """Held from `take` to `release`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it.

        Raises:
            InUseError: another process has it.
        """
        descriptor = os.open(self._directory / _NAME, os.O_RDWR | os.O_CREAT)
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise InUseError(f"{self._directory} is in use by another process.") from error
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; nothing where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
