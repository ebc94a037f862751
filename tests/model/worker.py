"""One process of the function app in the model: the real engine, reactor, sweep and follow-up on remote ports."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from backup_retry.azure.table_archive import TableArchive
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.table_reports import TableReports
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.incident import Incident
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import Rules
from backup_retry.ports.causes import MemoryCauses
from backup_retry.ports.inbox import DeferredSignal, MemoryInbox
from backup_retry.ports.item_lookup import MemoryItemLookup
from backup_retry.ports.known_vaults import MemoryKnownVaults
from backup_retry.settings.sweep_profile import SweepProfile, daily
from reactor import webhook
from reactor.deferred_signals import process_deferred, written
from reactor.events import parse_events
from reactor.handed_on import Looks, key_in
from reactor.resolve import Resolver
from reactor.second_clock import KEPT_SIGNALS, SecondClock, turn_in
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal
from reconciler.follow_up import FollowUp
from reconciler.sweep import Sweep
from reconciler.vanished_vaults import VanishedVaults
from tests.model.invariants import Violation, Watch
from tests.model.little_azure import LittleAzure
from tests.model.network import Link, Network
from tests.model.remote import (
    RemoteCauses,
    RemoteGraph,
    RemoteInbox,
    RemoteSeenVaults,
    RemoteStore,
    RemoteTags,
    RemoteTopic,
)
from tests.model.remote_vaults import RemoteVaults
from tests.model.tables import RemoteService, Tables
from tests.model.turns import (
    FOLLOW_UP,
    SWEEP,
    RemoteDeadLetters,
    RemoteTurns,
    Shared,
    WorkerTurns,
    leased,
)
from tests.model.worker_loop import WorkerLoop

_EVENT_SECONDS = 20.0
_LOOKS = 32
#: how long the real ledger keeps closed incidents
KEEP = timedelta(days=2)
#: an HTTP status, or None where nobody answered
Answered = Callable[[int | None], object]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What all workers have in common."""

    network: Network
    azure: LittleAzure
    store: Any
    #: where the ledger is kept; None: in the store, in memory
    tables: Tables | None
    #: the vaults that there are, and what sweeps have seen of them
    known_vaults: MemoryKnownVaults
    #: whether new processes run the earlier version's code of the rows
    is_earlier: bool
    #: the signals that wait
    waiting: dict[str, DeferredSignal]
    #: what a person was told of, and what waits for that
    causes: MemoryCauses
    #: how many signals a worker looks into at once
    places: int
    #: how far a sweep, and a look at a vault that a signal names alone, goes back
    lookback: timedelta
    #: whether a sweep announces what it finds, for whichever worker gets the event
    dispatches: bool
    #: delivers what a sweep has announced
    deliver: Callable[[Mapping[str, Any]], object]
    #: delivers the key of a signal that a worker hands on
    hand_on: Callable[[str], object]
    #: delivers that the so many-th slice of a turn is due
    start: Callable[[str, int], object]
    #: the leases of turns and the dead letters; None: timers do their work without either
    turns: Shared | None
    swept: bool
    watch: Watch
    rules: Rules


