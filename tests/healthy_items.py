"""Four healthy items on real tables, each met by another reader, to see that an odd row beside them harms none."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

from backup_retry.azure.estate import AzureEstate
from backup_retry.azure.table_archive import TableArchive
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import TABLES, TableLedger
from backup_retry.azure.table_quarantine import Quarantine
from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.table_unreadable import TableUnreadables
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.policy.rules import Rules
from backup_retry.policy.scope import Scope
from backup_retry.ports.arrivals import MemoryArrivals
from backup_retry.ports.estate import MemoryPolicies
from backup_retry.ports.protection_history import MemoryHistory
from backup_retry.ports.unsent_notices import MemoryUnsentStore
from backup_retry.settings.loading import load_settings
from backup_retry.wiring import Parts
from reactor.deferred_signals import process_deferred, written
from reactor.resolve import Resolver
from reactor.signal_handler import SignalHandler, SignalResult
from reactor.signals import Signal
from reconciler.follow_up import FollowUp
from reconciler.sweep import Sweep
from status.health import health
from status.views import Views
from tests.builders import NOW, minutes
from tests.failures import vm_item
from tests.table_storage import Tables
from tests.world import World

_AMPLE = 30.0


class HealthyItems(World):
    """A world whose ledger is real; its four items fail, each known to one way in only."""

    def __init__(self, tables: Tables) -> None:
        super().__init__(Rules(backoff=(timedelta(0),)))
        self.tables, self.quarantine = tables, Quarantine()
        self.clock = self.vaults.clock = tables.clock
        self.ledger = TableLedger(tables.service, self.clock, self.quarantine)  # type: ignore[assignment]
        self.inbox = TableInbox(tables.service, self.clock, self.quarantine)
        self.unreadables = TableUnreadables(tables.service, self.quarantine)
        self.reports = TableReports(tables.service, self.quarantine)
        self.archive = TableArchive(tables.service, self.quarantine)
        self.engine = self.another_engine()
        self.shown_by_graph: list[Mapping[str, Any]] = []
        resolver = Resolver(
            vaults=self.vaults,
            item_lookup=self.item_lookup,
            clock=self.clock,
            lookback=timedelta(hours=24),
            scope=Scope(),
        )
        self.reactor = SignalHandler(resolver=resolver, engine=self.engine, defer=self._defer)
        self.open, self.alerted, self.deferred, self.swept = (self._healthy_item() for _ in range(4))

    def _healthy_item(self) -> FailedJob:
        item = vm_item()
        return self.fails(f"job-{item.friendly_name[-8:]}", of=item, started_at=NOW - minutes(45))

    async def begin(self) -> None:
        """What is known before anything happens: one incident, and one signal that waits."""
        await self.engine.note(self.open, Source.ALERT)
        await self._defer(signal(self.deferred))

    async def retried(self) -> dict[str, bool]:
        """Let every way in have its turn; by its name, whether its neighbour was retried."""
        began = self.clock()
        alert = await self.handle_signal(self.alerted)
        await process_deferred(self.inbox, self.reactor, self.clock)
        self.shown_by_graph = [_shown(self.swept)]
        await self._sweep().run()
        self.shown_by_graph = []
        await self._follow_up().run()
        beat = await self.ledger.last_beat("follow_up")
        assert (alert.deferred, beat) == (False, began)
        assert [each.fields["job"] for each in await self.inbox.due(100)].count(self.deferred.id) == 0
        return {
            name: self.is_retried(getattr(self, name).item)
            for name in ("open", "alerted", "deferred", "swept")
        }

    def is_retried(self, item: ProtectedItem) -> bool:
        """True where a backup of it was started."""
        return any(key == item.key for key, _ in self.vaults.triggered)

    async def handle_signal(self, failed: FailedJob) -> SignalResult:
        """An alert about the job arrives."""
        return await self.reactor.handle_signal(signal(failed), seconds=_AMPLE)

    async def shown(self) -> tuple[str, dict[str, Any], dict[str, Any]]:
        """The status page, the same as JSON, and the health answer."""
        views = Views(self.parts)
        try:
            document, page = await views.status_json({}), await views.status({})
            assert (page.status, document.status) == (200, 200)
            await self.unreadables.sum_up()
            said = await health(self.reports, self.parts.settings, NOW)
            return page.body, json.loads(document.body), said
        finally:
            await views.snapshots.close()

    @property
    def parts(self) -> Parts:
        """The parts of an app on these tables."""
        nobody: Any = None
        graph: Any = self
        return Parts(
            settings=load_settings({"ledger_endpoint": "https://ledger.test"}),
            clock=self.clock,
            ledger=self.ledger,
            controls=self.ledger,
            vaults=self.vaults,
            item_lookup=self.item_lookup,
            graph=graph,
            engine=self.engine,
            clients=nobody,
            reports=self.reports,
            archive=self.archive,
            inbox=self.inbox,
            unreadables=self.unreadables,
            unsent=MemoryUnsentStore(),
            turns=nobody,
            arrivals=MemoryArrivals(),
            seen_vaults=nobody,
            estate_of=nobody,
            history=MemoryHistory(),
            estate_reader=AzureEstate(self, MemoryPolicies(), Scope()),
        )

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See Graph."""
        del query
        for row in self.shown_by_graph:
            yield row

    async def clear(self) -> None:
        """Leave the tables empty."""
        for name in TABLES:
            table = self.tables.service.get_table_client(name)
            rows = [row async for row in table.list_entities(select=["PartitionKey", "RowKey"])]
            await asyncio.gather(*(table.delete_entity(row) for row in rows))

    async def _defer(self, came: Signal) -> None:
        await self.inbox.add(written(came))

    def _follow_up(self) -> FollowUp:
        return FollowUp(
            ledger=self.ledger,
            engine=self.engine,
            controls=self.ledger,
            clock=self.clock,
            archive=self.archive,
            retention=timedelta(days=90),
            unreadables=self.unreadables,
        )

    def _sweep(self) -> Sweep:
        return Sweep(
            graph=self,
            vaults=self.vaults,
            engine=self.engine,
            controls=self.ledger,
            clock=self.clock,
            profile=self.parts.settings.daily_sweep,
            scope=Scope(),
        )


def signal(failed: FailedJob) -> Signal:
    """An alert that names the job and its item."""
    return Signal(
        source=Source.ALERT, vault=failed.item.vault, job_id=failed.id, item=failed.item, label="an alert"
    )


def _shown(failed: FailedJob) -> Mapping[str, Any]:
    vault = failed.item.vault.id
    times = {"startTime": failed.started_at.isoformat(), "endTime": failed.ended_at.isoformat()}
    return {"id": f"{vault}/backupJobs/{failed.id}", "backupInstance": failed.item.id, **times}
