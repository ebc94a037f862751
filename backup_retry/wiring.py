"""Builds the real parts, once per process and not before the first event needs them."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from backup_retry.engine import Engine
from backup_retry.errors import SettingsError
from backup_retry.finder import Finder
from backup_retry.inbox import Inbox
from backup_retry.ledger import Archive, Controls, Ledger
from backup_retry.log_events import LogEvent, log_event
from backup_retry.report import Reports
from backup_retry.scope import REFUSE
from backup_retry.settings import Dispatch, Settings, load_settings
from backup_retry.vaults import Vaults

if TYPE_CHECKING:
    from backup_retry.azure.client import AzureClients
    from backup_retry.azure.event_grid import TopicPublisher
    from backup_retry.azure.resource_graph import EstateGraph, ResourceGraph


# The SDKs log every request at INFO, which would drown our own events.
logging.getLogger("azure").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the entry points work with."""

    settings: Settings
    clock: Callable[[], datetime]
    ledger: Ledger
    controls: Controls
    vaults: Vaults
    finder: Finder
    graph: "ResourceGraph"
    engine: Engine
    clients: "AzureClients"
    reports: Reports
    archive: Archive
    inbox: Inbox
    #: where a sweep announces what it finds; None: it handles that by itself
    announcer: "TopicPublisher | None" = None

    def estate(self, subscriptions: Sequence[str] = ()) -> "EstateGraph":
        """What a sweep asks: these subscriptions, or all that may be touched."""
        named = [each for each in subscriptions if not each.startswith(REFUSE)]
        return self.graph.estate(named, self.settings.scope.allows_subscription)


def clock() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


@cache
def settings() -> Settings:
    """The settings of this process; raises SettingsError when they are wrong."""
    return load_settings()


@cache
def schedules() -> Settings:
    """The settings for whoever registers a timer, when the host loads the app.

    A wrong setting must not keep the host from loading it, or it has no functions at all and nobody sees why: the
    standard schedules serve then, and each call raises the SettingsError.
    """
    try:
        return settings()
    except SettingsError as error:
        log_event(LogEvent.SETTINGS_WRONG, level=logging.ERROR, problem=str(error))
        return Settings.model_construct()


async def build(settings: Settings, clients: "AzureClients") -> Parts:
    """The real parts on open clients; makes the ledger's tables where they are missing."""
    from backup_retry.azure.event_grid import TopicPublisher  # noqa: PLC0415
    from backup_retry.azure.protected_items import GraphFinder  # noqa: PLC0415
    from backup_retry.azure.resource_graph import ResourceGraph  # noqa: PLC0415
    from backup_retry.azure.table_archive import TableArchive  # noqa: PLC0415
    from backup_retry.azure.table_inbox import TableInbox  # noqa: PLC0415
    from backup_retry.azure.table_ledger import TableLedger  # noqa: PLC0415
    from backup_retry.azure.table_reports import TableReports  # noqa: PLC0415
    from backup_retry.azure.tags import TagOptOuts  # noqa: PLC0415
    from backup_retry.azure.vaults import AzureVaults  # noqa: PLC0415

    ledger = TableLedger(clients.tables(), clock)
    await ledger.create_tables()
    vaults = AzureVaults(clients, clock)
    graph = ResourceGraph(clients, settings.swept_subscriptions)
    publisher = TopicPublisher(clients.topic()) if settings.eventgrid_topic_endpoint else None
    engine = Engine(
        ledger=ledger,
        controls=ledger,
        storms=ledger,
        vaults=vaults,
        opt_outs=TagOptOuts(graph, clock),
        rules=settings.rules,
        clock=clock,
        publisher=publisher,
    )
    return Parts(
        settings=settings,
        clock=clock,
        ledger=ledger,
        controls=ledger,
        vaults=vaults,
        finder=GraphFinder(graph),
        graph=graph,
        engine=engine,
        clients=clients,
        announcer=publisher if settings.sweep_dispatch is Dispatch.EVENTGRID else None,
        reports=TableReports(clients.tables()),
        archive=TableArchive(clients.tables()),
        inbox=TableInbox(clients.tables(), clock),
    )


class _Process:
    """The parts of this process."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._parts: Parts | None = None

    async def parts(self) -> Parts:
        """Build on the first call; a failure is not remembered, so that the next event tries again."""
        async with self._lock:
            if self._parts is None:
                self._parts = await self._build()
        return self._parts

    @staticmethod
    async def _build() -> Parts:
        from backup_retry.azure.client import AzureClients  # noqa: PLC0415

        clients = await AzureClients(settings()).__aenter__()
        try:
            return await build(settings(), clients)
        except BaseException:
            await clients.close()
            raise


parts = _Process().parts
