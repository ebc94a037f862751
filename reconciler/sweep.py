"""The daily sweep: Resource Graph names the failed jobs, the vaults confirm them, the engine handles them."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from backup_retry.change import Report
from backup_retry.confirm import confirmed
from backup_retry.engine import Engine
from backup_retry.errors import BackupRetryError
from backup_retry.ledger import Beat, Controls
from backup_retry.log_events import LogEvent, log_event
from backup_retry.model import Job, ProtectedItem, Source, Vault, parse_job_id
from backup_retry.policy import JOB_RETENTION, LONGEST_JOB
from backup_retry.scope import Scope
from backup_retry.vaults import Vaults

#: Resource Graph may lag behind the vaults, and clocks differ
_OVERLAP = timedelta(hours=1)
_VAULTS_AT_ONCE = 8
_ITEMS_AT_ONCE = 8


class Graph(Protocol):
    """Where a query's rows come from."""

    def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the query; raises BackupRetryError when Resource Graph cannot answer for all of them."""
        ...


@dataclass(frozen=True, kw_only=True)
class FoundJob:
    """A row of the sweep's query: a hint, as an alert is."""

    vault: Vault
    job_id: str
    item: ProtectedItem | None
    started_at: datetime


@dataclass(kw_only=True)
class SweepReport:
    """What a sweep saw and did."""

    began: datetime
    since: datetime
    found: int = 0
    #: how many of those found have been looked at
    seen: int = 0
    handled: list[Report] = field(default_factory=list)
    #: what could not be looked at, and why
    problems: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """True when nothing was left out: only then does the next sweep start where this one ended."""
        return not self.problems


class Sweep:
    """Finds the failed jobs that the events missed."""

    def __init__(
        self,
        *,
        graph: Graph,
        vaults: Vaults,
        engine: Engine,
        controls: Controls,
        clock: Callable[[], datetime],
        lookback: timedelta,
        scope: Scope,
        watch: Callable[[SweepReport], None] = lambda _: None,
    ) -> None:
        self._graph = graph
        self._vaults = vaults
        self._engine = engine
        self._controls = controls
        self._clock = clock
        self._lookback = lookback
        self._scope = scope
        #: called whenever the report has grown
        self._watch = watch

    async def run(self) -> SweepReport:
        """One sweep: query, confirm vault by vault, handle, and remember that it was complete."""
        began = self._clock()
        since = horizon(began, await self._controls.last_beat(Beat.SWEEP), self._lookback)
        report = SweepReport(began=began, since=since)
        log_event(LogEvent.SWEEP_STARTED, since=report.since)
        by_vault = await self._find(report)
        at_once = asyncio.Semaphore(_VAULTS_AT_ONCE)

        async def one_vault(found: list[FoundJob]) -> None:
            async with at_once:
                await self._sweep_vault(found, report)

        await asyncio.gather(*(one_vault(found) for found in by_vault.values()))
        if report.complete:
            await self._controls.beat(Beat.SWEEP, began)
        self._log(report)
        return report

    async def _find(self, report: SweepReport) -> dict[str, list[FoundJob]]:
        by_vault: dict[str, list[FoundJob]] = defaultdict(list)
        try:
            async for row in self._graph.rows(failed_jobs_query(report.since)):
                report.found += 1
                found = read_row(row)
                if found is None:
                    report.problems.append(f"Resource Graph returned a row that names no job: {dict(row)!r}")
                elif self._scope.allows_vault(found.vault):
                    by_vault[found.vault.key].append(found)
        except BackupRetryError as error:
            report.problems.append(str(error))
        return by_vault

    async def _sweep_vault(self, found: list[FoundJob], report: SweepReport) -> None:
        """Confirm a vault's failures with one list, then handle them a few at a time."""
        vault = found[0].vault
        since = min(each.started_at for each in found) - LONGEST_JOB
        try:
            listed = await self._vaults.jobs(vault, since, fresh_since=report.began)
        except BackupRetryError as error:
            report.problems.append(str(error))
            return
        by_id = {job.id.lower(): job for job in listed.jobs}
        at_once = asyncio.Semaphore(_ITEMS_AT_ONCE)

        async def one_item(each: FoundJob) -> None:
            async with at_once:
                await self._handle(each, by_id.get(each.job_id.lower()), report)

        await asyncio.gather(*(one_item(each) for each in found))

    async def _handle(self, found: FoundJob, job: Job | None, report: SweepReport) -> None:
        try:
            failed = confirmed(job or await self._vaults.job(found.vault, found.job_id), found.item)
            if failed is not None:
                report.handled.append(await self._engine.handle(failed, Source.SWEEP, run_began=report.began))
        except BackupRetryError as error:
            report.problems.append(f"job {found.job_id}: {error}")
        report.seen += 1
        self._watch(report)

    @staticmethod
    def _log(report: SweepReport) -> None:
        decisions: dict[str, int] = defaultdict(int)
        for each in report.handled:
            decisions[each.decision] += 1
        event = LogEvent.SWEEP_COMPLETED if report.complete else LogEvent.SWEEP_INCOMPLETE
        level = logging.INFO if report.complete else logging.ERROR
        log_event(
            event,
            level=level,
            since=report.since,
            found=report.found,
            decisions=decisions,
            problems=report.problems,
        )


def horizon(now: datetime, last_complete: datetime | None, lookback: timedelta) -> datetime:
    """From when on a sweep looks: its lookback, or further to the last complete sweep, at most 14 days."""
    since = now - lookback
    if last_complete is not None:
        since = min(since, last_complete - _OVERLAP)
    return max(since, now - JOB_RETENTION)


@cache
def _query_text() -> str:
    return files("reconciler").joinpath("failed_jobs.kql").read_text(encoding="utf-8")


def failed_jobs_query(since: datetime) -> str:
    """The sweep's query with its horizon bound."""
    return _query_text().replace("datetime({since})", f"datetime({since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})")


def read_row(row: Mapping[str, Any]) -> FoundJob | None:
    """The job that a row names; None for a row that names none."""
    named = parse_job_id(str(row.get("id", "")))
    try:
        started_at = datetime.fromisoformat(str(row.get("startTime", "")))
    except ValueError:
        return None
    if named is None:
        return None
    vault, job_id = named
    item = ProtectedItem.parse(str(row.get("backupInstance", "")))
    return FoundJob(
        vault=vault,
        job_id=job_id,
        item=item,
        started_at=started_at if started_at.tzinfo else started_at.replace(tzinfo=UTC),
    )
