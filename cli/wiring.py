"""Desks on the real Azure, opened for one command."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.client import AzureClients
from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.azure.protected_items import GraphFinder
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.tags import TagOptOuts
from backup_retry.azure.vaults import AzureVaults
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.reports import MemoryReports
from backup_retry.settings.settings import Settings, load_settings
from backup_retry.wiring import clock
from cli.session import Desk

_LEDGER = "LEDGER_ENDPOINT"
#: stands where a ledger would be named; nothing is ever asked there
_NO_LEDGER = "https://no-ledger.invalid"


class AzureDesks:
    """Desks with whatever identity the environment has: `az login`, a managed identity, a service principal."""

    @asynccontextmanager
    async def open(
        self, *, writing: bool = False, ledger: bool = True, **overrides: str
    ) -> AsyncIterator[Desk]:
        """See Desks."""
        _quiet()
        has_ledger = ledger or any(name.upper() == _LEDGER and value for name, value in os.environ.items())
        settings = load_settings(overrides if has_ledger else {**overrides, "ledger_endpoint": _NO_LEDGER})
        async with AzureClients(settings) as clients:
            desk = _desk(settings, clients)
            if writing and isinstance(desk.ledger, TableLedger):
                await desk.ledger.create_tables()
            if not ledger and has_ledger and await desk.inspection.missing_tables():
                desk = _forgetful(desk)
            yield desk


def _quiet() -> None:
    """Keep the engine's log to the app, and the credentials that are tried in vain from explaining themselves."""
    logging.getLogger("backup_retry").addHandler(logging.NullHandler())
    logging.getLogger("backup_retry").propagate = False
    logging.getLogger("azure").setLevel(logging.CRITICAL)


def _forgetful(desk: Desk) -> Desk:
    """The same with a ledger that knows nothing and forgets at the end."""
    memory = MemoryReports()
    return replace(desk, ledger=memory, reports=memory, inbox=MemoryInbox(desk.clock))


def _desk(settings: Settings, clients: AzureClients) -> Desk:

    graph, tables = ResourceGraph(clients, settings.swept_subscriptions), clients.tables()
    desk = Desk(
        settings=settings,
        clock=clock,
        ledger=TableLedger(tables, clock),
        reports=TableReports(tables),
        inbox=TableInbox(tables, clock),
        vaults=AzureVaults(clients, clock),
        graph=graph.estate((), settings.scope.allows_subscription),
        finder=GraphFinder(graph),
        opt_outs=TagOptOuts(graph, clock),
        inspection=AzureInspection(clients, graph, settings),
        publisher=TopicPublisher(clients.topic()) if settings.eventgrid_topic_endpoint else None,
    )
    return _forgetful(desk) if settings.ledger_endpoint == _NO_LEDGER else desk