class Worker:
    """A process with a clock of its own; `kill` ends it where it stands."""

    def __init__(self, surroundings: Surroundings, skew: float) -> None:
        self._world = surroundings
        self._skew = timedelta(seconds=skew)
        self.is_earlier = surroundings.is_earlier
        self.loop = WorkerLoop(surroundings.network.agenda)  # type: ignore[abstract]  # sockets are not asked for
        link = Link(surroundings.network, self.loop, self.kill)
        store = self._store(link)
        vaults = RemoteVaults(surroundings.azure, link, surroundings.watch, self.clock)
        topic = RemoteTopic(
            link, surroundings.watch, surroundings.deliver, surroundings.hand_on, surroundings.start
        )
        self._messenger, self._looks = topic, Looks(_LOOKS)
        self.engine = Engine(
            ledger=store,
            controls=store,
            storms=store,
            vaults=vaults,
            tag_lookup=RemoteTags(link, surroundings.watch),
            rules=surroundings.rules,
            clock=self.clock,
            publisher=topic,
            causes=RemoteCauses(surroundings.causes, link, surroundings.watch).causes,
            known_vaults=surroundings.known_vaults,
        )
        inbox = MemoryInbox(clock=self.clock, signals=surroundings.waiting)
        self.inbox = RemoteInbox(inbox, link, surroundings.watch).inbox
        resolver = Resolver(
            vaults=vaults,
            item_lookup=MemoryItemLookup(),
            clock=self.clock,
            lookback=surroundings.lookback,
            scope=surroundings.rules.scope,
        )
        self.reactor = SignalHandler(
            resolver=resolver,
            engine=self.engine,
            defer=self._defer,
            hand_on=partial(self._looks.hand_on, messenger=topic, clock=self.clock),
            places=asyncio.Semaphore(surroundings.places),
        )
        self.patient_reactor = SignalHandler(resolver=resolver, engine=self.engine, defer=self._defer)
        self._ports = (store, vaults, topic, link)
        self.turns = self._turns(surroundings.turns) if surroundings.turns else None
        self._waiting: list[Answered] = []
        self.when_killed: Callable[[], object] = lambda: None

    def _follow_up(self, time_limit: timedelta = timedelta.max) -> FollowUp:
        store, _, _, link = self._ports
        return FollowUp(
            ledger=store,
            engine=self.engine,
            controls=store,
            clock=self.clock,
            archive=self._archive(link),
            retention=KEEP,
            time_limit=time_limit,
        )

    def _sweep(
        self,
        profile: SweepProfile | None = None,
        since: datetime | None = None,
        time_limit: timedelta = timedelta(days=1),
    ) -> Sweep:
        """The daily one unless another is named."""
        world, (store, vaults, topic, link) = self._world, self._ports
        return Sweep(
            graph=RemoteGraph(world.azure, link),
            vaults=vaults,
            engine=self.engine,
            controls=store,
            clock=self.clock,
            profile=profile or daily(lookback=world.lookback),
            scope=world.rules.scope,
            since=since,
            time_limit=min(time_limit, timedelta(days=1)),
            defer=self.inbox.add,
            announcer=topic if world.dispatches else None,
            vanished=None if profile else self._vanished(vaults, link),
        )

    def _vanished(self, vaults: RemoteVaults, link: Link) -> VanishedVaults:
        return VanishedVaults(
            seen=RemoteSeenVaults(self._world.known_vaults, link, self._world.watch).port,
            vaults=vaults,
            engine=self.engine,
            scope=self._world.rules.scope,
            clock=self.clock,
        )

    def _turns(self, shared: Shared) -> WorkerTurns:
        world, (store, _, topic, link) = self._world, self._ports
        reports: Any = store if world.tables is None else TableReports(self._service(world.tables, link))
        leases = RemoteTurns(shared.leases, link, world.watch).port
        return WorkerTurns(
            taker=leased(leases, store, self.clock, topic),
            controls=store,
            reports=reports,
            topic=topic,
            clock=self.clock,
            follow_up=self._follow_up,
            sweep=self._sweep if world.swept else None,
            inbox=self.inbox,
            handler=self.patient_reactor,
            letters=RemoteDeadLetters(shared, link, world.watch).port,
        )

    def _store(self, link: Link) -> Any:
        """The ledger over the network: in memory, or the real one on tables."""
        world = self._world
        if world.tables is None:
            return RemoteStore(world.store, link, world.watch)
        return TableLedger(self._service(world.tables, link), self.clock)

    def _archive(self, link: Link) -> TableArchive | None:
        """Where old incidents are forgotten; those in memory are not."""
        if self._world.tables is None:
            return None
        return TableArchive(self._service(self._world.tables, link))

    def _service(self, tables: Tables, link: Link) -> Any:
        return RemoteService(tables, link, self._world.watch, is_earlier=self.is_earlier)

    @property
    def alive(self) -> bool:
        """Until it is killed."""
        return not self.loop.dead

    def clock(self) -> datetime:
        """What its clock shows."""
        return self._world.network.agenda.time + self._skew

    def kill(self) -> None:
        """End it; whoever waits for an answer gets none."""
        if self.alive:
            self.loop.kill()
            self.when_killed()
            for answered in self._waiting:
                self._world.network.agenda.after(0.0, lambda answered=answered: answered(None))  # type: ignore[misc]

    def post_alert(self, body: bytes, answered: Answered) -> None:
        """A call of the webhook."""
        self._begin(self._webhook(body), answered)

    def post_event(self, event_type: str, data: object, answered: Answered) -> None:
        """A call of the Event Grid trigger."""
        self._begin(self._event(event_type, data), answered)

    def run_follow_up(self) -> None:
        """The five-minute timer."""
        turn = self.turns.take(FOLLOW_UP) if self.turns else self._follow_up().run()
        self._begin(self._timer(turn), lambda _: None)

    def run_sweep(self, answered: Answered) -> None:
        """The daily timer."""
        turn = self.turns.take(SWEEP) if self.turns else self._sweep().run()
        self._begin(self._timer(turn), answered)

    def process_deferred(self) -> None:
        """The other five-minute timer."""
        turn = (
            self.turns.take(KEPT_SIGNALS)
            if self.turns
            else process_deferred(self.inbox, self.patient_reactor, self.clock)
        )
        self._begin(self._timer(turn), lambda _: None)

    def answer(self, incident: Incident, *, approved: bool) -> None:
        """A person answers, at a terminal of their own."""
        approvals = self.engine.approvals
        answer = approvals.approve if approved else approvals.dismiss
        self._begin(self._timer(answer(incident, "somebody")), lambda _: None)

    async def _defer(self, signal: Signal) -> None:
        await self.inbox.add(written(signal))

    def _begin(self, work: Coroutine[Any, Any, int], answered: Answered) -> None:
        self._waiting.append(answered)

        def done(task: asyncio.Task[int]) -> None:
            self._waiting.remove(answered)
            if task.cancelled():
                raise Violation("a worker's task was cancelled")
            error = task.exception()
            if error is not None:
                raise Violation(f"unexpected {type(error).__name__}: {error}") from error
            status = task.result()
            self._world.network.agenda.after(0.0, lambda: answered(status))

        self.loop.start(work, done)

    async def _webhook(self, body: bytes) -> int:
        async def reactor() -> SignalHandler:
            return self.reactor

        clock = self._clock if self.turns else None
        try:
            return (await webhook.answer(body, reactor, second_clock=clock)).status
        except BackupRetryError:
            return 503  # as reactor.functions answers whatever escapes

    async def _event(self, event_type: str, data: object) -> int:
        try:
            if key := key_in(event_type, data):
                await self._look_into(key)
                return 200
            if self.turns and (due := turn_in(event_type, data)):
                await self.turns.run_slice(*due)
                return 200
            signals = parse_events(event_type, data)
            await self.reactor.handle_signals(signals, seconds=_EVENT_SECONDS, run_began=self.clock())
            if self.turns:
                await self.turns.second_clock.signal_came()
        except BackupRetryError:
            return 500
        return 200

    async def _clock(self) -> SecondClock:
        if self.turns is None:
            raise ValueError("this world has one clock")
        return self.turns.second_clock

    async def _look_into(self, key: str) -> None:
        """As reactor.functions does with what was handed on."""
        await self._looks.look(
            key,
            inbox=self.inbox,
            reactor=self.patient_reactor,
            clock=self.clock,
            publisher=None,
            messenger=self._messenger,
        )

    @staticmethod
    async def _timer(run: Coroutine[Any, Any, object]) -> int:
        try:
            await run
        except BackupRetryError:
            return 500
        return 200
