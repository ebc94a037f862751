"""Sessions in memory for the command line: one world, and what a person types."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from typer.testing import CliRunner, Result

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import SettingsError
from backup_retry.ports.access_inspection import MemoryInspection
from backup_retry.ports.arrivals import MemoryArrivals
from backup_retry.ports.deployment import DeployedApp, Deployment, MemoryDeployment
from backup_retry.ports.estate import MemoryEstate
from backup_retry.ports.inbox import MemoryInbox
from backup_retry.ports.protection_history import MemoryHistory
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from backup_retry.ports.unsent_notices import MemoryUnsentStore
from backup_retry.settings.loading import load_settings
from cli.app import app
from cli.session import Session
from tests.builders import item, vault
from tests.world import NetworkLedger, World

Found = TypeVar("Found")


class JournalledLedger(NetworkLedger, MemoryReports):
    """The world's ledger with the journal that reports read."""


class Terminal(World):
    """A world, and a terminal in it."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger: JournalledLedger = JournalledLedger()
        self.engine = self.another_engine()
        self.inbox = MemoryInbox(self.clock)
        self.unreadables = MemoryUnreadables()
        self.inspection = MemoryInspection()
        self.estate = MemoryEstate()
        self.deployment = MemoryDeployment()
        self.arrivals = MemoryArrivals()
        self.history = MemoryHistory()
        self.unsent = MemoryUnsentStore()
        self.rows_of_graph: list[Mapping[str, Any]] = []
        self.queries: list[str] = []
        self.settings: dict[str, str] = {}
        #: the environment names a ledger
        self.has_ledger = True
        self.opened_for_writing = False
        #: how often a session was opened, and what opening one raises
        self.opened = 0
        self.sign_in_error: BaseException | None = None
        #: the name and resource group of the app that a command is about
        self.app = ("", "")

    def types(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run a command."""
        return CliRunner().invoke(app, list(arguments), obj=self, input=stdin)

    def json(self, *arguments: str, stdin: str | None = None) -> Any:
        """Run a command with --json; the document."""
        return json.loads(self.types(*arguments, "--json", stdin=stdin).stdout)

    def does(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Let something happen before the command."""
        return asyncio.run(work)

    def shows(self, *items: ProtectedItem) -> None:
        """Resource Graph knows the items."""
        self.rows_of_graph = [{"id": each.id} for each in (items or (item(),))]

    @asynccontextmanager
    async def open(
        self, *, writing: bool = False, ledger: bool = True, **overrides: str
    ) -> AsyncIterator[Session]:
        """See Sessions."""
        self.opened_for_writing = writing
        self.opened += 1
        if self.sign_in_error is not None:
            raise self.sign_in_error
        if ledger and not self.has_ledger:
            raise SettingsError("Settings: LEDGER_ENDPOINT is not set")
        settings = {"ledger_endpoint": "https://ledger.test", **self.settings, **overrides}
        yield Session(
            settings=load_settings(settings),
            clock=self.clock,
            ledger=self.ledger if self.has_ledger else MemoryReports(),
            reports=self.ledger,
            inbox=self.inbox,
            unreadables=self.unreadables,
            vaults=self.vaults,
            graph=self,
            item_lookup=self.item_lookup,
            tag_lookup=self.tag_lookup,
            inspection=self.inspection,
            estate_reader=self.estate,
            publisher=self.publisher,
            arrivals=self.arrivals,
            history=self.history,
            unsent=self.unsent,
        )

    def of_app(self, name: str, resource_group: str) -> "Terminal":
        """See Sessions."""
        self.app = name, resource_group
        return self

    @asynccontextmanager
    async def open_app(
        self, name: str, resource_group: str
    ) -> AsyncIterator[tuple[Session, DeployedApp, Deployment]]:
        """See Sessions."""
        del resource_group
        name = name or "app-1"
        group = f"/subscriptions/{vault().subscription}/resourceGroups/rg-app"
        app_id = f"{group}/providers/Microsoft.Web/sites/{name}"
        app = DeployedApp(id=app_id, host=f"{name}.test", principal="principal-1")
        async with self.open() as session:
            yield session, app, self.deployment

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See Graph."""
        self.queries.append(query)
        for row in self.rows_of_graph:
            yield row
