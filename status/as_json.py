"""The same as the pages say, as JSON; docs/status-json.md describes it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.pauses import Pause
from backup_retry.domain.protection import Protection
from backup_retry.policy.compliance import Kept
from status.app_states import App
from status.calendar import in_order
from status.dashboard import Dashboard, Row
from status.page import NOTHING, Page
from status.snapshot import Snapshot
from status.tiles import counts
from status.timeline import Event, Timeline

SCHEMA = 1
#: items a page
ITEMS = 1000


def page_document(page: Page, snapshot: Snapshot, tagged: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The status page, with a thousand of the items that the filters leave."""
    dashboard = snapshot.made.dashboard if snapshot.made else None
    rows = in_order(page.filters.apply(dashboard, tagged), page.filters.sort) if dashboard else ()
    begin = (page.filters.page - 1) * ITEMS
    return {
        "schema": SCHEMA,
        "at": _text(page.now),
        "ledger_read_at": _text(snapshot.read_at),
        "estate_read_at": _text(snapshot.made.estate_at if snapshot.made else None),
        "headline": {"tone": page.headline.tone, "text": page.headline.text},
        "notes": list(page.notes),
        "protection": _protection(dashboard) if dashboard else None,
        "counts": counts(dashboard or NOTHING),
        "app": _app(page.app),
        "unsent_notices": snapshot.unsent.document if snapshot.unsent else None,
        "timers": {each.label.replace(" ", "_"): each.document for each in page.timers},
        "signals": snapshot.made.waiting.document if snapshot.made else None,
        "alerts": [each.document for each in snapshot.made.alerts] if snapshot.made else None,
        "unreadable_rows": [each.document for each in snapshot.made.unreadable] if snapshot.made else None,
        "pauses": [_pause(pause) for pause, _ in page.pauses],
        "storms": [
            {"vault": each.vault.id, "error": each.code, "began_at": _text(each.began_at), "items": each.size}
            for each in page.storms
        ],
        "days": [day.isoformat() for day in dashboard.days] if dashboard else [],
        "items_total": len(rows),
        "page": page.filters.page,
        "pages": max(1, -(-len(rows) // ITEMS)),
        "items": [_row(row, dashboard) for row in rows[begin : begin + ITEMS]] if dashboard else [],
        "trend": [
            {
                "day": day.day.isoformat(),
                "failures": day.failures,
                "recovered": day.recovered,
                "median_seconds": day.median_seconds,
            }
            for day in page.trend
        ],
        "median_seconds": page.median_seconds,
    }


def _app(app: App) -> dict[str, Any]:
    return {
        "version": app.version,
        "package": app.package,
        "dry_run": app.dry_run,
        "asks_first": app.asks_first,
    }


def _pause(pause: Pause) -> dict[str, Any]:
    return {
        "by": pause.by,
        "why": pause.why,
        "starts": _text(pause.starts),
        "until": _text(pause.until),
        "scope": pause.scope,
    }


def incident_document(timeline: Timeline) -> dict[str, Any]:
    """An incident with its timeline."""
    return {
        "schema": SCHEMA,
        "id": timeline.incident_id,
        **_item(timeline.item),
        "state": timeline.state,
        "reason": timeline.code,
        "reason_text": timeline.reason,
        "detail": timeline.detail,
        "error": timeline.error,
        "error_message": timeline.error_message,
        "found_by": timeline.found_by,
        "failed_at": _text(timeline.failed_at),
        "closed_at": _text(timeline.closed_at),
        "due": _text(timeline.due),
        "last_good_at": _text(timeline.last_good_at),
        "attempts": [
            {
                "id": attempt.id,
                "claimed_at": _text(attempt.claimed_at),
                "ended_at": _text(attempt.ended_at),
                "job": attempt.job_id,
                "result": attempt.result.value,
            }
            for attempt, _ in timeline.attempts
        ],
        "timeline": [_event(each) for each in timeline.events],
        "next": timeline.next.replace("`", ""),
        "error_page": timeline.error_url,
        "other_incidents": [
            {"id": each.url.partition("?")[0], "at": _text(each.at), "reason_text": each.reason}
            for each in timeline.others
        ],
    }


def _protection(dashboard: Dashboard) -> dict[str, Any]:
    """How many items are in each state; `unprotected` is null while unknown."""
    return {
        "unprotected": dashboard.unprotected,
        "states": {each.value: dashboard.protections.get(each, 0) for each in Protection}
        if dashboard.estate_known
        else None,
        "policies_unread": sorted(dashboard.policies_unread),
        "compliance": _compliance(dashboard),
    }


def _compliance(dashboard: Dashboard) -> dict[str, Any]:
    """What was kept, by vault and by subscription; of items it stands with each."""
    known = dashboard.compliance
    vaults = {row.item.vault.key: row.item.vault for row in dashboard.rows}
    subscriptions = sorted({vault.subscription for vault in vaults.values()})
    return {
        "since": _text(known.since),
        "vaults": {vault.id: _windows(known.of_vault(vault)) for _, vault in sorted(vaults.items())},
        "subscriptions": {each: _windows(known.of_subscription(each)) for each in subscriptions},
    }


def _windows(kept: Mapping[int, Kept]) -> dict[str, Any]:
    return {
        str(days): {"kept": each.kept, "promised": each.promised, "percent": each.percent}
        for days, each in kept.items()
    }


def _row(row: Row, dashboard: Dashboard) -> dict[str, Any]:
    closed = row.closed
    return {
        **_item(row.item),
        "full_name": row.name,
        "workload": row.workload,
        "vault_id": row.item.vault.id,
        "subscription_name": dashboard.subscriptions.get(row.item.vault.subscription.lower()),
        "machine_group": row.machine_group,
        "protection": row.protection.value if row.protection else None,
        "overdue_since": _text(row.overdue_since),
        "compliance": _windows(dashboard.compliance.of_item(row.item)),
        "trouble": row.trouble.value,
        "error": row.error,
        "marks": [mark.value for mark in row.marks],
        "last_good_at": _text(row.last_good_at),
        "open_incident": row.opened.incident_id if row.opened else None,
        "last_incident": {
            "id": closed.incident_id,
            "outcome": closed.outcome.value,
            "reason": closed.reason.value,
            "detail": closed.detail,
            "error": closed.last_error,
            "attempts": closed.attempts,
            "failed_at": _text(closed.first_failed_at),
            "closed_at": _text(closed.closed_at),
        }
        if closed
        else None,
    }


def _item(item: ProtectedItem) -> dict[str, Any]:
    return {
        "item": item.id,
        "name": item.friendly_name,
        "vault": item.vault.name,
        "subscription": item.vault.subscription,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "at": _text(event.at),
        "kind": event.kind,
        "title": event.title,
        "reason": event.code,
        "detail": event.detail,
        "job": event.job_id,
    }


def _text(at: datetime | date | None) -> str | None:
    return at.isoformat() if at else None
