"""What the commands work with, and where they get it from."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Protocol

import typer

from backup_retry.engine.engine import Engine
from backup_retry.ports.access_inspection import Inspection
from backup_retry.ports.arrivals import Arrivals, MemoryArrivals
from backup_retry.ports.causes import Causes, MemoryCauses
from backup_retry.ports.deployment import DeployedApp, Deployment
from backup_retry.ports.estate import EstateReader
from backup_retry.ports.inbox import Inbox
from backup_retry.ports.item_lookup import ItemLookup
from backup_retry.ports.protection_history import MemoryHistory, ProtectionHistory
from backup_retry.ports.publisher import Publisher
from backup_retry.ports.reports import Reports
from backup_retry.ports.tag_lookup import Tagged
from backup_retry.ports.unreadable_rows import Unreadables
from backup_retry.ports.unsent_notices import MemoryUnsentStore, UnsentStore
from backup_retry.ports.vaults import Vaults
from backup_retry.settings.settings import Settings
from cli.dry_run import DryRunLedger, ReadOnlyHistory, ReadOnlyVaults, Store
from reconciler.sweep import Graph


@dataclass(frozen=True, kw_only=True)
class Session:
    """The parts of the app, as a person at a terminal needs them."""

    settings: Settings
    clock: Callable[[], datetime]
    ledger: Store
    reports: Reports
    inbox: Inbox
    unreadables: Unreadables
    vaults: Vaults
    graph: Graph
    item_lookup: ItemLookup
    tag_lookup: Tagged
    inspection: Inspection
    estate_reader: EstateReader
    publisher: Publisher | None = None
    arrivals: Arrivals = field(default_factory=MemoryArrivals)
    causes: Causes = field(default_factory=MemoryCauses)
    history: ProtectionHistory = field(default_factory=MemoryHistory)
    unsent: UnsentStore = field(default_factory=MemoryUnsentStore)

    @cached_property
    def engine(self) -> Engine:
        """The app's own engine on these parts."""
        return Engine(
            ledger=self.ledger,
            controls=self.ledger,
            storms=self.ledger,
            vaults=self.vaults,
            tag_lookup=self.tag_lookup,
            rules=self.settings.rules,
            clock=self.clock,
            publisher=self.publisher,
            causes=self.causes,
            has_log=False,  # nothing that reads the app's log would see it
        )

    def dry_run(self) -> "Session":
        """The same, but nothing is written, triggered or told: what would happen is kept in memory."""
        return replace(
            self,
            ledger=DryRunLedger(self.ledger),
            vaults=ReadOnlyVaults(self.vaults),
            publisher=None,
            causes=MemoryCauses(),
            history=ReadOnlyHistory(self.history),
        )


class Sessions(Protocol):
    """Where a session comes from: Azure, or a test's memory."""

    def open(
        self, *, writing: bool = False, ledger: bool = True, **overrides: str
    ) -> AbstractAsyncContextManager[Session]:
        """A session for the time of one command; `overrides` are settings that an option of the command replaces.

        `writing` makes the ledger's tables where they are missing. Without `ledger`, a setting that names none is
        no error, and what is written is forgotten at the end.

        Raises:
            SettingsError: a setting is missing or wrong.
            AzureUnavailable: nobody is signed in.
        """
        ...

    def of_app(self, name: str, resource_group: str) -> "Sessions":
        """The same with the settings of a deployed app, found by its name, its resource group or both."""
        ...

    def open_app(
        self, name: str, resource_group: str
    ) -> AbstractAsyncContextManager[tuple[Session, DeployedApp, Deployment]]:
        """A session with the settings of a deployed app, see `of_app`; its inspection tells the app's own permissions.

        Raises:
            UsageError: no such app is seen, or several are.
            AzureUnavailable: nobody is signed in.
        """
        ...


def sessions(ctx: typer.Context) -> Sessions:
    """Where this run's desks come from."""
    found: Sessions = ctx.obj
    return found
