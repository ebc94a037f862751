"""An engine on a ledger and vaults in memory that give way at every call, as real ones do over a network."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.causes import Cause
from backup_retry.domain.errors import AnswerUnclear
from backup_retry.domain.facts import ItemState
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import BackupRequest, FailedJob, Job, JobError, JobList, JobStatus, Source
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.notices import Notice
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.engine.vault_incidents import whole
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import Storm
from backup_retry.ports.causes import MemoryCauses
from backup_retry.ports.item_lookup import MemoryItemLookup
from backup_retry.ports.known_vaults import MemoryKnownVaults
from backup_retry.ports.ledger import MemoryLedger, Record
from backup_retry.ports.publisher import MemoryPublisher
from backup_retry.ports.tag_lookup import MemoryTagLookup
from backup_retry.ports.vaults import MemoryVaults
from tests.builders import PASSES, STARTED, item, job, vault
from tests.clock import Clock


class Crash(BaseException):
    """The process dies here."""


class NetworkLedger(MemoryLedger):
    """Lets others run before every call; `before_save` and `after_save` may raise."""

    def __init__(self) -> None:
        super().__init__()
        self.before_save: Callable[[Incident], None] | None = None
        self.after_save: Callable[[Incident], None] | None = None
        self.saves = 0

    async def load(self, item: ProtectedItem, job_id: str = "") -> Record:
        """See Ledger."""
        await asyncio.sleep(0)
        return await super().load(item, job_id)

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger."""
        await asyncio.sleep(0)
        if self.before_save:
            self.before_save(incident)
        self.saves += 1
        saved = await super().save(incident, steps, job_id)
        if self.after_save:
            self.after_save(incident)
        return saved

    async def storm(self, key: str) -> Storm | None:
        """See Storms."""
        await asyncio.sleep(0)
        return await super().storm(key)

    async def save_storm(self, storm: Storm) -> Storm | None:
        """See Storms."""
        await asyncio.sleep(0)
        return await super().save_storm(storm)


class NetworkCauses(MemoryCauses):
    """Lets others run before every call; `after_save` may raise."""

    def __init__(self) -> None:
        super().__init__()
        self.after_save: Callable[[], None] = lambda: None

    async def cause(self, key: str) -> Cause | None:
        """See Causes."""
        await asyncio.sleep(0)
        return await super().cause(key)

    async def save_cause(self, cause: Cause) -> Cause | None:
        """See Causes."""
        await asyncio.sleep(0)
        saved = await super().save_cause(cause)
        self.after_save()
        return saved

    async def hold(self, notice: Notice) -> None:
        """See Causes."""
        await asyncio.sleep(0)
        await super().hold(notice)

    async def held(self) -> Sequence[Notice]:
        """See Causes."""
        await asyncio.sleep(0)
        return await super().held()


