"""An hour of alerts from one subscription that grants few reads: how many reads they cost, and what becomes of them.

The clock is ours, so that an hour takes minutes. Azure is simulated with its hourly quota; every instance of the app
has clients, a pace and readings of its own, as processes have, and each turn of the timer begins with nothing, as on
Flex Consumption. The ledger is in memory: what is counted are reads of Azure.
"""

import json
import logging
import time
from bisect import bisect_left
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from azure.core.credentials import AccessToken
from azure.core.credentials_async import AsyncTokenCredential

from backup_retry.azure.client import AzureClients
from backup_retry.azure.pacing import ArmPace, Call
from backup_retry.azure.vaults import AzureVaults
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Scope
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.item_lookup import MemoryItemLookup
from backup_retry.ports.ledger import MemoryLedger
from backup_retry.ports.tag_lookup import MemoryTagLookup
from backup_retry.settings.loading import load_settings
from bench.estates import EstatePlan, alert, machine
from bench.figures import Figure
from bench.ground import DIRECTORY
from reactor import webhook
from reactor.deferred_signals import process_deferred, written
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal
from reconciler.follow_up import FollowUp
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.server import RunningServer, ServerConfig, serve

_TIMER = timedelta(minutes=5)
_LOOKBACK = timedelta(hours=24)
#: from a job's end to its alert
_ALERT_AFTER = timedelta(seconds=30)
_TOO_MANY_REQUESTS = 429
_FAILED = Outcome(status=JobStatus.FAILED, seconds=0, error=error_titled("CloudInternalError"))


@dataclass(frozen=True, kw_only=True)
class Size:
    """So many alerts in an hour about so many vaults, to so many instances of the app."""

    alerts: int = 1000
    vaults: int = 10
    instances: int = 8
    #: reads of each action that Azure grants in an hour
    quota: int = 150
    #: how long a backup runs
    backup: timedelta = timedelta(minutes=20)


TINY = Size(alerts=40, vaults=2, instances=2)


@dataclass
class Clock:
    """A clock that we move."""

    now: datetime = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """What it shows."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let time pass in no time."""
        self.now += timedelta(seconds=seconds)


@dataclass
class Ledger:
    """What all instances share."""

    clock: Clock
    incidents: MemoryLedger = field(default_factory=MemoryLedger)
    inbox: MemoryInbox = field(init=False)

    def __post_init__(self) -> None:
        self.inbox = MemoryInbox(self.clock)


class _Token:
    """The app's identity, whose tokens are as old as our clock says."""

    def __init__(self, server: RunningServer) -> None:
        self._server = server

    async def get_token(self, *_: str, **__: Any) -> AccessToken:  # noqa: ANN401 (the SDK's own)
        """One that is valid now, and soon no more."""
        token = self._server.simulator.identity.tokens.issue("https://management.azure.com")
        return AccessToken(token, int(time.time()) + 1)

    async def close(self) -> None:
        """Nothing to close."""


class Instance:
    """One process of the app: what it knows, it has read itself."""

    def __init__(self, clients: AzureClients, ledger: Ledger) -> None:
        self._clients, self._ledger = clients, ledger
        self._vaults = AzureVaults(clients, ledger.clock)
        self._engine = Engine(
            ledger=ledger.incidents,
            controls=ledger.incidents,
            storms=ledger.incidents,
            vaults=self._vaults,
            tag_lookup=MemoryTagLookup(),
            rules=Rules(storm_size=10**6, schedule_margin=timedelta(0)),
            clock=ledger.clock,
        )

    async def alert(self, body: Mapping[str, Any]) -> int:
        """Call the webhook; its status."""

        async def reactor() -> SignalHandler:
            return self._reactor(alone=True)

        return (await webhook.answer(json.dumps(body).encode(), reactor)).status

    async def process_deferred(self) -> None:
        """Fire the timer's first half: what was deferred."""
        await process_deferred(self._ledger.inbox, self._reactor(alone=False), self._ledger.clock)

    async def follow_up(self, run_began: datetime) -> None:
        """Follow up what is open, in a run that began with what was deferred."""
        ledger = self._ledger
        await FollowUp(
            ledger=ledger.incidents,
            engine=self._engine,
            controls=ledger.incidents,
            clock=ledger.clock,
            reads_are_low=self._clients.reads_are_low,
            run_began=run_began,
        ).run()

    def _reactor(self, *, alone: bool) -> SignalHandler:
        resolver = Resolver(
            vaults=self._vaults,
            item_lookup=MemoryItemLookup(),
            clock=self._ledger.clock,
            lookback=_LOOKBACK,
            scope=Scope(),
        )

        async def defer(signal: Signal) -> None:
            await self._ledger.inbox.add(written(signal))

        return SignalHandler(
            resolver=resolver,
            engine=self._engine,
            defer=defer,
            clock=self._ledger.clock,
            reads_are_low=self._clients.reads_are_low if alone else lambda _: False,
        )


@dataclass(frozen=True, kw_only=True)
class Hour:
    """What Azure and the ledger have seen of an hour of alerts, and of the timers until everything was handled."""

    answers: Counter[int]
    #: the most reads of each action in any hour
    reads: Counter[str]
    #: calls that Azure refused with 429
    refused: int
    #: retries of each item
    triggers: Counter[str]
    #: from each failure to its retry
    waits: Sequence[timedelta]
    left_open: int
    left_waiting: int


