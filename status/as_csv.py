"""Items, incidents and compliance as CSV, for Excel and for auditors.

A cell that a spreadsheet would run as a formula is quoted as text.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from backup_retry.domain.texts import as_cell
from backup_retry.policy.compliance import WINDOWS
from backup_retry.ports.reports import Closed
from status.compliance_list import ComplianceLine
from status.dashboard import Row, label
from status.filters import outcome_of, state_of
from status.html import Answer
from status.place import Places

#: without it, Excel takes UTF-8 for the code page of its machine
_BYTE_ORDER_MARK = "\ufeff"

_ITEMS = ("item", "workload", "vault", "resource_group", "subscription", "state", "error", "since")
_ITEMS_ENDS = ("last_recovery_point", "incident", "id")
_INCIDENTS = ("incident", "item", "workload", "vault", "resource_group", "subscription", "error", "outcome")
_INCIDENTS_ENDS = ("reason", "detail", "attempts", "failed_at", "closed_at", "last_recovery_point", "id")
_COMPLIANCE = ("level", "name", "workload", "vault", "resource_group", "subscription")
_COMPLIANCE_COUNTS = [f"{what}_{days}" for days in WINDOWS for what in ("kept", "promised", "percent")]
_COMPLIANCE_ENDS = ("counted_since", "id")


def items_csv(rows: Iterable[Row], places: Places) -> Answer:
    """The items, in their order; times are ISO 8601 in UTC."""
    lines = (
        (
            row.name,
            row.workload,
            row.item.vault.name,
            row.item.vault.resource_group,
            places.subscription(row.item.vault.subscription),
            state_of(row),
            row.error,
            row.since if row.error else None,
            row.last_good_at,
            row.incident_id,
            row.item.id,
        )
        for row in rows
    )
    return _answer("items.csv", (*_ITEMS, *_ITEMS_ENDS), lines)


def incidents_csv(closed: Iterable[Closed], places: Places) -> Answer:
    """The incidents, in their order."""
    lines = (
        (
            each.incident_id,
            each.item.named(),
            label(each.item),
            each.item.vault.name,
            each.item.vault.resource_group,
            places.subscription(each.item.vault.subscription),
            each.last_error,
            outcome_of(each),
            each.reason.value,
            each.detail,
            each.attempts,
            each.first_failed_at,
            each.closed_at,
            each.last_good_at,
            each.item.id,
        )
        for each in closed
    )
    return _answer("incidents.csv", (*_INCIDENTS, *_INCIDENTS_ENDS), lines)


def compliance_csv(lines: Iterable[ComplianceLine], since: date | None) -> Answer:
    """Subscriptions, vaults and items, with their days kept and promised; where none was promised, without percent."""
    heads = (*_COMPLIANCE, *_COMPLIANCE_COUNTS, *_COMPLIANCE_ENDS)
    return _answer("compliance.csv", heads, (_compliance(each, since) for each in lines))


def _compliance(line: ComplianceLine, since: date | None) -> Sequence[object]:
    vault = line.vault
    windows = (line.kept[days] for days in WINDOWS)
    return (
        line.level,
        line.name,
        line.workload,
        vault.name if vault else "",
        vault.resource_group if vault else "",
        line.subscription,
        *(count for each in windows for count in (each.kept, each.promised, each.percent)),
        since,
        line.id,
    )


def _answer(name: str, heads: Sequence[str], lines: Iterable[Sequence[object]]) -> Answer:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    writer.writerows([cell(each) for each in line] for line in lines)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Answer(body=_BYTE_ORDER_MARK + text.getvalue(), mimetype="text/csv", headers=headers)


def cell(value: object) -> str:
    """A value as a cell holds it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    return as_cell("" if value is None else str(value))
