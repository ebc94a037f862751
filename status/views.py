"""What the entry points answer: gather, build, render; every error of ours becomes a page or a document."""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from backup_retry import __version__
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, RowUnreadable, SettingsError
from backup_retry.domain.incident import Incident
from backup_retry.domain.time_zones import time_zone
from backup_retry.ports.reports import Opened
from backup_retry.settings.timer_status import timers
from backup_retry.wiring import Parts
from status import page as pages
from status.app_states import App
from status.as_csv import compliance_csv, incidents_csv, items_csv
from status.as_json import incident_document, page_document
from status.calendar import in_order
from status.compliance_list import compliance_lines
from status.filters import Filters, Shown
from status.html import Answer, incident_answer, message_answer, page_answer
from status.incident_list import incidents
from status.package import package_hash
from status.page import Page
from status.place import Places
from status.snapshot import Snapshot, SnapshotReader
from status.tagged import Tagged, TaggedReader
from status.timeline import Timeline, timeline

#: seconds; a person sees what is known by then, a program waits for all of it
_PERSONS_PATIENCE = 0.3
_PROGRAMS_PATIENCE = 25.0
#: an incident that was closed longer ago than this is not found by its id, however long KEEP_DAYS is
_FOUND_FOR_DAYS = 400
_READERS = 16
_LONGEST_ID = 64


class Views:
    """The answers to the four addresses, on the parts of this process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._tags = TaggedReader(parts.graph, parts.clock)
        self.snapshots = SnapshotReader(
            reports=parts.reports,
            inbox=parts.inbox,
            unreadables=parts.unreadables,
            unsent=parts.unsent,
            arrivals=parts.arrivals,
            controls=parts.controls,
            estate=parts.estate_reader,
            history=parts.history,
            scope=parts.settings.scope,
            clock=parts.clock,
        )

    async def status(self, params: Mapping[str, str]) -> Answer:
        """The status page."""
        patience = _PROGRAMS_PATIENCE if params.get("format") == "csv" else _PERSONS_PATIENCE
        page, snapshot, tagged = await self._page(params, patience)
        if params.get("format") == "csv":
            return _as_csv(page.filters, snapshot, tagged.ids)
        return page_answer(page)

    async def status_json(self, params: Mapping[str, str]) -> Answer:
        """The status page as JSON; raises AzureUnavailable when the ledger could not be read at all."""
        page, snapshot, tagged = await self._page(params, _PROGRAMS_PATIENCE)
        return as_json(page_document(page, snapshot, tagged.ids), status=200 if snapshot.made else 503)

    async def incident(self, incident_id: str, params: Mapping[str, str]) -> Answer:
        """An incident's page."""
        filters = Filters.of(params)
        told = await self._story(incident_id, filters)
        return incident_answer(told, self._parts.clock(), self._zone(filters)) if told else _no_incident()

    async def incident_json(self, incident_id: str, params: Mapping[str, str]) -> Answer:
        """An incident as JSON."""
        told = await self._story(incident_id, Filters.of(params))
        return as_json(incident_document(told)) if told else as_json({"error": _NO_INCIDENT}, status=404)

    async def _page(self, params: Mapping[str, str], patience: float) -> tuple[Page, Snapshot, Tagged]:
        filters, settings = Filters.of(params), self._settings
        snapshot, tagged = await asyncio.gather(
            self.snapshots.snapshot(patience), self._tags.tagged(filters.tag)
        )
        rows = filters.apply(snapshot.made.dashboard, tagged.ids) if snapshot.made else ()
        incidents = await self._incidents([each.item for each in pages.opened(rows)])
        found, app = timers(settings, snapshot.beats, snapshot.now), await self._app(filters)
        page = pages.page(snapshot, found, filters, incidents, settings.cloud.portal, app=app, tagged=tagged)
        return page, snapshot, tagged

    async def _app(self, filters: Filters) -> App:
        package = await asyncio.to_thread(package_hash)
        return App(
            dry_run=self._settings.dry_run,
            asks_first=self._settings.rules.asks_first,
            version=__version__,
            package=package,
            zone=self._zone(filters),
        )

    def _zone(self, filters: Filters) -> ZoneInfo:
        return time_zone(filters.tz or self._settings.retry_time_zone)

    async def _incidents(self, items: list[ProtectedItem]) -> dict[str, Incident]:
        """The latest incident of each item that can be read, by its id."""
        readers = asyncio.Semaphore(_READERS)

        async def read(item: ProtectedItem) -> Incident | None:
            async with readers:
                with suppress(RowUnreadable):
                    return (await self._parts.ledger.load(item)).incident
                return None

        found = await asyncio.gather(*(read(item) for item in items))
        return {each.id: each for each in found if each}

    def _days_kept(self) -> int:
        kept = self._settings.incident_retention
        return min(kept.days + 1, _FOUND_FOR_DAYS) if kept else _FOUND_FOR_DAYS

    async def _story(self, incident_id: str, filters: Filters) -> Timeline | None:
        today = self._parts.clock().astimezone(UTC).date()
        days = [today - timedelta(days=back) for back in range(self._days_kept())]
        is_id = 0 < len(incident_id) <= _LONGEST_ID and incident_id.replace("-", "").isalnum()
        found = await self._parts.reports.find(incident_id, days) if is_id and incident_id.isascii() else None
        if found is None:
            return None
        record, steps = await asyncio.gather(
            self._parts.ledger.load(found.item), self._parts.ledger.steps(found.item)
        )
        if isinstance(found, Opened) and record.incident and record.incident.id != incident_id:
            return None
        known = self.snapshots.row(found.item)
        last_good_at = known.last_good_at if known else None
        portal = self._settings.cloud.portal
        return timeline(found, record.incident, steps, filters, portal, last_good_at=last_good_at)


