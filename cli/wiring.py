"""Sessions on the real Azure, opened for one command."""

import logging
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.azure.deployment import (
    AssignedInspection,
    AzureDeployment,
    ResourceManager,
    apps_of_name,
    read_app,
)
from backup_retry.azure.estate import AzureEstate
from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.azure.protected_items import GraphItemLookup
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_arrivals import TableArrivals
from backup_retry.azure.table_causes import TableCauses
from backup_retry.azure.table_history import TableHistory
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.table_unreadable import TableUnreadables
from backup_retry.azure.table_unsent import TableUnsentStore
from backup_retry.azure.tags import GraphTagLookup
from backup_retry.azure.vaults import AzureVaults
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.ports.arrivals import MemoryArrivals
from backup_retry.ports.causes import MemoryCauses
from backup_retry.ports.deployment import DeployedApp, Deployment
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.protection_history import MemoryHistory
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from backup_retry.ports.unsent_notices import MemoryUnsentStore
from backup_retry.settings.loading import load_settings, settings_of
from backup_retry.settings.settings import Settings
from backup_retry.wiring import clock
from cli.exit_codes import UsageError
from cli.session import Session

_LEDGER = "LEDGER_ENDPOINT"
#: what a query contains
_APP_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_GROUP_NAME = re.compile(r"[\w.()-]{0,90}")
#: stands where a ledger would be named; nothing is ever asked there
_NO_LEDGER = "https://no-ledger.invalid"


class AzureSessions:
    """Sessions with whatever identity the environment has: `az login`, a managed identity, a service principal."""

    @asynccontextmanager
    async def open(
        self, *, writing: bool = False, ledger: bool = True, **overrides: str
    ) -> AsyncIterator[Session]:
        """See Sessions."""
        has_ledger = any(name.upper() == _LEDGER and value for name, value in os.environ.items())
        named = overrides if ledger or has_ledger else {**overrides, "ledger_endpoint": _NO_LEDGER}
        async with _opened(load_settings(named), writing=writing, ledger=ledger) as session:
            yield session

    def of_app(self, name: str, resource_group: str) -> "AppSessions":
        """See Sessions."""
        return AppSessions(name, resource_group)

    @asynccontextmanager
    async def open_app(
        self, name: str, resource_group: str
    ) -> AsyncIterator[tuple[Session, DeployedApp, Deployment]]:
        """See Sessions."""
        app = await _read_app(name, resource_group)
        settings = _settings_of(app)
        async with AzureClients(settings) as clients:
            arm = ResourceManager(clients, settings.cloud.resource_manager)
            graph = ResourceGraph(clients, settings.swept_subscriptions)
            inspection = AssignedInspection(clients, graph, settings, arm=arm, principal=app.principal)
            yield (
                replace(_session(settings, clients), inspection=inspection),
                app,
                AzureDeployment(arm, clients),
            )


class AppSessions(AzureSessions):
    """The same with the settings of a deployed app."""

    def __init__(self, name: str, resource_group: str) -> None:
        self._named = name, resource_group

    @asynccontextmanager
    async def open(
        self, *, writing: bool = False, ledger: bool = True, **overrides: str
    ) -> AsyncIterator[Session]:
        """See Sessions."""
        settings = _settings_of(await _read_app(*self._named), **overrides)
        async with _opened(settings, writing=writing, ledger=ledger) as session:
            yield session


@asynccontextmanager
async def _opened(settings: Settings, *, writing: bool, ledger: bool) -> AsyncIterator[Session]:
    """A session of somebody who is signed in."""
    _quiet()
    async with AzureClients(settings) as clients:
        await _signed_in(clients)
        session = _session(settings, clients)
        if writing and isinstance(session.ledger, TableLedger):
            await session.ledger.create_tables()
        has_ledger = settings.ledger_endpoint != _NO_LEDGER
        if not ledger and has_ledger and await session.inspection.missing_tables():
            session = _forgetful(session)
        yield session


