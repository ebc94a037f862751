"""What a worker's timers do, each as a turn that another clock may start in their place."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from backup_retry.domain.alert_dimensions import DEFAULT
from backup_retry.engine.turn import KEPT_SIGNALS, Slice, Turn, TurnTaker
from backup_retry.ports.dead_letters import DeadLetters, MemoryDeadLetters
from backup_retry.ports.inbox import Inbox
from backup_retry.ports.reports import Reports
from backup_retry.ports.turns import MemoryTurns, Turns
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from backup_retry.settings.loading import settings_of
from backup_retry.settings.sweep_profile import SweepProfile
from reactor.dead_letters import process_dead_letters
from reactor.deferred_signals import process_deferred
from reactor.second_clock import LastLook, SecondClock, run_slice
from reactor.signal_handler import SignalHandler
from reconciler.follow_up import FollowUp
from reconciler.silence import sweep_after_silence
from reconciler.sweep import Sweep
from reconciler.sweep_report import SweepReport
from tests.model.remote import Remote
from tests.model.true_jobs import TrueJob

FOLLOW_UP, SWEEP = "follow_up", "sweep"
#: rarer than the model's timers, so that a peaceful world, which looks every twenty minutes, is no silent one
SETTINGS = settings_of(
    {
        "LEDGER_ENDPOINT": "https://ledger.test",
        "FOLLOW_UP_SCHEDULE": "0 */20 * * * *",
        "SWEEP_SCHEDULE": "0 0 */6 * * *",
    }
).model_copy(update={"look_back_schedule": ""})
#: as wiring has it
_LEASE = timedelta(minutes=1)
_REPEATED_FOR = timedelta(minutes=10)


@dataclass
class Shared:
    """What the turns of all workers have in common."""

    leases: MemoryTurns = field(default_factory=MemoryTurns)
    letters: MemoryDeadLetters = field(default_factory=MemoryDeadLetters)
    #: the failed jobs that each dead letter names
    named: dict[str, list[TrueJob]] = field(default_factory=dict)
    #: when each was put into the container
    put_at: dict[str, float] = field(default_factory=dict)

    def put(self, content: bytes, jobs: Sequence[TrueJob], at: float) -> None:
        """Event Grid has given an event up."""
        name = f"{len(self.put_at)}.json"
        self.letters.blobs[name], self.named[name], self.put_at[name] = content, list(jobs), at

    def left_since(self, at: float) -> int:
        """How many are there that were put there before; what names nothing in this world may be kept unread."""
        odd = {name for name in self.letters.unreadable if not self.named[name]}
        return sum(self.put_at[name] < at for name in self.letters.blobs.keys() - odd)


class RemoteTurns(Remote):
    """The leases, in the same store as the ledger."""

    @property
    def port(self) -> Turns:
        """As the port."""
        return cast("Turns", self)

    def _serve(self, name: str, result: Any, *_: Any, **__: Any) -> Any:
        del name
        return result


class RemoteDeadLetters(Remote):
    """The dead letters, in the same account as the ledger; what is deleted has to be handled or kept."""

    def __init__(self, shared: Shared, *link_and_watch: Any) -> None:
        super().__init__(shared.letters, *link_and_watch)
        self._named = shared.named

    @property
    def port(self) -> DeadLetters:
        """As the port."""
        return cast("DeadLetters", self)

    def _serve(self, name: str, result: Any, *arguments: Any, **_: Any) -> Any:
        if name == "delete":
            for job in self._named.pop(arguments[0], []):
                self._watch.allowed(self._watch.promises.answered(job, named=True))
        return result


@dataclass(frozen=True, kw_only=True)
class WorkerTurns:
    """The turns of one worker."""

    taker: TurnTaker
    controls: Any
    reports: Reports
    topic: Any
    clock: Callable[[], datetime]
    follow_up: Callable[[timedelta], FollowUp]
    #: None: nothing sweeps
    sweep: Callable[[SweepProfile | None, datetime | None, timedelta], Sweep] | None
    inbox: Inbox
    handler: SignalHandler
    letters: DeadLetters
    looked: LastLook = field(default_factory=LastLook)

    @property
    def second_clock(self) -> SecondClock:
        """As reactor.functions makes it."""
        return SecondClock(
            controls=self.controls,
            reports=self.reports,
            settings=SETTINGS,
            clock=self.clock,
            starter=self.topic,
            publisher=self.topic,
            looked=self.looked,
        )

    async def take(self, name: str) -> None:
        """A timer fires; the follow-up looks at sweeps that died as well."""
        turn = self._turn(name, Slice())
        if turn is not None and await self.taker.take(turn) and name == FOLLOW_UP:
            sweep = self._turn(SWEEP, Slice(), _REPEATED_FOR)
            await self.taker.repeat_dead([sweep] if sweep else [])

    async def run_slice(self, name: str, number: int) -> None:
        """An event says that a turn is due."""
        make = partial(self._made, name) if self._turn(name, Slice()) else None
        await run_slice(
            name,
            number,
            make=make,
            taker=self.taker,
            controls=self.controls,
            starter=self.topic,
            clock=self.clock,
        )

    def _made(self, name: str, part: Slice) -> Turn:
        turn = self._turn(name, part)
        if turn is None:
            raise ValueError(name)
        return turn

    def _turn(self, name: str, part: Slice, limit: timedelta = timedelta.max) -> Turn | None:
        runs: dict[str, Callable[[Slice], Awaitable[None]]] = {
            FOLLOW_UP: self._follow_up,
            KEPT_SIGNALS: self._look_into_kept,
        }
        if self.sweep is not None:
            runs[SWEEP] = partial(self._sweep, limit)
        return Turn(name=name, run=partial(runs[name], part), slice=part) if name in runs else None

    async def _follow_up(self, part: Slice) -> None:
        """As reconciler.functions does."""
        swept = None
        if self.sweep is not None:
            now = self.clock()
            swept = await sweep_after_silence(self.controls, SETTINGS, now, partial(self._gap, part))
        part.end(swept is not None and swept.out_of_time)
        if not part.left:
            part.end((await self.follow_up(part.limit / 2).run()).left > 0)

    async def _gap(self, part: Slice, profile: SweepProfile, since: datetime) -> SweepReport:
        if self.sweep is None:
            raise ValueError(profile.name)
        return await self.sweep(profile, since, min(part.limit / 2, _REPEATED_FOR)).run()

    async def _sweep(self, limit: timedelta, part: Slice) -> None:
        if self.sweep is not None:
            part.end((await self.sweep(None, None, min(part.limit, limit)).run()).out_of_time)

    async def _look_into_kept(self, part: Slice) -> None:
        """As reactor.functions does."""
        part.end(await process_deferred(self.inbox, self.handler, self.clock, None, part.limit))
        if not part.left:
            await process_dead_letters(
                self.letters,
                self.handler,
                controls=self.controls,
                unreadables=MemoryUnreadables(),
                schedule=SETTINGS.follow_up_schedule,
                dimensions=DEFAULT,
                clock=self.clock,
            )


def leased(port: Turns, controls: Any, clock: Callable[[], datetime], publisher: Any) -> TurnTaker:
    """Who takes turns, with the lease that the app has."""
    return TurnTaker(turns=port, controls=controls, clock=clock, lease=_LEASE, publisher=publisher)
