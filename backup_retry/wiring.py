"""Builds the real parts, once per process and not before the first event needs them."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from backup_retry.domain.errors import SettingsError
from backup_retry.engine.engine import Engine
from backup_retry.engine.turn import Slice, Turn, TurnTaker
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import REFUSE
from backup_retry.ports.arrivals import Arrivals
from backup_retry.ports.causes import Causes
from backup_retry.ports.dead_letters import DeadLetters
from backup_retry.ports.estate import EstateReader
from backup_retry.ports.heartbeat import Heartbeat
from backup_retry.ports.inbox import Inbox
from backup_retry.ports.item_lookup import ItemLookup
from backup_retry.ports.known_vaults import SeenVaults
from backup_retry.ports.ledger import Archive, Beat, Controls, Ledger, known
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.protection_history import ProtectionHistory
from backup_retry.ports.reports import Reports
from backup_retry.ports.unreadable_rows import Unreadables
from backup_retry.ports.unsent_notices import UnsentStore
from backup_retry.ports.vaults import Vaults
from backup_retry.settings.choices import Dispatch
from backup_retry.settings.loading import load_settings
from backup_retry.settings.settings import Settings

if TYPE_CHECKING:
    from backup_retry.azure.client import AzureClients
    from backup_retry.azure.event_grid import TopicPublisher
    from backup_retry.azure.resource_graph import EstateGraph, ResourceGraph
    from backup_retry.azure.table_ledger import TableLedger


# The SDKs log every request at INFO, which would drown our own events.
logging.getLogger("azure").setLevel(logging.WARNING)

#: a ledger that hangs must not hold up those who come after it answers again
_BUILD_SECONDS = 8.0
#: a turn whose worker died is nobody's well within the five minutes until the next follow-up
_TURN_LEASE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What the entry points work with."""

    settings: Settings
    clock: Callable[[], datetime]
    ledger: Ledger
    controls: Controls
    vaults: Vaults
    item_lookup: ItemLookup
    graph: "ResourceGraph"
    engine: Engine
    clients: "AzureClients"
    reports: Reports
    archive: Archive
    inbox: Inbox
    unreadables: Unreadables
    unsent: UnsentStore
    turns: TurnTaker
    seen_vaults: SeenVaults
    #: as the status page reads it: all of it, or none
    estate_reader: EstateReader
    #: what of it a query's rows tell, as far as they can be had
    estate_of: Callable[["EstateGraph"], EstateReader]
    history: ProtectionHistory
    arrivals: Arrivals
    #: events that Event Grid could not deliver; None: not configured
    dead_letters: DeadLetters | None = None
    #: who is called when a sweep or a follow-up is complete; None: nobody
    heartbeat: Heartbeat | None = None
    #: where notices go; None: nowhere
    publisher: "TopicPublisher | None" = None
    #: where a sweep announces what it finds; None: it handles that by itself
    announcer: "TopicPublisher | None" = None

    def estate(self, subscriptions: Sequence[str] = ()) -> "EstateGraph":
        """What a sweep asks: these subscriptions, or all in scope."""
        named = [each for each in subscriptions if not each.startswith(REFUSE)]
        return self.graph.estate(named, self.settings.scope.allows_subscription)


#: how a part of each turn is made, by the name of its function: every room with timers adds its own
turn_makers: dict[str, Callable[[Parts, Slice], Turn]] = {}


def clock() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


_settings = cache(load_settings)


def settings() -> Settings:
    """The settings of this process; raises SettingsError when they are wrong.

    Each call that fails for them says so in the log: of what is said while the app is loaded the host keeps nothing.
    """
    try:
        return _settings()
    except SettingsError as error:
        log_event(LogEvent.SETTINGS_WRONG, level=logging.ERROR, problem=str(error))
        raise


@cache
def schedules() -> Settings:
    """The settings for whoever registers a timer, when the host loads the app.

    A wrong setting must not keep the host from loading it, or it has no functions at all and nobody sees why: the
    standard schedules serve then, and each call raises the SettingsError.
    """
    try:
        return _settings()
    except SettingsError:
        return Settings.model_construct()


