"""The app with signals that wait, on fakes."""

from datetime import timedelta

from backup_retry.domain.jobs import Source
from backup_retry.policy.scope import Scope
from backup_retry.ports.inbox import DeferredSignal, MemoryInbox
from backup_retry.ports.item_lookup import MemoryItemLookup
from backup_retry.ports.publisher import Publisher
from reactor.deferred_signals import process_deferred, written
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal
from tests.builders import item, vault
from tests.world import World

AMPLE = 30.0


class Session:
    """A reactor that keeps what it cannot look into."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.inbox = MemoryInbox(world.clock)
        self.publisher: Publisher | None = world.publisher
        resolver = Resolver(
            vaults=world.vaults,
            item_lookup=MemoryItemLookup(),
            clock=world.clock,
            lookback=timedelta(hours=24),
            scope=Scope(),
        )
        self.reactor = SignalHandler(resolver=resolver, engine=world.engine, defer=self._defer)

    async def _defer(self, signal: Signal) -> None:
        await self.inbox.add(written(signal))

    async def look(self) -> None:
        """The timer fires."""
        await process_deferred(self.inbox, self.reactor, self.world.clock, self.publisher)

    @property
    def waits(self) -> DeferredSignal:
        """The one signal that waits."""
        [signal] = self.inbox.signals.values()
        return signal


def signal(job_id: str = "job-1", number: int = 1) -> Signal:
    """An alert about a machine's job."""
    return Signal(source=Source.ALERT, vault=vault(), job_id=job_id, item=item(number), label="an alert")
