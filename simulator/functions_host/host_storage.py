"""What the host keeps in its storage account, here files: its lock on the timers, and when each of them is due."""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from logging import getLogger
from pathlib import Path

_log = getLogger("host.storage")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How long a lock lasts, and how often the host looks after it; seconds."""

    lease: float = 60.0
    #: from one try for another host's lock to the next: after an unclean end timers pause for 60 to 97 s
    retry: float = 35.0
    renew: float = 5.0
    #: so long without its storage ends a host that had the lock
    patience: float = 45.0


class HostStorage:
    """A directory that may be away."""

    def __init__(self, directory: Path, now: Callable[[], datetime], pace: Pace | None = None) -> None:
        self._directory = directory
        self._lock = directory / "lock.json"
        self._now = now
        self._pace = pace or Pace()
        self._holder = secrets.token_hex(8)
        self._held = asyncio.Event()

    async def locked(self) -> None:
        """Wait until this host has the lock: no other one runs timers."""
        await self._held.wait()

    async def hold(self, when_lost: Callable[[], object]) -> None:
        """Take the lock and renew it indefinitely; `when_lost` is called if the storage has been away for too long."""
        loop = asyncio.get_running_loop()
        while not self._take():  # noqa: ASYNC110 (another host, or nobody, gives it back)
            await asyncio.sleep(self._pace.retry)
        self._held.set()
        renewed = loop.time()
        while loop.time() - renewed < self._pace.patience:
            await asyncio.sleep(self._pace.renew)
            if self._take():
                renewed = loop.time()
        _log.error("Failed to renew the lease on the host's lock: its storage is away, and the host ends")
        when_lost()

    def release(self) -> None:
        """Give the lock back at a clean end."""
        if self._held.is_set() and self._directory.is_dir():
            self._lock.unlink(missing_ok=True)

    def due(self, function: str) -> datetime | None:
        """When a timer is due by what was kept of it; None: nothing was."""
        kept = self._directory / f"{function}.json"
        return datetime.fromisoformat(json.loads(kept.read_text())["due"]) if kept.is_file() else None

    def keep_due(self, function: str, due: datetime) -> None:
        """Keep when a timer is due next, unless the storage is away."""
        if self._directory.is_dir():
            (self._directory / f"{function}.json").write_text(json.dumps({"due": due.isoformat()}))

    def _take(self) -> bool:
        """Take or renew the lock; False while another host has it, or the storage is away."""
        if not self._directory.is_dir():
            return False
        if self._lock.is_file():
            known = json.loads(self._lock.read_text())
            if known["holder"] != self._holder and datetime.fromisoformat(known["until"]) > self._now():
                return False
        until = self._now() + timedelta(seconds=self._pace.lease)
        self._lock.write_text(json.dumps({"holder": self._holder, "until": until.isoformat()}))
        return True
