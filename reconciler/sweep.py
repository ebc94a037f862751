"""A sweep: Resource Graph names the failed jobs, the vaults confirm them, the engine handles them.

What is named is handled vault by vault while more is still being read: an estate of any size takes the memory of a few
hundred vaults, and a slow subscription holds up no other.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from importlib.resources import files
from typing import Any, Protocol

from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id
from backup_retry.domain.errors import AnsweredInPart, AzureRefused, BackupRetryError, in_words
from backup_retry.domain.jobs import FailedJob, Job, JobList, Source
from backup_retry.domain.workloads import workload
from backup_retry.engine.engine import Engine
from backup_retry.engine.failed_jobs import failure_of, undecided, why_none
from backup_retry.engine.vault_incidents import whole
from backup_retry.policy.rules import JOB_RETENTION, LONGEST_JOB
from backup_retry.policy.scope import Scope
from backup_retry.ports.inbox import Fields, fields_of
from backup_retry.ports.ledger import Controls
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
from backup_retry.ports.vaults import Vaults
from backup_retry.settings.sweep_profile import SweepProfile
from reconciler.dispatch import Announcer, announce_all
from reconciler.protection_watch import ProtectionWatch
from reconciler.sweep_report import SweepReport
from reconciler.vanished_vaults import VanishedVaults
from reconciler.vault_slots import VaultSlots

#: Resource Graph may lag behind the vaults, and clocks differ
_OVERLAP = timedelta(hours=1)
#: for so long Event Grid tries to deliver what a sweep has announced; what it gives up is announced once more
# https://learn.microsoft.com/azure/event-grid/delivery-and-retry
_EVENTS_LIVE = timedelta(hours=24)
_ITEMS_AT_ONCE = 8
#: so many vaults may wait for their turn before reading on waits for them
_VAULTS_AHEAD = 256
_NO_LIMIT = timedelta(days=1)
#: Azure writes a time that it does not know as year 1, from which nothing can be subtracted
_EARLIEST = datetime(2001, 1, 1, tzinfo=UTC)


class Graph(Protocol):
    """Where a query's rows come from."""

    def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the query that can be had; raises BackupRetryError, at the end, when those were not all."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundJob:
    """A row of the sweep's query: a hint, as an alert is."""

    vault: Vault
    job_id: str
    item: ProtectedItem | None
    #: None: the row does not say it, or not so that it can be read
    started_at: datetime | None

    @property
    def fields(self) -> Fields:
        """As the inbox keeps it."""
        return fields_of(
            source=Source.SWEEP, vault=self.vault, job_id=self.job_id, item=self.item, label="a sweep's row"
        )

    @property
    def announced(self) -> dict[str, str | None]:
        """As the data of a `BackupRetry.FailureFound` says it."""
        job_id = f"{self.vault.id}/backupJobs/{self.job_id}"
        return {"jobId": job_id, "itemId": self.item.id if self.item else None}


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
        profile: SweepProfile,
        scope: Scope,
        since: datetime | None = None,
        time_limit: timedelta = _NO_LIMIT,
        announcer: Announcer | None = None,
        defer: Callable[[Fields], Awaitable[None]] | None = None,
        watch: Callable[[SweepReport], None] = lambda _: None,
        keep_reports: bool = False,
        vanished: VanishedVaults | None = None,
        watch_protection: ProtectionWatch | None = None,
    ) -> None:
        self._graph = graph
        self._vaults = vaults
        self._engine = engine
        self._controls = controls
        self._clock = clock
        self._profile = profile
        self._scope = scope
        #: how far back it looks; None: as its profile says, and to its last complete one
        self._told_since = since
        self._time_limit = time_limit
        #: None: the sweep handles what it finds by itself
        self._announcer = announcer
        #: stores a row that could not be handled, to be processed by a timer; None: it is only reported
        self._defer = defer
        #: called whenever the report has grown
        self._watch = watch
        self._keep_reports = keep_reports
        #: looks for vaults that Resource Graph hides; a sweep of a part of the estate has none
        self._vanished = vanished
        #: looks whether each item is protected; a sweep of a part of the estate has none
        self._protection = watch_protection
        self._slots = VaultSlots()

    async def run(self) -> SweepReport:
        """One sweep: query, confirm vault by vault, handle, and remember that it was complete."""
        began, profile = self._clock(), self._profile
        since = await self._since(began)
        report = SweepReport(profile=profile.name, began=began, since=since)
        log_event(LogEvent.SWEEP_STARTED, profile=profile.name, since=since)
        if self._announcer is None:
            await self._handle_all(report)
        else:
            await announce_all(self._find(report), self._announcer, report, partial(self._defer_all, report))
        if self._vanished is not None:
            is_first = await self._controls.last_beat(profile.beat) is None
            report.problems += await self._vanished.look(is_first=is_first)
        if self._protection is not None:
            found = await self._protection.look()
            report.problems += [each for each in found if each not in report.problems]
        report.end()
        report.log()
        await self._controls.beat(profile.beat if report.complete else profile.incomplete_beat, began)
        return report

    async def _since(self, began: datetime) -> datetime:
        """How far back it looks; until one was complete, as far as the first one did."""
        if self._told_since is not None:
            return self._told_since
        profile, controls = self._profile, self._controls
        overlap = _OVERLAP if self._announcer is None else _OVERLAP + _EVENTS_LIVE
        if (complete := await controls.last_beat(profile.beat)) is not None:
            return max(horizon(began, complete, profile.lookback, overlap), began - profile.furthest)
        first = await controls.last_beat(profile.first_beat)
        since = horizon(began, first, profile.lookback, timedelta(0))
        if first is None:
            await controls.beat(profile.first_beat, since)
        return since

    async def _handle_all(self, report: SweepReport) -> None:
        ahead = asyncio.Semaphore(_VAULTS_AHEAD)
        vaults: list[asyncio.Task[None]] = []
        async for found in self._find(report):
            await ahead.acquire()
            vaults.append(asyncio.create_task(self._in_its_lane(found, report)))
            vaults[-1].add_done_callback(lambda _: ahead.release())
        await asyncio.gather(*vaults)

    async def _find(self, report: SweepReport) -> AsyncIterator[Sequence[FoundJob]]:
        """What Resource Graph names: the jobs of one vault together, as their rows are."""
        together: list[FoundJob] = []
        rows = self._graph.rows(failed_jobs_query(report.since))
        try:
            async for row in rows:
                if self._is_late(report):
                    report.rows_left = True
                    break
                found = None
                async with self._turn((), report):
                    found = self._read(row, report)
                if found and together and found.vault.key != together[0].vault.key:
                    yield together
                    together = []
                together += [found] if found else []
        except AnsweredInPart as error:
            report.problems += error.problems
        except Exception as error:  # noqa: BLE001 (what Resource Graph has named so far is swept)
            self._fail((), error, report)
        if together:
            yield together
        if isinstance(rows, AsyncGenerator):
            await rows.aclose()

    def _read(self, row: Mapping[str, Any], report: SweepReport) -> FoundJob | None:
        """The job that a row names, where this sweep looks."""
        report.found += 1
        found = read_row(row)
        if found is None:
            report.problems.append(f"Resource Graph returned a row without a job: {dict(row)!r}")
            return None
        scopes = (self._scope, self._profile.scope)
        return found if all(scope.allows_vault(found.vault) for scope in scopes) else None

    async def _in_its_lane(self, found: Sequence[FoundJob], report: SweepReport) -> None:
        async with self._slots.of(found[0].vault):
            if self._is_late(report):
                report.vaults_left += 1
                await self._defer_all(report, found)
            else:
                await self._sweep_vault(found, report)

    async def _sweep_vault(self, found: Sequence[FoundJob], report: SweepReport) -> None:
        """Confirm a vault's failures with one list, then handle them."""
        vault = found[0].vault
        since = min(each.started_at or report.since for each in found) - self._engine.looks_back
        async with self._turn(found, report):
            listed = await self._vaults.jobs(vault, since, fresh_since=report.began)
            await self._look_at_all(found, listed, report)

    async def _look_at_all(self, found: Sequence[FoundJob], listed: JobList, report: SweepReport) -> None:
        by_id = {job.id.lower(): job for job in listed.jobs}
        at_once = asyncio.Semaphore(_ITEMS_AT_ONCE)
        left: list[FoundJob] = []

        async def in_time(each: FoundJob) -> None:
            async with at_once:
                if self._is_late(report):
                    left.append(each)
                else:
                    await self._look_at(each, by_id.get(each.job_id.lower()), report)

        await asyncio.gather(*(in_time(each) for each in found))
        report.vaults_left += bool(left)
        await self._defer_all(report, left)

    async def _look_at(self, found: FoundJob, job: Job | None, report: SweepReport) -> None:
        async with self._turn([found], report, f"job {found.job_id}: "):
            job = job or await self._vaults.job(found.vault, found.job_id)
            failed = await failure_of(self._vaults, job, found.item)
            if failed is None:
                await self._reject(found, job, report)
            elif self._profile.scope.workloads.allow([workload(failed.workload).name]):
                await self._handle(failed, report)
        report.seen += 1
        self._watch(report)

    async def _handle(self, failed: FailedJob, report: SweepReport) -> None:
        handled = await self._engine.handle(failed, Source.SWEEP, run_began=report.began)
        report.decisions[handled.decision] += 1
        report.handled += [handled] if self._keep_reports else []

    async def _reject(self, found: FoundJob, job: Job, report: SweepReport) -> None:
        """Log why a row's job is no failure; what may become one is kept."""
        why = why_none(job)
        log_event(LogEvent.ROW_REJECTED, vault=found.vault.id, job=found.job_id, why=why)
        if not undecided(job):
            return
        if job.failed:
            report.problems.append(why)
        await self._defer_all(report, [found])

    async def _defer_all(self, report: SweepReport, left: Sequence[FoundJob]) -> None:
        """Rows that could not be handled wait in the inbox, whatever the next sweep's horizon is."""
        if self._defer is None:
            return
        async with self._turn((), report, f"{len(left)} rows could not be stored: "):
            for each in left:
                await self._defer(each.fields)

    @asynccontextmanager
    async def _turn(
        self, rows: Sequence[FoundJob], report: SweepReport, what: str = ""
    ) -> AsyncIterator[None]:
        """Whatever goes wrong in it, foreseen or not, ends the turn of these rows and no other's.

        The sweep is not complete without them, and they are kept; a vault that refuses has an incident besides.
        """
        try:
            yield
        except Exception as error:  # noqa: BLE001 (that is what it is for)
            self._fail(rows, error, report, what)
            await self._defer_all(report, rows)
            if rows and isinstance(error, AzureRefused):
                async with self._turn((), report):
                    await self._engine.vault_incidents.refused(whole(rows[0].vault), error, Source.SWEEP)

    @staticmethod
    def _fail(rows: Sequence[FoundJob], error: Exception, report: SweepReport, what: str = "") -> None:
        """The sweep is not complete; what nobody foresaw has a line of its own, with where it was."""
        report.problems.append(f"{what}{in_words(error)}")
        if not isinstance(error, BackupRetryError):
            report.faults += 1
            items = [each.item.id for each in rows if each.item]
            log_failure(LogEvent.ROW_FAILED, error, jobs=[each.job_id for each in rows], items=items)

    def _is_late(self, report: SweepReport) -> bool:
        return self._clock() - report.began >= self._time_limit


