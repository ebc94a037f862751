"""The second clock: on Flex Consumption every timer of an app has stopped for good, while calls went on working.

Whoever calls, Azure Monitor's own scheduler above all, then sets going what the timers have left undone. It is only set
going here: each turn runs in invocations of its own.
https://github.com/Azure/azure-functions-host/issues/11828
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.incident_notices import of_timer
from backup_retry.engine.turn import KEPT_SIGNALS, Slice, Turn, TurnTaker
from backup_retry.ports.ledger import Beat, Controls, stood_in, stopped, told_of
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher
from backup_retry.ports.reports import Reports
from backup_retry.ports.turns import TURN_DUE, Starter
from backup_retry.settings.settings import Settings
from backup_retry.settings.timer_status import Timer, is_silent, overdue

#: so often a process looks whether its signals come while the timers are silent
_LOOKS = timedelta(minutes=1)
#: the webhook has to answer within five, and has used most of them
_SECONDS = 1.0
#: Event Grid waits 30 seconds for the answer to an event
_SLICE = timedelta(seconds=20)
#: what then is left waits for the clock's next alert
_MOST_SLICES = 90


def turn_in(event_type: str, data: object) -> tuple[str, int] | None:
    """The turn that an event says is due, and its slice's number; None: it is another kind of event."""
    if event_type.casefold() != TURN_DUE.casefold() or not isinstance(data, Mapping):
        return None
    number = data.get("slice")
    return str(data.get("turn") or ""), number if isinstance(number, int) and number > 0 else 0


async def run_slice(
    turn: str,
    number: int,
    *,
    make: Callable[[Slice], Turn] | None,
    taker: TurnTaker,
    controls: Controls,
    starter: Starter | None,
    clock: Callable[[], datetime],
) -> None:
    """Run as much of a turn as an invocation has time for; while something is left, an event starts the next slice.

    Raises whatever the turn raises: the event is then delivered again.
    """
    if make is None:
        log_event(LogEvent.SIGNAL_IGNORED, signal=TURN_DUE, why=f"there is no function {turn}")
        return
    part = Slice(limit=_SLICE)
    await controls.beat(stood_in(turn), clock())
    taken = await taker.take(make(part))
    if taken and part.left and starter is not None and number < _MOST_SLICES:
        await starter.turn_due(turn, number + 1)


class LastLook:
    """When a process last looked whether the timers are silent."""

    def __init__(self) -> None:
        self._at: datetime | None = None

    def is_due(self, now: datetime) -> bool:
        """True at most once a minute."""
        due = self._at is None or now - self._at >= _LOOKS
        if due:
            self._at = now
        return due


class SecondClock:
    """Sets going what is overdue."""

    def __init__(
        self,
        *,
        controls: Controls,
        reports: Reports,
        settings: Settings,
        clock: Callable[[], datetime],
        starter: Starter | None,
        publisher: Publisher | None = None,
        looked: "LastLook | None" = None,
    ) -> None:
        self._controls = controls
        self._reports = reports
        self._settings = settings
        self._clock = clock
        #: None: without a topic nobody can run a turn in an invocation of its own
        self._starter = starter
        self._publisher = publisher
        self._looked = looked or LastLook()

    async def signal_came(self) -> None:
        """Any signal that comes while the follow-up is three turns late is as good as a clock.

        Whatever goes wrong is the next one's: this signal has been handled or stored.
        """
        now = self._clock()
        if not self._looked.is_due(now):
            return
        try:
            async with asyncio.timeout(_SECONDS):
                await self._strike_if_silent(now)
        except (BackupRetryError, TimeoutError) as error:
            problem = str(error) or "no answer in time"
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, turn=Beat.FOLLOW_UP, problem=problem)

    async def _strike_if_silent(self, now: datetime) -> None:
        last = await self._controls.last_beat(Beat.FOLLOW_UP)
        # One that never ran has only just been deployed: its timer has the first word.
        if last is not None and is_silent(self._settings.follow_up_schedule, last, now):
            await self.strike()

    async def strike(self) -> Sequence[str]:
        """Start every turn whose timer has missed it; their names."""
        if self._starter is None:
            return []
        beats, now = await self._reports.beats(), self._clock()
        started: list[str] = []
        for timer in overdue(self._settings, beats, now):
            await self._note_stopped(timer, beats, now)
            turns = [KEPT_SIGNALS, timer.function] if timer.function == Beat.FOLLOW_UP else [timer.function]
            for turn in turns:
                await self._starter.turn_due(turn, 0)
                log_event(LogEvent.TURN_DUE, level=logging.WARNING, turn=turn, since=timer.last)
            started += turns
        return started

    async def _note_stopped(self, timer: Timer, beats: Mapping[str, datetime], now: datetime) -> None:
        """Remember since when; operators are notified once it has missed its turns a second time.

        Whoever was down for an hour has only just come back when the first signal arrives.
        """
        if timer.stopped is None:
            await self._controls.beat(stopped(timer.function), timer.last or now)
        elif beats.get(told_of(timer.function)) != timer.stopped:
            log_event(LogEvent.TIMER_STOPPED, level=logging.ERROR, turn=timer.function, since=timer.stopped)
            await self._tell(timer.function, timer.stopped, now)

    async def _tell(self, turn: str, since: datetime, now: datetime) -> None:
        try:
            if self._publisher is not None:
                await self._publisher.publish([of_timer(turn, since, now)])
        except BackupRetryError as error:  # the next time it strikes
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, turn=turn, problem=str(error))
            return
        await self._controls.beat(told_of(turn), since)
