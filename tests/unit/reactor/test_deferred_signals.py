"""Signals that nobody had time to look into, and what becomes of them."""

import asyncio
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import Source
from backup_retry.policy.scope import Scope
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.item_lookup import MemoryItemLookup
from reactor.deferred_signals import process_deferred, read, written
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Ignored, Signal
from tests.builders import ITEM_IS_BUSY, item, vault
from tests.signal_reading import MACHINE_ID
from tests.world import World

AMPLE = 30.0


class Session:
    """A reactor that keeps what it cannot look into."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.inbox = MemoryInbox(world.clock)
        resolver = Resolver(
            vaults=world.vaults,
            item_lookup=MemoryItemLookup(),
            clock=world.clock,
            lookback=timedelta(hours=24),
            scope=Scope(),
        )
        self.reactor = SignalHandler(resolver=resolver, engine=world.engine, keep=self._keep)

    async def _keep(self, signal: Signal) -> None:
        await self.inbox.keep(written(signal))

    async def look(self) -> None:
        """The timer fires."""
        await process_deferred(self.inbox, self.reactor, self.world.clock)


@pytest.fixture
def session(world: World) -> Session:
    """A reactor on the world, with an empty inbox."""
    return Session(world)


def signal(job_id: str = "job-1", number: int = 1) -> Signal:
    """An alert about a machine's job."""
    return Signal(source=Source.ALERT, vault=vault(), job_id=job_id, item=item(number), label="an alert")


@pytest.mark.parametrize(
    "came",
    [
        signal(),
        signal(""),
        Signal(source=Source.EVENT, vault=vault()),
        Signal(source=Source.ALERT, resource_id=MACHINE_ID, error_code="400160", label="ü"),
    ],
)
def test_a_signal_is_written_and_read_without_loss(came: Signal) -> None:
    """Whatever it names."""
    assert read(written(came)) == came


async def test_a_signal_that_azure_is_too_slow_for_is_kept(world: World, session: Session) -> None:
    """It counts as received: nobody has to send it again."""
    world.fails()
    world.vaults.read_error = AzureUnavailable("no answer")

    reaction = await session.reactor.handle_signal(signal(), seconds=AMPLE)

    assert (reaction.kept, reaction.why, reaction.reports) == (True, "no answer", ())
    assert [read(each.fields) for each in session.inbox.signals.values()] == [signal()]
    assert world.attempts == []


async def test_it_is_looked_into_once_azure_answers(world: World, session: Session) -> None:
    """However often it came: one retry, and nothing is left waiting."""
    world.fails()
    world.vaults.read_error = AzureUnavailable("no answer")
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    await session.look()
    assert len(session.inbox.signals) == 1
    world.vaults.read_error = None

    await session.look()
    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_those_of_one_vault_share_its_list(world: World, session: Session) -> None:
    """A hundred alerts are no hundred reads of a job."""
    for number in (1, 2, 3):
        world.fails(f"job-{number}", of=item(number))
        await session.inbox.keep(written(signal(f"job-{number}", number)))
    world.vaults.on_job = _never

    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (3, {})


async def _never() -> None:
    raise AssertionError("a job was read by itself")


async def test_one_that_azure_can_no_longer_know_is_given_up(
    world: World, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    """After the 14 days that Azure keeps jobs; it is logged as an error."""
    await session.inbox.keep(written(signal()))
    world.clock.move(minutes=14 * 24 * 60 + 1)

    await session.look()

    assert session.inbox.signals == {}
    assert ["signal_failed" in each for each in caplog.messages] == [True]


async def test_many_signals_of_one_event_are_reacted_to_each(world: World, session: Session) -> None:
    """In their order; one that means nothing keeps no other back."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2), error=ITEM_IS_BUSY)
    came: list[Signal | Ignored] = [signal(), Ignored(why="is no ARM id"), signal("job-2", 2)]

    reactions = await session.reactor.handle_signals(came, seconds=AMPLE, run_began=world.clock())

    assert [len(each.reports) for each in reactions] == [1, 0, 1]
    assert len(world.attempts) == 2


async def test_a_ledger_that_does_not_keep_one_lets_the_event_be_sent_again(
    world: World, session: Session
) -> None:
    """The others have been dealt with by then."""
    world.fails("job-1", of=item(1))
    world.vaults.on_job = _unanswered
    world.fails("job-2", of=item(2))
    session.reactor = SignalHandler(resolver=session.reactor._resolver, engine=world.engine)

    with pytest.raises(AzureUnavailable):
        await session.reactor.handle_signals(
            [signal("no-such-job"), signal("job-2", 2)], seconds=AMPLE, run_began=world.clock()
        )

    assert len(world.attempts) == 1


async def _unanswered() -> None:
    raise AzureUnavailable("no answer")


async def test_a_signal_that_finds_no_place_is_kept(world: World, session: Session) -> None:
    """In a storm everybody is answered in time: whoever cannot be looked into is stored, and Azure is not asked."""
    world.fails()
    nobody = asyncio.Semaphore(0)
    busy = SignalHandler(
        resolver=session.reactor._resolver, engine=world.engine, keep=session.reactor._keep, places=nobody
    )

    reaction = await busy.handle_signal(signal(), seconds=0.05)

    assert (reaction.kept, reaction.why) == (True, "busy with other signals")
    assert (len(session.inbox.signals), world.vaults.listed) == (1, [])


async def test_more_than_one_run_can_take_at_a_time_are_looked_into(world: World, session: Session) -> None:
    """The look goes on until nothing waits."""
    world.fails("job-1", of=item(1))
    for number in range(1100):
        await session.inbox.keep({**written(signal()), "label": f"alert {number}"})

    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_a_signal_about_an_item_that_cannot_be_read_waits(world: World, session: Session) -> None:
    """Nothing is triggered for the item; another one that the same signal means is retried at once."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))
    world.ledger.unreadable.add(item(1).key)

    reaction = await session.reactor.handle_signal(Signal(source=Source.ALERT, vault=vault()), seconds=AMPLE)
    await session.look()

    assert (reaction.kept, len(session.inbox.signals)) == (True, 1)
    assert [key for key, _ in world.vaults.triggered] == [item(2).key]

    world.ledger.unreadable.clear()
    await session.look()
    assert [key for key, _ in world.vaults.triggered] == [item(2).key, item(1).key]
    assert session.inbox.signals == {}


async def test_of_what_a_signal_lacks_nothing_was_said(world: World, session: Session) -> None:
    """Another version may write fewer fields, or more."""
    world.fails()
    await session.inbox.keep({"vault": vault().id, "severity": "Sev1"})
    await session.look()
    assert (len(world.attempts), session.inbox.signals) == (1, {})
