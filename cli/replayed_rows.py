"""Rows about jobs, looked up and handled one by one as a sweep handles what Resource Graph names."""

from dataclasses import replace
from datetime import timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id
from backup_retry.domain.jobs import Job, JobList, Source
from backup_retry.engine.failed_jobs import failure_of, why_none
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.rules import JOB_RETENTION
from cli.item_search import jobs_of_id
from cli.replay_file import JobRow
from cli.session import Session

#: rows are written with or without fractions of a second
_SAME_START = timedelta(seconds=2)


class Rows:
    """Looks a vault's jobs up once for all rows about them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._began = session.clock()
        self._listed: dict[str, JobList] = {}

    async def handle(self, row: JobRow) -> Report | str:
        """What would become of the row's job, or why nothing would."""
        row = row if row.vault else await self._completed(row)
        if row.vault is None:
            return f"Resource Graph, which keeps 14 days, has no job {row.job_id}"
        if not self._session.settings.scope.allows_vault(row.vault):
            return f"vault {row.vault.name} is outside the configured scope"
        job = await (self._by_id if row.job_id else self._by_start)(row.vault, row)
        if job is None:
            at = f" that started at {row.started_at:%Y-%m-%d %H:%M}Z" if row.started_at else ""
            return f"vault {row.vault.name} has no failed job of {row.item_name or 'any item'}{at}"
        failed = await failure_of(self._session.vaults, job, row.item)
        if failed is None:
            return why_none(job)
        return await self._session.engine.handle(failed, Source.SWEEP, run_began=self._began)

    async def _completed(self, row: JobRow) -> JobRow:
        """With the vault and the item of a job of which only the bare id is known."""
        rows = await jobs_of_id(self._session, row.job_id)
        named = parse_job_id(str(rows[0].get("id", ""))) if len(rows) == 1 else None
        if named is None:
            return row
        item = ProtectedItem.parse(str(rows[0].get("backupInstance", "")))
        return replace(row, vault=named[0], job_id=named[1], item=item)

    async def _by_id(self, vault: Vault, row: JobRow) -> Job:
        listed = {job.id.lower(): job for job in (await self._jobs(vault)).jobs}
        return listed.get(row.job_id.lower()) or await self._session.vaults.job(vault, row.job_id)

    async def _by_start(self, vault: Vault, row: JobRow) -> Job | None:
        """The vault's failed job of an item of that name that began then."""
        for job in (await self._jobs(vault)).jobs:
            is_of_item = job.item is not None and job.item.name.lower() == row.item_name.lower()
            began_then = row.started_at is None or abs(job.started_at - row.started_at) < _SAME_START
            if job.failed and began_then and (is_of_item or not row.item_name):
                return job
        return None

    async def _jobs(self, vault: Vault) -> JobList:
        if vault.key not in self._listed:
            since = self._began - JOB_RETENTION
            jobs = await self._session.vaults.jobs(vault, since, fresh_since=self._began)
            self._listed[vault.key] = jobs
        return self._listed[vault.key]