async def _read_app(name: str, group: str) -> DeployedApp:
    _quiet()
    ours = settings_of({_LEDGER: _NO_LEDGER, **_cloud()})
    async with AzureClients(ours) as clients:
        await _signed_in(clients)
        arm = ResourceManager(clients, ours.cloud.resource_manager)
        return await read_app(arm, await _app_id(clients, name, group))


def _settings_of(app: DeployedApp, **overrides: str) -> Settings:
    """The app's cloud is the one that it was found in."""
    changed = {name.upper(): value for name, value in overrides.items()}
    return settings_of({**app.settings, **_cloud(), **changed})


def _cloud() -> dict[str, str]:
    """What this machine says about the cloud; "" where it says nothing, whatever an app's own settings say."""
    said = {name.upper(): value for name, value in os.environ.items()}
    return {name: said.get(name, "") for name in ("AZURE_CLOUD", "ARM_ENDPOINT")}


async def _signed_in(clients: AzureClients) -> None:
    try:
        async with azure_errors("identity"):
            await clients.arm_token()
    except (AzureUnavailable, AzureRefused) as error:
        raise AzureUnavailable(f"Not signed in to Azure: run az login. {error}") from error


async def _app_id(clients: AzureClients, name: str, group: str) -> str:
    if name and not _APP_NAME.fullmatch(name):
        raise UsageError(f"--app {name!r} is not a valid function app name.")
    if not _GROUP_NAME.fullmatch(group):
        raise UsageError(f"--resource-group {group!r} is not a valid resource group name.")
    found = await apps_of_name(ResourceGraph(clients), name, group)
    what = " ".join([f"named {name}"] * bool(name) + [f"in resource group {group}"] * bool(group))
    if not found:
        raise UsageError(
            f"No function app {what} is visible to you. Run az account show to see which account you use."
        )
    if len(found) > 1:
        option = "--resource-group" if name else "--app"
        raise UsageError(f"Several function apps are {what}; specify one with {option}: {', '.join(found)}")
    return found[0]


def _quiet() -> None:
    """Keep the engine's log to the app, and the credentials that are tried in vain from explaining themselves."""
    logging.getLogger("backup_retry").addHandler(logging.NullHandler())
    logging.getLogger("backup_retry").propagate = False
    logging.getLogger("azure").setLevel(logging.CRITICAL)


def _forgetful(session: Session) -> Session:
    """The same with a ledger that knows nothing and forgets at the end."""
    memory = MemoryReports()
    inbox = MemoryInbox(session.clock)
    return replace(
        session,
        ledger=memory,
        reports=memory,
        inbox=inbox,
        unreadables=MemoryUnreadables(),
        arrivals=MemoryArrivals(),
        causes=MemoryCauses(),
        history=MemoryHistory(),
        unsent=MemoryUnsentStore(),
    )


def _session(settings: Settings, clients: AzureClients) -> Session:
    graph, tables = ResourceGraph(clients, settings.swept_subscriptions), clients.tables()
    quarantine, vaults = Quarantine(), AzureVaults(clients, clock)
    session = Session(
        settings=settings,
        clock=clock,
        ledger=TableLedger(tables, clock, quarantine),
        reports=TableReports(tables, quarantine),
        inbox=TableInbox(tables, clock, quarantine),
        unreadables=TableUnreadables(tables, quarantine),
        vaults=vaults,
        graph=graph.estate((), settings.scope.allows_subscription),
        item_lookup=GraphItemLookup(graph),
        tag_lookup=GraphTagLookup(graph, clock),
        inspection=AzureInspection(clients, graph, settings),
        estate_reader=AzureEstate(graph, vaults, settings.scope),
        publisher=TopicPublisher(clients.topic()) if settings.eventgrid_topic_endpoint else None,
        arrivals=TableArrivals(tables, quarantine),
        causes=TableCauses(tables, quarantine),
        history=TableHistory(tables, quarantine),
        unsent=TableUnsentStore(tables, quarantine),
    )
    return _forgetful(session) if settings.ledger_endpoint == _NO_LEDGER else session
