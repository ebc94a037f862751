"""What is open and what was closed, as rows of the tables `open` and `journal`, and back."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from backup_retry.azure.acknowledgement_columns import acknowledgement_columns, read_acknowledgement
from backup_retry.azure.incident_rows import partition
from backup_retry.azure.table_columns import Columns, Row, Unreadable, fit, new_row, written
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.ports.reports import Closed, Opened

OPEN_PARTITION = "open"
_OPEN_KEY = re.compile(r"(?P<partition>[0-9a-f]{32})-(?P<incident>.+)")


def open_key(incident: Incident) -> str:
    """The row key of an incident in the index of the open ones."""
    return f"{partition(incident.item)}-{incident.id}"


def open_row(incident: Incident, now: datetime) -> Row:
    """An incident in that index."""
    return asked_row(incident) | {
        "item": fit(incident.item.id),
        "incident": incident.id,
        "after": incident.previous.id if incident.previous else "",
        "at": written(now),
    }


def asked_row(incident: Incident) -> Row:
    """What changes there of an incident once operators were notified of it, or have answered."""
    opened = Opened.of(incident, incident.opened_at)
    return new_row(OPEN_PARTITION, open_key(incident), error=opened.error, told=opened.told)


def closed_row(incident: Incident) -> Row:
    """What changes there of a closed incident that has something left to tell."""
    return new_row(OPEN_PARTITION, open_key(incident), closed=True)


def read_opened(row: Mapping[str, Any]) -> Opened:
    """The open incident that a row of the index names."""
    columns = Columns(row)
    return Opened(
        incident_id=columns.text("incident"),
        item=columns.item("item"),
        at=columns.time("at"),
        error=columns.text("error", ""),
        told=columns.text("told", ""),
        after=columns.text("after") if "after" in columns.names else None,
    )


def is_closed(row: Mapping[str, Any]) -> bool:
    """True where a row of the index stays only for what is left to tell."""
    return row.get("closed") is True


def place_of(opened: Opened) -> tuple[str, str]:
    """The partition and the id of an incident."""
    return partition(opened.item), opened.incident_id


def place_in(key: str) -> tuple[str, str] | None:
    """The same, as the key of its row in the index tells it by itself."""
    match = _OPEN_KEY.fullmatch(key)
    return (match["partition"], match["incident"]) if match else None


def journal_row(closed: Incident) -> Row:
    """The report of a closed incident, in the partition of the day it was closed on."""
    closed_at = closed.closed_at or closed.opened_at
    last_good = {"last_good_at": written(closed.last_good_at)} if closed.last_good_at else {}
    return new_row(
        f"{closed_at.astimezone(UTC):%Y-%m-%d}",
        closed.id,
        item=closed.item.id,
        found_by=closed.found_by.value,
        first_job=closed.first_job_id,
        first_failed_at=written(closed.first_failed_at),
        error=closed.first_error.label,
        last_error=closed.failure.error.label,
        attempts=len(closed.attempts),
        outcome=closed.outcome.value if closed.outcome else "",
        reason=closed.reason.value,
        detail=closed.detail,
        opened_at=written(closed.opened_at),
        closed_at=written(closed_at),
        **last_good,
        **acknowledgement_columns(closed.acknowledged),
    )


def read_closed(row: Mapping[str, Any]) -> Closed:
    """The report that a row of the journal holds."""
    columns, item = Columns(row), read_purgeable(row)
    closed_at = columns.time("closed_at")
    first_failed_at = columns.time("first_failed_at", closed_at)
    return Closed(
        incident_id=columns.text("RowKey"),
        item=item,
        found_by=columns.word("found_by", Source, Source.SWEEP),
        first_job_id=columns.text("first_job", ""),
        first_failed_at=first_failed_at,
        error=columns.text("error", ""),
        last_error=columns.text("last_error", ""),
        attempts=columns.number("attempts", 0),
        outcome=columns.word("outcome", Outcome),
        reason=Reason.read(columns.text("reason", Reason.NOTED.value)),
        detail=columns.text("detail", ""),
        opened_at=columns.time("opened_at", first_failed_at),
        closed_at=closed_at,
        last_good_at=columns.maybe_time("last_good_at"),
        acknowledged=read_acknowledgement(columns),
    )


def read_purgeable(row: Mapping[str, Any]) -> ProtectedItem:
    """The item of a row of the journal whose partition is a day, so that its age is known."""
    try:
        date.fromisoformat(row["PartitionKey"])
    except ValueError as error:
        raise Unreadable("its partition is not a day") from error
    return Columns(row).item("item")
