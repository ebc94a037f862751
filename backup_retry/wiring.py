"""Builds the real parts, once per process and not before the first event needs them."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING

from backup_retry.engine import Engine
from backup_retry.ledger import Controls, Ledger
from backup_retry.report import Reports
from backup_retry.settings import Settings, load_settings
from backup_retry.vaults import Vaults

if TYPE_CHECKING:
    from backup_retry.azure.client import AzureClients
    from backup_retry.azure.resource_graph import ResourceGraph


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
    graph: "ResourceGraph"
    engine: Engine
    clients: "AzureClients"
    reports: Reports


def clock() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


@cache
def settings() -> Settings:
    """The settings of this process; raises SettingsError when they are wrong."""
    return load_settings()


async def build(settings: Settings, clients: "AzureClients") -> Parts:
    """The real parts on open clients; makes the ledger's tables where they are missing."""
    from backup_retry.azure.event_grid import TopicPublisher  # noqa: PLC0415
    from backup_retry.azure.recovery_services import RecoveryServicesVaults  # noqa: PLC0415
    from backup_retry.azure.resource_graph import ResourceGraph  # noqa: PLC0415
    from backup_retry.azure.table_ledger import TableLedger  # noqa: PLC0415
    from backup_retry.azure.table_reports import TableReports  # noqa: PLC0415
    from backup_retry.azure.tags import TagOptOuts  # noqa: PLC0415

    ledger = TableLedger(clients.tables(), clock)
    await ledger.create_tables()
    vaults = RecoveryServicesVaults(clients, clock)
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
        graph=graph,
        engine=engine,
        clients=clients,
        reports=TableReports(clients.tables()),
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
