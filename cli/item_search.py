"""From what a person types to the item that is meant: an ARM id, a job's id, an incident's id or an item's name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id, subject_of
from backup_retry.domain.errors import NotFound
from backup_retry.domain.jobs import Job
from backup_retry.engine.failed_jobs import failure_of
from backup_retry.ports.reports import Closed
from cli.exit_codes import UsageError
from cli.journal import closed_within, days_of
from cli.session import Session

#: what a query may contain; no name of Azure's holds a quote or a backslash
_NAME = re.compile(r"[\w .;()-]{1,260}")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The item that is meant, and the job or the incident where one was named."""

    item: ProtectedItem
    job: Job | None = None
    incident_id: str = ""
    #: that incident as the journal has it, where it is closed
    closed: Closed | None = None

    @classmethod
    def of_closed(cls, closed: Closed) -> "Found":
        """An incident of the journal."""
        return cls(item=closed.item, incident_id=closed.incident_id, closed=closed)


async def find(session: Session, text: str, days: int | None = None) -> Found:
    """The item, vault, job or incident that the text names; closed incidents are looked through so many days back.

    Raises:
        UsageError: it names nothing that is known, or several things; or the journal does not go back so far.
    """
    days_of(session, days)  # which refuses more than there is
    if item := subject_of(text):
        return Found(item=item)
    if named := parse_job_id(text):
        return await _of_job(session, *named, days)
    if not _NAME.fullmatch(text):
        raise UsageError(f"{text!r} is not an ARM ID, item name, job ID or incident ID.")
    if _GUID.fullmatch(text):
        return await _by_guid(session, text.lower(), days)
    return await _by_name(session, text, days)


async def _by_guid(session: Session, guid: str, days: int | None) -> Found:
    """A job's id, or an incident's."""
    for incident in await session.ledger.open_incidents():
        if guid == incident.id:
            return Found(item=incident.item, incident_id=guid)
    rows = await jobs_of_id(session, guid)
    if len(rows) == 1 and (named := parse_job_id(str(rows[0]["id"]))):
        item = ProtectedItem.parse(str(rows[0].get("backupInstance", "")))
        return await _of_job(session, *named, days, item)
    wanted = days_of(session, days)
    closed = await session.reports.find(guid, wanted)
    if isinstance(closed, Closed):
        return Found.of_closed(closed)
    if closed := await _closed_of_job(session, guid, days):
        return Found.of_closed(closed)
    raise UsageError(f"No job or incident of the last {len(wanted)} days has the ID {guid}.")


async def _of_job(
    session: Session, vault: Vault, job_id: str, days: int | None, named: ProtectedItem | None = None
) -> Found:
    """The job's item: the one that Resource Graph names with it, else as the job is called."""
    try:
        job = await session.vaults.job(vault, job_id)
    except NotFound:  # a vault forgets its jobs long before the journal does
        if closed := await _closed_of_job(session, job_id, days, vault):
            return Found.of_closed(closed)
        raise
    failed = await failure_of(session.vaults, job, named)
    item = failed.item if failed else job.item
    if item is None:
        raise UsageError(f"Job {job_id} does not name its item: specify the item instead.")
    return Found(item=item, job=job)


async def _closed_of_job(
    session: Session, job_id: str, days: int | None, vault: Vault | None = None
) -> Closed | None:
    """The closed incident that began with that job."""
    for each in await closed_within(session, days):
        if each.first_job_id.lower() == job_id.lower() and vault in {None, each.item.vault}:
            return each
    return None


async def _by_name(session: Session, name: str, days: int | None) -> Found:
    """An item's name: as the vaults know it, else as an incident does, of an item that may have been deleted since."""
    ids = [str(row["id"]) for row in await _rows(session, "protected_items.kql", name)]
    items = [item for id_ in ids if (item := ProtectedItem.parse(id_))]
    items = items or _called(name, [each.item for each in await session.ledger.open_incidents()])
    items = items or _called(name, [each.item for each in await closed_within(session, days)])
    by_key = {item.key: item for item in items}
    if not by_key:
        raise UsageError(f"No protected item named {name!r} is visible to this identity or in the ledger.")
    if len(by_key) > 1:
        listed = ", ".join(sorted(item.id for item in by_key.values()))
        raise UsageError(f"{len(by_key)} items are named {name!r}; specify one by its ARM ID: {listed}")
    return Found(item=next(iter(by_key.values())))


def _called(name: str, items: Sequence[ProtectedItem]) -> list[ProtectedItem]:
    return [item for item in items if item.friendly_name.lower() == name.lower()]


async def jobs_of_id(session: Session, job_id: str) -> Sequence[Mapping[str, Any]]:
    """What Resource Graph shows of a job: `id` and `backupInstance`, both ARM ids."""
    return await _rows(session, "jobs.kql", job_id)


async def _rows(session: Session, query: str, name: str) -> Sequence[Mapping[str, Any]]:
    text = files("cli").joinpath(query).read_text(encoding="utf-8").replace("'{name}'", f"'{name}'")
    return [row async for row in session.graph.rows(text)]