@dataclass
class NetworkVaults(MemoryVaults):
    """Lets others run before every call; `on_trigger`, `on_list` and `on_job` may wait or raise."""

    on_trigger: Callable[[ProtectedItem, str], Awaitable[None]] | None = None
    on_list: Callable[[], Awaitable[None]] | None = None
    on_job: Callable[[], Awaitable[None]] | None = None
    #: (vault, since) of every list
    listed: list[tuple[Vault, datetime]] = field(default_factory=list)
    #: how fresh each list had to be
    freshness: list[datetime] = field(default_factory=list)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        await asyncio.sleep(0)
        if self.on_job:
            await self.on_job()
        return await super().job(vault, job_id)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults."""
        self.listed.append((vault, since))
        self.freshness.append(fresh_since)
        await asyncio.sleep(0)
        if self.on_list:
            await self.on_list()
        return await super().jobs(vault, since, fresh_since=fresh_since)

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """See Vaults."""
        await asyncio.sleep(0)
        return await super().item(item)

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """See Vaults."""
        await asyncio.sleep(0)
        operation_id = await super().trigger(item, request, attempt_id=attempt_id)
        if self.on_trigger:
            await self.on_trigger(item, attempt_id)
        return operation_id


class World:
    """One ledger, one Azure, one clock; as many engines as a test wants."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.clock = Clock()
        self.ledger = NetworkLedger()
        self.vaults = NetworkVaults(clock=self.clock)
        self.rules = rules or Rules()
        self.tag_lookup = MemoryTagLookup()
        self.publisher = MemoryPublisher()
        self.causes = NetworkCauses()
        self.item_lookup = MemoryItemLookup()
        self.known_vaults = MemoryKnownVaults()
        self.engine = self.another_engine()

    def another_engine(self, clock: Callable[[], datetime] | None = None, *, has_log: bool = True) -> Engine:
        """A second machine on the same ledger and vaults, perhaps with a clock of its own."""
        vaults = replace(self.vaults, clock=clock) if clock else self.vaults
        return Engine(
            ledger=self.ledger,
            controls=self.ledger,
            storms=self.ledger,
            vaults=vaults,
            tag_lookup=self.tag_lookup,
            rules=self.rules,
            clock=clock or self.clock,
            publisher=self.publisher,
            known_vaults=self.known_vaults,
            causes=self.causes,
            pages="https://app.test/api",
            has_log=has_log,
        )

    def fails(
        self,
        job_id: str = "job-1",
        *,
        of: ProtectedItem | None = None,
        error: str = PASSES,
        status: JobStatus = JobStatus.FAILED,
        started_at: datetime = STARTED,
        ended_at: datetime | None = None,
        workload: str = "VM",
        activity_id: str = "",
    ) -> FailedJob:
        """A protected item's backup failed, and its vault shows it."""
        backed_up = of or item()
        if backed_up.key not in self.vaults.items:
            self.vaults.protect(backed_up)
        shown = job(
            job_id,
            of=backed_up,
            status=status,
            error=error,
            started_at=started_at,
            ended_at=ended_at,
            workload=workload,
            activity_id=activity_id,
        )
        self.vaults.shown_jobs.append(shown)
        return FailedJob.of(shown, backed_up)

    def runs(self, attempt_id: str, of: ProtectedItem | None = None) -> Job:
        """The job that an attempt started appears in its vault."""
        shown = job(
            f"job-of-{attempt_id}",
            of=of,
            status=JobStatus.IN_PROGRESS,
            started_at=self.clock(),
            activity_id=attempt_id,
        )
        self.vaults.shown_jobs.append(shown)
        return shown

    def ends(self, running: Job, status: JobStatus, error: str = "") -> Job:
        """A running job ends."""
        ended = replace(running, status=status, ended_at=self.clock(), error=JobError(title=error))
        self.vaults.shown_jobs = [ended if each == running else each for each in self.vaults.shown_jobs]
        return ended

    @property
    def attempts(self) -> list[str]:
        """The id of every trigger that reached Azure, in order."""
        return [attempt_id for _, attempt_id in self.vaults.triggered]

    async def handle(self, failed: FailedJob) -> Report:
        """An alert names a failed job."""
        return await self.engine.handle(failed, Source.ALERT)

    async def unclear(self) -> Incident:
        """A failure whose retry got no clear answer."""
        self.vaults.trigger_errors = [AnswerUnclear("the connection was closed")]
        await self.handle(self.fails())
        return await self.incident()

    async def follow_up(self, **later: float) -> None:
        """The timer moves on what is due, so much later."""
        self.clock.time += timedelta(**later)
        for each in await self.ledger.open_incidents():
            if each.due <= self.clock():
                await self.engine.advance(each)

    async def vault_incident(self) -> Incident | None:
        """The incident of the whole vault, if there has been one."""
        return (await self.ledger.load(whole(vault()))).incident

    @property
    def sent_notices(self) -> list[tuple[str, str]]:
        """What was published: kind and what it is about, by its last name."""
        return [
            (str(each.kind).partition(".")[2], each.subject.rpartition("/")[2])
            for each in self.publisher.sent
        ]

    async def advance(self, of: ProtectedItem | None = None, **later: float) -> Report:
        """A follow-up moves the item's incident on, so much later."""
        self.clock.time += timedelta(**later)
        return await self.engine.advance(await self.incident(of))

    async def incident(self, of: ProtectedItem | None = None) -> Incident:
        """The item's incident as the ledger has it."""
        incident = (await self.ledger.load(of or item())).incident
        assert incident is not None
        return incident

    async def story(self, of: ProtectedItem | None = None) -> list[StepKind]:
        """What the item's journal says, oldest first."""
        return [step.kind for step in await self.ledger.steps(of or item())]