def horizon(
    now: datetime, last_complete: datetime | None, lookback: timedelta, overlap: timedelta = _OVERLAP
) -> datetime:
    """From when on a job's end counts: a sweep's lookback, or further to the last complete sweep, at most 14 days."""
    since = now - lookback
    if last_complete is not None:
        since = min(since, last_complete - overlap)
    return max(since, now - JOB_RETENTION)


@cache
def _query_text() -> str:
    return files("reconciler").joinpath("failed_jobs.kql").read_text(encoding="utf-8")


def failed_jobs_query(since: datetime) -> str:
    """The sweep's query with its horizon bound: by a job's end, or by the earliest start that goes with it."""
    bound = _query_text().replace("datetime({since})", _literal(since))
    return bound.replace("datetime({began_since})", _literal(since - LONGEST_JOB))


def _literal(at: datetime) -> str:
    return f"datetime({at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ})"


def read_row(row: Mapping[str, Any]) -> FoundJob | None:
    """The job that a row names; None for a row that names none."""
    named = parse_job_id(str(row.get("id", "")))
    if named is None:
        return None
    vault, job_id = named
    item = ProtectedItem.parse(str(row.get("backupInstance", "")))
    return FoundJob(vault=vault, job_id=job_id, item=item, started_at=_time(row.get("startTime")))


def _time(said: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return max(at if at.tzinfo else at.replace(tzinfo=UTC), _EARLIEST)
