"""A turn: what a timer does, as one function that anybody may start.

A lease makes two starts one turn. A turn that died with its worker has begun, has not completed and is nobody's: the
follow-up starts it again, three times, and then operators are notified.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from backup_retry.domain.errors import BackupRetryError, RowUnreadable
from backup_retry.domain.incident_notices import of_turn
from backup_retry.ports.ledger import Controls, gave_up
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
from backup_retry.ports.publisher import Publisher
from backup_retry.ports.turns import Lease, Turns

#: processes deferred signals; it has the follow-up's schedule, and no heartbeat of its own
KEPT_SIGNALS = "kept_signals"
#: how often one that died is started again
REPEATS = 3
#: a lease is renewed so often before it would run out
_RENEWALS = 4


@dataclass(kw_only=True)
class Slice:
    """As much of a turn as there is time for."""

    limit: timedelta = timedelta.max
    #: it has left something that the next slice goes on with; the turn is not completed
    left: bool = False

    def end(self, left: bool) -> None:
        """Say whether the time has left something; a whole turn leaves it to the next one."""
        self.left = left and self.limit < timedelta.max


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What a timer does."""

    #: of its function in Azure, such as sweep_prod_hourly
    name: str
    #: leaves a beat of its own when it has completed
    run: Callable[[], Awaitable[object]]
    slice: Slice = field(default_factory=Slice)


class TurnTaker:
    """Takes turns, each of them alone among all workers."""

    def __init__(
        self,
        *,
        turns: Turns,
        controls: Controls,
        clock: Callable[[], datetime],
        lease: timedelta,
        publisher: Publisher | None = None,
    ) -> None:
        self._turns = turns
        self._controls = controls
        self._clock = clock
        self._lease = lease
        self._publisher = publisher
        self._holder = uuid4().hex

    async def take(self, turn: Turn) -> bool:
        """Run the turn; False where somebody is at it already, which ends this start at once.

        Raises whatever the turn raises: then it has begun and not completed.
        """
        try:
            lease = await self._turns.lease(turn.name)
        except RowUnreadable as error:
            log_failure(LogEvent.TURN_HELD, error, turn=turn.name)
            return False
        now = self._clock()
        taken = None if lease.is_held(now) else await self._begun(lease, now, starts=1)
        if taken is None:
            log_event(LogEvent.TURN_HELD, turn=turn.name, until=lease.until)
            return False
        await self._run(turn, taken)
        return True

    async def repeat_dead(self, turns: Sequence[Turn]) -> None:
        """Start again what has begun, has not completed and is nobody's; in the end operators are notified."""
        for turn in turns:
            with suppress(RowUnreadable):  # it is somebody's
                lease, now = await self._turns.lease(turn.name), self._clock()
                if lease.has_died(now) and lease.starts > REPEATS:
                    await self._tell(lease, now)
                elif lease.has_died(now):
                    await self._repeat(turn, lease, now)

    async def _repeat(self, turn: Turn, lease: Lease, now: datetime) -> None:
        taken = await self._begun(lease, now, starts=lease.starts + 1)
        if taken is None:
            return
        log_event(LogEvent.TURN_REPEATED, level=logging.WARNING, turn=turn.name, since=lease.began)
        try:
            await self._run(turn, taken)
        except Exception as error:  # noqa: BLE001 (it ends this turn and no other's)
            log_failure(LogEvent.TURN_FAILED, error, turn=turn.name)

    async def _begun(self, lease: Lease, now: datetime, starts: int) -> Lease | None:
        """The lease taken; None where another worker was first."""
        began = lease.began if starts > 1 else now
        told_at = lease.told_at if starts > 1 else None
        until = now + self._lease
        return await self._turns.save_lease(
            replace(lease, holder=self._holder, until=until, began=began, starts=starts, told_at=told_at)
        )

    async def _run(self, turn: Turn, taken: Lease) -> None:
        completed = False
        async with self._renewed(taken) as current:
            try:
                await turn.run()
                completed = not turn.slice.left
            finally:
                await current.end(completed=completed)

    @asynccontextmanager
    async def _renewed(self, taken: Lease) -> AsyncIterator["_Held"]:
        held = _Held(self._turns, self._clock, taken)
        renewing = asyncio.create_task(held.renew(self._lease))
        try:
            yield held
        finally:
            renewing.cancel()

    async def _tell(self, lease: Lease, now: datetime) -> None:
        """Notify operators, once; where the topic does not take it, the next follow-up tries again."""
        if lease.told_at is not None or lease.began is None:
            return
        fields = {"turn": lease.turn, "since": lease.began, "starts": lease.starts}
        log_event(LogEvent.TURN_GIVEN_UP, level=logging.ERROR, **fields)
        await self._controls.beat(gave_up(lease.turn), now)
        try:
            if self._publisher is not None:
                await self._publisher.publish([of_turn(lease.turn, lease.began, lease.starts, now)])
        except BackupRetryError as error:
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, turn=lease.turn, problem=str(error))
            return
        await self._turns.save_lease(replace(lease, told_at=now))


class _Held:
    """A lease while its turn runs. One write comes after the other, as each needs the version before."""

    def __init__(self, turns: Turns, clock: Callable[[], datetime], lease: Lease) -> None:
        self._turns = turns
        self._clock = clock
        #: None: another worker has it by now
        self._lease: Lease | None = lease
        self._writing = asyncio.Lock()

    async def renew(self, duration: timedelta) -> None:
        """Renew it for as long as it is ours; a ledger that does not answer is asked again."""
        while self._lease is not None:
            await asyncio.sleep(duration.total_seconds() / _RENEWALS)
            await self._write(lambda lease, now: replace(lease, until=now + duration))

    async def end(self, *, completed: bool) -> None:
        """Give it back. Where that cannot be said it runs out, and the turn is repeated, which changes nothing."""
        await self._write(lambda lease, now: lease.ended(now, completed=completed))
        self._lease = None

    async def _write(self, changed: Callable[[Lease, datetime], Lease]) -> None:
        async with self._writing:
            if self._lease is not None:
                with suppress(BackupRetryError):
                    self._lease = await self._turns.save_lease(changed(self._lease, self._clock()))
