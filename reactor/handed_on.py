"""Signals that nobody had time for: handed on by an event, and processed at once in an invocation of its own.

The timer that processes all that wait is the net beneath: an event may be lost, or find no time either.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime

from backup_retry.domain.errors import BackupRetryError
from backup_retry.ports.inbox import SIGNAL_DEFERRED, DeferredSignal, Inbox, Messenger
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher
from reactor.deferred_signals import look_into, written
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal

_SECONDS_TO_TELL = 1.0
#: how many that could not be reported in time each run reports
_TOLD_AGAIN = 4
#: in all, with what Azure's answers to triggers may take, less than the 30 that Event Grid waits
_SECONDS_TO_WAIT, _SECONDS_TO_LOOK = 8.0, 13.0


def key_in(event_type: str, data: object) -> str:
    """The key of the signal that an event hands on; "": it is another kind of event, or names none."""
    if event_type.casefold() != SIGNAL_DEFERRED.casefold():
        return ""
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return ""
    key = data.get("key") if isinstance(data, dict) else None
    return key if isinstance(key, str) else ""


async def _announce(key: str, messenger: Messenger) -> bool:
    """Report a signal that waits; False where the topic did not say that it has heard it."""
    try:
        async with asyncio.timeout(_SECONDS_TO_TELL):
            await messenger.signal_deferred(key)
    except (BackupRetryError, TimeoutError) as error:
        problem = str(error) or "the topic did not answer in time"
        log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, signal=key, problem=problem)
        return False
    return True


class Looks:
    """The looks of one process into signals that were handed on: some at a time, the others wait for their turn."""

    def __init__(self, at_once: int) -> None:
        self._places = asyncio.Semaphore(at_once)
        #: how many have come to something
        self._moved = 0
        #: signals that the topic did not take in time: the next looks report them once more, the oldest first
        self._untold: dict[str, None] = {}

    async def hand_on(
        self, signal: Signal, messenger: Messenger | None, clock: Callable[[], datetime]
    ) -> None:
        """Have a stored signal processed at once; without a topic, or where all fails, by the timer."""
        if messenger is not None:
            await self._tell(DeferredSignal(kept_at=clock(), fields=written(signal)).key, messenger)

    async def look(
        self,
        key: str,
        *,
        inbox: Inbox,
        reactor: SignalHandler,
        clock: Callable[[], datetime],
        publisher: Publisher | None,
        messenger: Messenger | None,
    ) -> None:
        """Process one that nobody has processed yet.

        One whose turn does not come is announced once more where others have moved meanwhile; else it is the timer's.
        """
        moved = self._moved
        try:
            async with asyncio.timeout(_SECONDS_TO_WAIT):
                await self._places.acquire()
        except TimeoutError:
            if messenger is not None and self._moved > moved:
                await self._tell(key, messenger)
            return
        try:
            kept = await inbox.find(key)
            if kept is not None and not kept.looked_into:
                # Unknown vaults are reported together, by the timer's next look.
                await look_into(
                    [kept],
                    inbox,
                    reactor,
                    clock(),
                    publisher,
                    seconds=_SECONDS_TO_LOOK,
                    run_began=kept.kept_at,
                )
                self._moved += 1
        finally:
            self._places.release()
        if messenger is not None:
            for untold in list(self._untold)[:_TOLD_AGAIN]:
                if untold in self._untold:  # else another look has reported it meanwhile
                    del self._untold[untold]
                    await self._tell(untold, messenger)

    async def _tell(self, key: str, messenger: Messenger) -> None:
        told = False
        try:
            told = await _announce(key, messenger)
        finally:  # also where the webhook's own time is over
            if not told:
                self._untold[key] = None