def _as_csv(filters: Filters, snapshot: Snapshot, tagged: frozenset[str]) -> Answer:
    """The list that the page would show, whole, in its order; 503 while the first reading is not complete."""
    if snapshot.made is None:
        return unavailable(AzureUnavailable("the ledger is still being read"))
    dashboard = snapshot.made.dashboard
    places = Places(dashboard)
    if filters.show == Shown.INCIDENTS:
        return incidents_csv(incidents(dashboard, filters), places)
    rows = filters.apply(dashboard, tagged)
    if filters.show == Shown.COMPLIANCE:
        return compliance_csv(compliance_lines(dashboard, rows, filters, places), dashboard.compliance.since)
    return items_csv(in_order(rows, filters.sort), places)


def unavailable(error: BackupRetryError | TimeoutError) -> Answer:
    """503: there is nothing to show without the ledger, or while the settings are wrong."""
    answer = message_answer(503, "Status not available", _why_none(error))
    return Answer(
        status=503, body=answer.body, headers=answer.headers | {"Retry-After": "30", "Refresh": "30"}
    )


def unavailable_json(error: BackupRetryError | TimeoutError) -> Answer:
    """503, for a program."""
    return as_json({"error": _why_none(error)}, status=503)


def _why_none(error: BackupRetryError | TimeoutError) -> str:
    if isinstance(error, SettingsError):
        return f"A setting of the app is invalid; the app does not run until it is corrected. {error}."
    return f"The ledger does not answer: {str(error) or 'timed out'}."


def as_json(document: dict[str, Any], status: int = 200) -> Answer:
    """A document as an answer."""
    body = json.dumps(document, ensure_ascii=False)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Answer(status=status, body=body, mimetype="application/json", headers=headers)


_NO_INCIDENT = "This incident does not exist, or it was closed more than KEEP_DAYS days ago."


def _no_incident() -> Answer:
    return message_answer(404, "Incident not found", _NO_INCIDENT)
