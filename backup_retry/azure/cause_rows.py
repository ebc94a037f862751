"""Causes, and the notices that wait for them, as rows of the table `control`, and back."""

import hashlib
from collections.abc import Mapping
from typing import Any

from backup_retry.azure.control_rows import CONTROL_PARTITION
from backup_retry.azure.incident_rows import notice_columns
from backup_retry.azure.table_columns import Columns, Row, Unreadable, new_row, written
from backup_retry.domain.causes import Cause
from backup_retry.domain.notices import Notice

HELD_PARTITION = "held"


def cause_row(cause: Cause) -> Row:
    """A cause."""
    return new_row(
        CONTROL_PARTITION,
        cause_key(cause.key),
        cause=cause.key,
        since=written(cause.since),
        until=written(cause.until),
        first=cause.first,
    )


def cause_key(key: str) -> str:
    """The row key of a cause."""
    return f"cause-{hashlib.sha256(key.encode(errors='replace')).hexdigest()[:32]}"


def read_cause(row: Mapping[str, Any]) -> Cause:
    """The cause that a row holds."""
    columns = Columns(row)
    cause = Cause(
        key=columns.text("cause"),
        since=columns.time("since"),
        until=columns.time("until"),
        first=columns.text("first", ""),
    )
    if cause_key(cause.key) != row["RowKey"]:
        raise Unreadable("its key does not match its cause")
    return cause


def held_row(notice: Notice) -> Row:
    """A notice that waits; an incident's own are rows next to its head."""
    return new_row(HELD_PARTITION, held_key(notice), **notice_columns(notice))


def held_key(notice: Notice) -> str:
    """The row key of a notice that waits."""
    return f"notice-{notice.id}"
