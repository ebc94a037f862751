"""From what a person types to the item that is meant: an ARM id, a job's id, an incident's id or a machine's name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.resources import files
from typing import Any

from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id, subject_of
from backup_retry.domain.jobs import Job
from backup_retry.engine.failed_jobs import failure_of
from cli.exit_codes import UsageError
from cli.session import Session

#: what may stand in a query; no name of Azure's holds a quote or a backslash
_NAME = re.compile(r"[\w .;()-]{1,260}")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_JOURNAL = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The item that is meant, and the job where one was named."""

    item: ProtectedItem
    job: Job | None = None


async def find(session: Session, text: str) -> Found:
    """The item, vault or job that the text names.

    Raises:
        UsageError: it names nothing that is known, or several things.
    """
    if item := subject_of(text):
        return Found(item=item)
    if named := parse_job_id(text):
        return await _of_job(session, *named)
    if not _NAME.fullmatch(text):
        raise UsageError(f"{text!r} is neither an ARM id nor a name of an item or job.")
    if _GUID.fullmatch(text):
        return await _by_guid(session, text.lower())
    return await _by_name(session, text)


async def _by_guid(session: Session, guid: str) -> Found:
    """A job's id, or an incident's."""
    for incident in await session.ledger.open_incidents():
        if guid == incident.id:
            return Found(item=incident.item)
    rows = await _rows(session, "jobs.kql", guid)
    if len(rows) == 1 and (named := parse_job_id(str(rows[0]["id"]))):
        return await _of_job(session, *named, ProtectedItem.parse(str(rows[0].get("backupInstance", ""))))
    today = session.clock().date()
    days = [today - timedelta(days=back) for back in range(_JOURNAL.days)]
    if closed := await session.reports.find(guid, days):
        return Found(item=closed.item)
    raise UsageError(f"No job and no incident of the last {_JOURNAL.days} days has the id {guid}.")


async def _of_job(session: Session, vault: Vault, job_id: str, named: ProtectedItem | None = None) -> Found:
    """The job's item: the one that Resource Graph names with it, else as the job is called."""
    job = await session.vaults.job(vault, job_id)
    failed = await failure_of(session.vaults, job, named)
    item = failed.item if failed and job.is_backup else job.item
    if item is None:
        raise UsageError(f"Job {job_id} does not say which item it backed up: name the item instead.")
    return Found(item=item, job=job)


async def _by_name(session: Session, name: str) -> Found:
    """A machine's name: as the vaults know it, else as an open incident does."""
    ids = await _ids(session, "protected_items.kql", name)
    items = {item.key: item for id_ in ids if (item := ProtectedItem.parse(id_))}
    if not items:
        opened = [each.item for each in await session.ledger.open_incidents()]
        items = {item.key: item for item in opened if item.friendly_name.lower() == name.lower()}
    if not items:
        raise UsageError(f"No protected item that this identity sees is called {name!r}.")
    if len(items) > 1:
        listed = ", ".join(sorted(item.id for item in items.values()))
        raise UsageError(
            f"{len(items)} protected items are called {name!r}; name one by its ARM id: {listed}"
        )
    return Found(item=next(iter(items.values())))


async def _ids(session: Session, query: str, name: str) -> Sequence[str]:
    return [str(row["id"]) for row in await _rows(session, query, name)]


async def _rows(session: Session, query: str, name: str) -> Sequence[Mapping[str, Any]]:
    text = files("cli").joinpath(query).read_text(encoding="utf-8").replace("'{name}'", f"'{name}'")
    return [row async for row in session.graph.rows(text)]
