"""Sessions on the real Azure, opened for one command."""

import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.aside import Aside
from backup_retry.azure.client import AzureClients
from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.azure.protected_items import GraphItemLookup
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.table_unreadable import TableUnreadables
from backup_retry.azure.tags import TagOptOuts
from backup_retry.azure.vaults import AzureVaults
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from backup_retry.settings.settings import Settings, load_settings
from backup_retry.wiring import clock
from cli.session import Session

_LEDGER = "LEDGER_ENDPOINT"
#: stands where a ledger would be named; nothing is ever asked there
_NO_LEDGER = "https://no-ledger.invalid"


class AzureSessions:
    """Sessions with whatever identity the environment has: `az login`, a managed identity, a service principal."""

    @asynccontextmanager
    async def open(
        self, *, writing: bool = False, ledger: bool = True, **overrides: str
    ) -> AsyncIterator[Session]:
        """See Sessions."""
        _quiet()
        has_ledger = ledger or any(name.upper() == _LEDGER and value for name, value in os.environ.items())
        settings = load_settings(overrides if has_ledger else {**overrides, "ledger_endpoint": _NO_LEDGER})
        async with AzureClients(settings) as clients:
            session = _session(settings, clients)
            if writing and isinstance(session.ledger, TableLedger):
                await session.ledger.create_tables()
            if not ledger and has_ledger and await session.inspection.missing_tables():
                session = _forgetful(session)
            yield session


def _quiet() -> None:
    """Keep the engine's log to the app, and the credentials that are tried in vain from explaining themselves."""
    logging.getLogger("backup_retry").addHandler(logging.NullHandler())
    logging.getLogger("backup_retry").propagate = False
    logging.getLogger("azure").setLevel(logging.CRITICAL)


def _forgetful(session: Session) -> Session:
    """The same with a ledger that knows nothing and forgets at the end."""
    memory = MemoryReports()
    inbox = MemoryInbox(session.clock)
    return replace(session, ledger=memory, reports=memory, inbox=inbox, unreadables=MemoryUnreadables())


def _session(settings: Settings, clients: AzureClients) -> Session:
    graph, tables = ResourceGraph(clients, settings.swept_subscriptions), clients.tables()
    aside = Aside()
    session = Session(
        settings=settings,
        clock=clock,
        ledger=TableLedger(tables, clock, aside),
        reports=TableReports(tables, aside),
        inbox=TableInbox(tables, clock, aside),
        unreadables=TableUnreadables(tables, aside),
        vaults=AzureVaults(clients, clock),
        graph=graph.estate((), settings.scope.allows_subscription),
        item_lookup=GraphItemLookup(graph),
        opt_outs=TagOptOuts(graph, clock),
        inspection=AzureInspection(clients, graph, settings),
        publisher=TopicPublisher(clients.topic()) if settings.eventgrid_topic_endpoint else None,
    )
    return _forgetful(session) if settings.ledger_endpoint == _NO_LEDGER else session
