"""Signals that nobody had time for, looked into in an invocation of their own."""

import asyncio
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable, BackupRetryError
from backup_retry.ports.inbox import SIGNAL_DEFERRED, MemoryInbox
from reactor import handed_on
from reactor.deferred_signals import written
from reactor.handed_on import Looks, key_in
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from tests.deferred_world import signal
from tests.world import World


class Topic:
    """Where signals are announced; fails while told to."""

    def __init__(self) -> None:
        self.announced: list[str] = []
        self.error: BackupRetryError | None = None

    async def signal_deferred(self, key: str) -> None:
        """See Messenger."""
        if self.error is not None:
            raise self.error
        self.announced.append(key)


class Session:
    """An inbox with one signal in it, and the events function."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.topic = Topic()
        self.inbox = MemoryInbox(world.clock)
        self.looks = Looks(1)
        resolver = Resolver(
            vaults=world.vaults,
            item_lookup=world.item_lookup,
            clock=world.clock,
            lookback=timedelta(hours=24),
            scope=world.rules.scope,
        )
        self.reactor = SignalHandler(resolver=resolver, engine=world.engine)

    async def keep(self) -> str:
        """Store the signal and hand it on; its key."""
        await self.inbox.add(written(signal()))
        await self.looks.hand_on(signal(), self.topic, self.world.clock)
        [key] = self.inbox.signals
        return key

    async def arrive(self, key: str) -> None:
        """The event is delivered."""
        await self.looks.look(
            key,
            inbox=self.inbox,
            reactor=self.reactor,
            clock=self.world.clock,
            publisher=None,
            messenger=self.topic,
        )


@pytest.fixture
def session(world: World) -> Session:
    """A signal about a failure of the world's."""
    world.fails()
    return Session(world)


@pytest.mark.parametrize(
    ("event_type", "data", "key"),
    [
        (SIGNAL_DEFERRED, {"key": "ab12"}, "ab12"),
        (SIGNAL_DEFERRED.upper(), '{"key": "ab12"}', "ab12"),
        (SIGNAL_DEFERRED, {"key": 7}, ""),
        (SIGNAL_DEFERRED, "{", ""),
        (SIGNAL_DEFERRED, None, ""),
        ("BackupRetry.FailureFound", {"key": "ab12"}, ""),
    ],
)
def test_an_event_names_the_signal_by_its_key(event_type: str, data: object, key: str) -> None:
    """One that does not is none of ours."""
    assert key_in(event_type, data) == key


async def test_a_signal_is_handed_on_by_its_key(session: Session) -> None:
    """The event says nothing else, and whoever gets it triggers the retry."""
    key = await session.keep()
    assert session.topic.announced == [key]

    await session.arrive(key)

    assert (len(session.world.attempts), session.inbox.signals) == (1, {})


async def test_a_topic_that_is_down_leaves_it_to_the_timer(session: Session) -> None:
    """It is stored: nobody has to call again."""
    session.topic.error = AzureUnavailable("no answer")

    assert await session.keep() in session.inbox.signals


async def test_what_the_topic_did_not_take_in_time_is_told_by_the_next_look(session: Session) -> None:
    """Of whatever signal that is; once the topic has taken it, it is told no more."""
    session.topic.error = AzureUnavailable("no answer")
    key = await session.keep()
    session.topic.error = None

    await session.arrive("another")
    await session.arrive("another")

    assert session.topic.announced == [key]


async def test_an_event_for_what_is_gone_does_nothing(session: Session) -> None:
    """It was delivered twice, or the timer was first."""
    key = await session.keep()
    await session.arrive(key)
    session.world.fails("job-2")

    await session.arrive(key)

    assert len(session.world.attempts) == 1


async def test_what_was_looked_into_in_vain_is_the_timers(session: Session) -> None:
    """Neither announced nor looked into again: a chain of events ends where nothing moves."""
    key = await session.keep()
    session.world.vaults.read_error = AzureUnavailable("no answer")
    await session.arrive(key)
    session.world.vaults.read_error = None

    await session.arrive(key)

    assert session.inbox.signals[key].looks == 1
    assert (session.topic.announced, session.world.attempts) == ([key], [])


@pytest.mark.parametrize("moves", [True, False])
async def test_one_whose_turn_does_not_come_is_announced_where_others_move(
    session: Session, monkeypatch: pytest.MonkeyPatch, moves: bool
) -> None:
    """An invocation has its bounds, a storm of signals has none; where nothing moves the timer is left."""
    monkeypatch.setattr(handed_on, "_SECONDS_TO_WAIT", 0.05)
    key = await session.keep()
    opened = asyncio.Event()

    async def hang() -> None:
        await opened.wait()

    session.world.vaults.on_list = hang
    first = asyncio.create_task(session.arrive(key))
    await asyncio.sleep(0)
    second = asyncio.create_task(session.arrive("another"))
    await asyncio.sleep(0)
    session.looks._moved += moves

    await second

    assert session.topic.announced == [key, *["another"] * moves]
    opened.set()
    await first