async def build(settings: Settings, clients: "AzureClients") -> Parts:
    """The real parts on open clients; makes the ledger's tables where they are missing."""
    from backup_retry.azure.dead_letter_blobs import DeadLetterBlobs  # noqa: PLC0415
    from backup_retry.azure.estate import AzureEstate  # noqa: PLC0415
    from backup_retry.azure.event_grid import TopicPublisher  # noqa: PLC0415
    from backup_retry.azure.heartbeat import HttpsHeartbeat  # noqa: PLC0415
    from backup_retry.azure.protected_items import GraphItemLookup  # noqa: PLC0415
    from backup_retry.azure.resource_graph import ResourceGraph  # noqa: PLC0415
    from backup_retry.azure.table_archive import TableArchive  # noqa: PLC0415
    from backup_retry.azure.table_arrivals import TableArrivals  # noqa: PLC0415
    from backup_retry.azure.table_causes import TableCauses  # noqa: PLC0415
    from backup_retry.azure.table_history import TableHistory  # noqa: PLC0415
    from backup_retry.azure.table_inbox import TableInbox  # noqa: PLC0415
    from backup_retry.azure.table_ledger import TableLedger  # noqa: PLC0415
    from backup_retry.azure.table_quarantine import Quarantine  # noqa: PLC0415
    from backup_retry.azure.table_reports import TableReports  # noqa: PLC0415
    from backup_retry.azure.table_turns import TableTurns  # noqa: PLC0415
    from backup_retry.azure.table_unreadable import TableUnreadables  # noqa: PLC0415
    from backup_retry.azure.table_unsent import TableUnsentStore  # noqa: PLC0415
    from backup_retry.azure.table_vaults import TableVaults  # noqa: PLC0415
    from backup_retry.azure.vaults import AzureVaults  # noqa: PLC0415

    for note in settings.notes:
        log_event(LogEvent.SETTING_RAISED, level=logging.WARNING, problem=note)
    tables, quarantine = clients.tables(), Quarantine()
    ledger = TableLedger(tables, clock, quarantine)
    await ledger.create_tables()
    reports = TableReports(tables, quarantine)
    await _remember_timers(settings, ledger, await reports.beats())
    vaults = AzureVaults(clients, clock)
    graph = ResourceGraph(clients, settings.swept_subscriptions)
    publisher = TopicPublisher(clients.topic()) if settings.eventgrid_topic_endpoint else None
    container = settings.dead_letter_container
    dead_letters = DeadLetterBlobs(clients, container) if container else None
    return Parts(
        settings=settings,
        clock=clock,
        ledger=ledger,
        controls=ledger,
        vaults=vaults,
        item_lookup=GraphItemLookup(graph),
        graph=graph,
        engine=_engine(
            settings.rules,
            ledger=ledger,
            vaults=vaults,
            graph=graph,
            reports=reports,
            publisher=publisher,
            causes=TableCauses(tables, quarantine),
        ),
        clients=clients,
        publisher=publisher,
        announcer=publisher if settings.sweep_dispatch is Dispatch.EVENTGRID else None,
        reports=reports,
        archive=TableArchive(tables, quarantine),
        inbox=TableInbox(tables, clock, quarantine),
        unreadables=TableUnreadables(tables, quarantine, dead_letters),
        dead_letters=dead_letters,
        heartbeat=HttpsHeartbeat(clients, settings.heartbeat_url) if settings.heartbeat_url else None,
        arrivals=TableArrivals(tables, quarantine),
        unsent=TableUnsentStore(tables, quarantine),
        seen_vaults=TableVaults(tables, graph, quarantine),
        estate_reader=AzureEstate(graph, vaults, settings.scope),
        estate_of=lambda some: AzureEstate(some, vaults, settings.scope),
        history=TableHistory(tables, quarantine),
        turns=TurnTaker(
            turns=TableTurns(tables, quarantine),
            controls=ledger,
            clock=clock,
            lease=min(settings.claim_lease, _TURN_LEASE),
            publisher=publisher,
        ),
    )


async def _remember_timers(settings: Settings, controls: Controls, beats: Mapping[str, datetime]) -> None:
    """Leave word since when each timer is there: a new one has missed no turn."""
    functions = (Beat.FOLLOW_UP, *(each.function for each in settings.timed_sweeps))
    new = [name for each in functions if (name := known(each)) not in beats]
    await asyncio.gather(*(controls.beat(name, clock()) for name in new))


def _engine(
    rules: Rules,
    *,
    ledger: "TableLedger",
    vaults: Vaults,
    graph: "ResourceGraph",
    reports: Reports,
    publisher: "TopicPublisher | None",
    causes: Causes,
) -> Engine:
    from backup_retry.azure.known_vaults import ShownVaults  # noqa: PLC0415
    from backup_retry.azure.tags import GraphTagLookup  # noqa: PLC0415

    return Engine(
        ledger=ledger,
        controls=ledger,
        storms=ledger,
        vaults=vaults,
        tag_lookup=GraphTagLookup(graph, clock),
        rules=rules,
        clock=clock,
        publisher=publisher,
        known_vaults=ShownVaults(reports, graph, clock),
        causes=causes,
        pages=_pages(),
    )


def _pages() -> str:
    """The address below which this app's pages are, as App Service tells it; "" elsewhere."""
    host = os.environ.get("WEBSITE_HOSTNAME", "")
    return f"https://{host}/api" if host else ""


class _Process:
    """The parts of this process."""

    def __init__(self) -> None:
        self._building: asyncio.Task[Parts] | None = None

    async def parts(self) -> Parts:
        """Build on the first call, once for all who wait; after a failure the next call tries again.

        A caller whose time is over leaves the work to the others and to the next one.

        Raises:
            AzureUnavailable, TimeoutError: the ledger did not answer.
            SettingsError: the settings are wrong.
        """
        if self._building is None:
            self._building = asyncio.create_task(self._build())
            self._building.add_done_callback(self._built)
        return await asyncio.shield(self._building)

    def _built(self, building: asyncio.Task[Parts]) -> None:
        if building.cancelled() or building.exception():
            self._building = None

    @staticmethod
    async def _build() -> Parts:
        from backup_retry.azure.client import AzureClients  # noqa: PLC0415

        async with AsyncExitStack() as until_built:
            clients = await until_built.enter_async_context(AzureClients(settings()))
            async with asyncio.timeout(_BUILD_SECONDS):
                built = await build(settings(), clients)
            until_built.pop_all()  # they stay open as long as the process lives
            return built


_process = _Process()


async def parts() -> Parts:
    """The parts of this process, see `_Process.parts`."""
    settings()  # whoever waits for what another call builds has to say by itself what is wrong with them
    return await _process.parts()
