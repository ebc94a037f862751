"""What a file for `replay` holds: alerts, events, and rows about jobs as Azure's own tools write them."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backup_retry.domain.alert_dimensions import Dimensions
from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.texts import valid_json
from cli.exit_codes import UsageError
from reactor.alerts import parse_payload
from reactor.events import parse_events
from reactor.signals import Ignored, Signal

#: where each tool puts what it lists: Resource Graph, PowerShell and Resource Manager, Logic Apps
_LISTS = ("data", "value", "body")
#: a time as Windows PowerShell writes it
_MILLISECONDS = re.compile(r"/Date\((-?\d{1,14})\)/")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class JobRow:
    """A row about one job: by its ARM id, by its bare id, or by its vault, item and start."""

    vault: Vault | None = None
    job_id: str = ""
    item: ProtectedItem | None = None
    #: the item's own name, where the row has no id of the job
    item_name: str = ""
    started_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Unread:
    """An entry that is nothing of these."""

    why: str


Entry = JobRow | Signal | Ignored | Unread


def read_file(file: str) -> object:
    """The JSON in a file, or on standard input.

    Raises:
        UsageError: it cannot be read or is not JSON.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        return valid_json(json.loads(text))
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is not JSON ({error}).") from None


def entries(content: object, dimensions: Dimensions) -> Sequence[Entry]:
    """Each alert, event and row of a file, in its order.

    Raises:
        UsageError: not one of them can be read.
    """
    found = [entry for each in _listed(content) for entry in _read(each, dimensions)]
    unread = [each for each in found if isinstance(each, Unread)]
    if unread and len(unread) == len(found):
        raise UsageError(unread[0].why)
    return found


def _listed(content: object) -> Iterator[object]:
    """One or a list, as they stand or as Azure's tools wrap them."""
    if isinstance(content, list):
        for each in content:
            yield from _listed(each) if isinstance(each, list) or _inside(each) is not None else [each]
        return
    inside = _inside(content)
    if isinstance(inside, Mapping) and _is_table(inside):
        names = [str(column["name"]) for column in inside["columns"]]
        yield from (dict(zip(names, row, strict=False)) for row in inside["rows"])
    elif inside is not None:
        yield from _listed(inside)
    else:
        yield content


def _inside(content: object) -> object | None:
    """What a list has around it, or what a Logic App's trigger has put out; None: it is no wrapper."""
    if not isinstance(content, Mapping) or "schemaId" in content:
        return None
    columns: dict[str, object] = {str(name).lower(): value for name, value in content.items()}
    data, outputs = columns.get("data"), columns.get("outputs")
    if _is_table(data):
        return data
    if isinstance(outputs, Mapping) and "body" in outputs:
        return [outputs["body"]]
    return next((columns[name] for name in _LISTS if isinstance(columns.get(name), list)), None)


def _is_table(data: object) -> bool:
    """True for an answer of Resource Graph in table format."""
    if not isinstance(data, Mapping):
        return False
    columns, rows = data.get("columns"), data.get("rows")
    return (
        isinstance(columns, list)
        and all(isinstance(each, Mapping) and "name" in each for each in columns)
        and isinstance(rows, list)
        and all(isinstance(each, list) for each in rows)
    )


def _read(entry: object, dimensions: Dimensions) -> Sequence[Entry]:
    try:
        row = _row(entry) if isinstance(entry, Mapping) else None
        return [row] if row else _signals(entry, dimensions)
    except BadSignal as error:
        return [Unread(why=str(error))]


def _row(entry: Mapping[str, Any]) -> JobRow | None:
    """A row about a job, whatever the case of its columns; None: it is none."""
    columns = {name.lower(): value for name, value in entry.items()}
    inner = columns.get("properties")
    columns |= {name.lower(): value for name, value in inner.items()} if isinstance(inner, Mapping) else {}
    started_at = _time(columns.get("starttime"))
    said = {name: str(columns.get(name) or "") for name in ("id", "jobid", "vaultid", "protecteditemname")}
    if named := parse_job_id(said["id"]):
        instance = str(columns.get("backupinstance") or columns.get("backupinstanceid") or "")
        return JobRow(
            vault=named[0], job_id=named[1], item=ProtectedItem.parse(instance), started_at=started_at
        )
    if _GUID.fullmatch(said["jobid"]):
        return JobRow(job_id=said["jobid"].lower(), started_at=started_at)
    vault = Vault.parse(said["vaultid"])
    if vault and "protecteditemname" in columns:
        return JobRow(vault=vault, item_name=said["protecteditemname"], started_at=started_at)
    return None


def _signals(entry: object, dimensions: Dimensions) -> Sequence[Signal | Ignored]:
    """Those of an alert in the common schema, or of an event in either of Event Grid's schemas; raises BadSignal."""
    if isinstance(entry, Mapping):
        event_type = entry.get("eventType") or entry.get("type")
        if isinstance(event_type, str) and "schemaId" not in entry:
            subject = str(entry.get("subject") or "")
            return parse_events(event_type, entry.get("data"), subject=subject, dimensions=dimensions)
    return [parse_payload(entry, dimensions)]


def _time(said: object) -> datetime | None:
    """A time as Azure or PowerShell writes it; None where it is none."""
    text = str(said or "")
    try:
        if milliseconds := _MILLISECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(milliseconds[1]) / 1000, UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