async def measure(size: Size) -> list[Figure]:
    """The hour, as rows of the table."""
    hour = await play(size)
    note = f"{size.alerts} alerts, {size.vaults} vaults, {size.instances} processes, quota {size.quota}"
    slowest = max(hour.waits, default=timedelta(0)).total_seconds() / 60
    return [
        Figure(key="scarce_reads", value=max(hour.reads.values()), note=f"{note}; the action read most"),
        Figure(key="scarce_handled", value=100 * len(hour.triggers) / size.alerts, note="retried once"),
        Figure(key="scarce_doubled", value=sum(each > 1 for each in hour.triggers.values())),
        Figure(key="scarce_refused", value=hour.refused),
        Figure(key="scarce_wait", value=slowest, note="the slowest of them"),
    ]


async def play(size: Size, certificates: Path = DIRECTORY / "tls") -> Hour:
    """An hour of alerts at a steady pace; the timers fire until nothing is open."""
    clock = Clock()
    plan = EstatePlan(vaults=size.vaults, machines=size.alerts // size.vaults)
    settings = {"backup_seconds": size.backup.total_seconds(), "hourly_reads": size.quota}
    estate = plan.document() | {"settings": settings}
    config = ServerConfig(ca_directory=certificates, estate=estate, now=clock)
    with _silence():
        async with await serve(config) as server:
            ledger = Ledger(clock)
            answers = await _alerts(size, plan, server, ledger)
            ended = clock()
            while await ledger.incidents.open_incidents() and clock() - ended < timedelta(hours=3):
                await _timers(server, ledger)
                clock.now += _TIMER
            return await _seen(server, ledger, answers)


@contextmanager
def _silence() -> Iterator[None]:
    """Without a line of the log for each of a thousand alerts."""
    log = logging.getLogger("backup_retry")
    before = log.level
    log.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        log.setLevel(before)


async def _alerts(size: Size, plan: EstatePlan, server: RunningServer, ledger: Ledger) -> Counter[int]:
    """A failure of each machine, one vault after the other, and its alert half a minute later."""
    clock, answers = ledger.clock, Counter[int]()
    began, timer = clock(), clock() + _TIMER
    told: deque[tuple[datetime, int, str]] = deque()
    async with AsyncExitStack() as stack:
        instances = [
            await stack.enter_async_context(_instance(server, ledger)) for _ in range(size.instances)
        ]
        for turn in range(plan.size):
            clock.now = began + timedelta(hours=1) * turn / plan.size
            number = turn % size.vaults * plan.machines + turn // size.vaults
            told.append((clock() + _ALERT_AFTER, number, _fail(server, number, clock())))
            while told and told[0][0] <= clock():
                _, number, job = told.popleft()
                answers[await instances[number % len(instances)].alert(alert(plan, number, job))] += 1
            if clock() >= timer:
                await _timers(server, ledger)
                timer += _TIMER
        for _, number, job in told:
            answers[await instances[0].alert(alert(plan, number, job))] += 1
    return answers


def _fail(server: RunningServer, number: int, now: datetime) -> str:
    item = server.azure.find_item(machine(number))
    if item is None:
        raise LookupError(machine(number))
    return server.azure.run_job(item, _FAILED, now=now).name


async def _timers(server: RunningServer, ledger: Ledger) -> None:
    """The five-minute turn, in a process that knows nothing yet: what was deferred, then what is open."""
    async with _instance(server, ledger) as fresh:
        began = ledger.clock()
        await fresh.process_deferred()
        await fresh.follow_up(began)


@asynccontextmanager
async def _instance(server: RunningServer, ledger: Ledger) -> AsyncIterator[Instance]:
    endpoints = {"arm_endpoint": server.arm_url, "ledger_endpoint": "https://ledger.test"}
    trust = server.certificates.client_context()
    async with AzureClients(load_settings(endpoints), ssl_context=trust) as clients:
        clock = ledger.clock
        clients._credential = cast("AsyncTokenCredential", _Token(server))  # noqa: SLF001 (its tokens would be as old as the machine's clock says)
        clients._transport.pace = ArmPace(lambda: clock().timestamp(), clock.sleep)  # noqa: SLF001
        yield Instance(clients, ledger)


async def _seen(server: RunningServer, ledger: Ledger, answers: Counter[int]) -> Hour:
    found = server.simulator.requests.find("/subscriptions/")
    jobs = sorted(server.azure.jobs, key=lambda job: job.start_time)
    failed = {job.item.id: job.start_time for job in jobs if not job.user_triggered}
    retries = [job for job in jobs if job.user_triggered]
    first = {job.item.id: job.start_time for job in reversed(retries)}
    return Hour(
        answers=answers,
        reads=_reads_of_the_busiest_hour(found),
        refused=sum(each["status"] == _TOO_MANY_REQUESTS for each in found),
        triggers=Counter(job.item.id for job in retries),
        waits=[at - failed[item] for item, at in first.items()],
        left_open=len(await ledger.incidents.open_incidents()),
        left_waiting=len(ledger.inbox.signals),
    )


def _reads_of_the_busiest_hour(found: Sequence[Mapping[str, Any]]) -> Counter[str]:
    """The most reads of each action in any hour."""
    times: dict[str, list[datetime]] = defaultdict(list)
    for each in found:
        call = Call.of(each["method"], each["path"])
        if call is not None and each["method"] == "GET":
            times[call.action].append(datetime.fromisoformat(each["time"]))
    return Counter({action: _most_in_an_hour(at) for action, at in times.items()})


def _most_in_an_hour(times: Sequence[datetime]) -> int:
    return max(bisect_left(times, at + timedelta(hours=1)) - number for number, at in enumerate(times))
