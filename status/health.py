"""The health answer: is it alive, and do the sweeps and the follow-up run."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from backup_retry.ports.reports import Reports
from backup_retry.settings.settings import Settings
from backup_retry.settings.timer_status import timers

#: an HTTP status and a JSON body
Answer = tuple[int, dict[str, Any]]
SECONDS_KEPT = 5.0
#: nobody else is to keep it, or to take it for something else than JSON
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def health(reports: Reports, settings: Settings, now: datetime) -> dict[str, Any]:
    """Last complete sweep and follow-up (ISO 8601 or null), open incidents, unwell timers; one small read, no more.

    `open_incidents` is how many the last follow-up left open, `approvals_waiting` how many of them wait for a person's
    approval; `incomplete_sweep` is when a later sweep than the last
    complete one began that left something out; `unwell_timers` is how many of the sweeps, of profiles too, and
    the follow-up are late or incomplete; `unreadable_rows` is how many rows of each kind the follow-up could not read;
    `unprotected` is how many items were not protected when the daily sweep looked last (null: none has yet).
    `stopped_timers` says since when a function's timer has not fired, while an alert rule starts it. Other names and
    keys are nobody's business here.

    Raises AzureUnavailable when the ledger does not answer.
    """
    found = await reports.health()
    standing = timers(settings, found.beats, now)
    sweep, follow_up, *_ = standing
    return {
        "last_sweep": _text(sweep.last),
        "incomplete_sweep": _text(sweep.incomplete),
        "last_follow_up": _text(follow_up.last),
        "open_incidents": found.left.incidents,
        "approvals_waiting": found.left.approvals,
        "unwell_timers": sum(each.needs_a_person for each in standing),
        "stopped_timers": {each.function: _text(each.stopped) for each in standing if each.stopped},
        "unreadable_rows": dict(found.unreadable_rows),
        "unprotected": found.protection.unprotected if found.protection else None,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


class SharedAnswer:
    """One answer for all who ask within some seconds: anybody may ask, and the ledger serves the alerts as well."""

    def __init__(
        self, read: Callable[[], Awaitable[Answer]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._clock = clock
        self._lock = asyncio.Lock()
        self._known: tuple[float, Answer] | None = None

    async def get(self) -> Answer:
        """The status and the body; those who come while it is read share it, an outage too."""
        async with self._lock:
            if self._known is None or self._clock() - self._known[0] >= SECONDS_KEPT:
                answer = await self._read()
                self._known = (self._clock(), answer)
            return self._known[1]
