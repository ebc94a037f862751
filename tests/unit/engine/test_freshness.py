"""How fresh a reading of a vault's jobs has to be: many share one; none permits what a newer one forbids."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.errors import Forbidden
from backup_retry.domain.jobs import JobError, JobList, JobStatus, Operation, Source
from backup_retry.engine.freshness import SHARED_FOR, fresh_since, read_jobs
from tests.builders import ENDED, NOW, item, vault
from tests.world import NetworkVaults, World

SECOND = timedelta(seconds=1)


@dataclass
class SharedReadings(NetworkVaults):
    """Vaults whose last reading serves whoever does not ask for a newer one, as the adapters' do."""

    kept: JobList | None = None
    readings: int = 0
    refused_at: datetime | None = None

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults."""
        if self.refused_at is not None and self.refused_at > fresh_since:
            raise Forbidden("jobs", status=403, code="AuthorizationFailed")
        if self.kept is None or self.kept.read_at < fresh_since:
            self.kept = await super().jobs(vault, since, fresh_since=fresh_since)
            self.readings += 1
        return self.kept


class SharingWorld(World):
    """A world whose readings are shared."""

    def __init__(self) -> None:
        super().__init__()
        self.readings = self.vaults = SharedReadings(clock=self.clock)
        self.engine = self.another_engine()

    async def reads(self) -> None:
        """Somebody else's look at the vault."""
        await self.vaults.jobs(vault(), ENDED - timedelta(days=30), fresh_since=self.clock())


@pytest.mark.parametrize(
    ("run_began", "expected"),
    [
        pytest.param(None, NOW, id="alone: now"),
        pytest.param(NOW - 30 * SECOND, NOW - 30 * SECOND, id="in a run: since it began"),
        pytest.param(NOW - 90 * SECOND, NOW - SHARED_FOR, id="for a minute at most"),
    ],
)
def test_what_needs_no_proof(run_began: datetime | None, expected: datetime) -> None:
    """A reading made since then was made after the failure was told."""
    assert fresh_since(NOW, run_began) == expected


@pytest.mark.parametrize(
    ("age", "shows_the_end", "after", "readings"),
    [
        pytest.param(30 * SECOND, True, None, 1, id="it shows the end: shared"),
        pytest.param(30 * SECOND, False, None, 2, id="it does not: read anew"),
        pytest.param(61 * SECOND, True, None, 2, id="older than a minute: read anew"),
        pytest.param(30 * SECOND, True, NOW - 40 * SECOND, 1, id="made after the claim: shared"),
        pytest.param(30 * SECOND, True, NOW - 20 * SECOND, 2, id="made before the claim: read anew"),
    ],
)
async def test_an_earlier_reading_has_to_prove_that_it_serves(
    age: timedelta, shows_the_end: bool, after: datetime | None, readings: int
) -> None:
    """Of two reasons to read anew each suffices."""
    world = SharingWorld()
    world.clock.time = NOW - age
    await world.reads()
    world.clock.time = NOW
    listed = await read_jobs(
        world.vaults,
        vault(),
        ENDED,
        now=NOW,
        run_began=NOW,
        shows_the_end=lambda _: shows_the_end,
        after=after,
    )
    assert (world.readings.readings, listed.read_at) == (readings, NOW if readings > 1 else NOW - age)


async def test_an_earlier_refusal_is_not_shared() -> None:
    """Permissions that have been given since are used at once."""
    world = SharingWorld()
    world.readings.refused_at = NOW
    failed = world.fails()
    world.clock.move(seconds=10)
    done = await world.engine.handle(failed, Source.ALERT, run_began=world.clock())
    assert (done.decision, world.readings.readings) == ("triggered", 1)


async def test_eighteen_failures_that_one_reading_shows_are_one_reading() -> None:
    """Each is told a second after the other."""
    world = SharingWorld()
    failures = [world.fails(f"job-{number}", of=item(number)) for number in range(18)]
    for failed in failures:
        done = await world.engine.handle(failed, Source.ALERT, run_began=world.clock())
        assert done.decision == "triggered"
        world.clock.move(seconds=1)
    assert world.readings.readings == 1


@pytest.mark.parametrize("since", [JobStatus.IN_PROGRESS, JobStatus.COMPLETED])
async def test_a_reading_from_before_the_end_starts_nothing(since: JobStatus) -> None:
    """It shows the job as running; what has begun or succeeded after its end only a newer one knows."""
    world = SharingWorld()
    world.fails(status=JobStatus.IN_PROGRESS)
    await world.reads()
    world.clock.move(seconds=30)
    world.vaults.shown_jobs.clear()
    failed = world.fails(ended_at=world.clock() - 20 * SECOND)
    world.fails("job-2", status=since, started_at=world.clock() - 10 * SECOND, ended_at=world.clock())
    done = await world.engine.handle(failed, Source.ALERT, run_began=world.clock())
    assert (done.decision, world.attempts) == ("waiting" if since.running else "closed", [])


async def test_a_reading_from_before_the_claim_starts_nothing() -> None:
    """Another worker's trigger was refused by its operation, and a person has started the backup since."""
    world = SharingWorld()
    failed = world.fails()
    await world.reads()
    world.clock.move(seconds=10)
    done = await world.engine.handle(failed, Source.ALERT, run_began=world.clock())
    assert done.incident is not None
    operation_id = done.incident.attempts[-1].operation_id
    refused = Operation(status="Failed", error=JobError(title="ServiceBusy"))
    world.vaults.operations[operation_id] = refused
    world.clock.move(seconds=5)
    world.fails("job-2", status=JobStatus.IN_PROGRESS, started_at=world.clock())
    world.clock.move(seconds=5)
    moved = await world.engine.advance(done.incident, run_began=world.clock())
    assert moved.incident is not None
    assert moved.incident.attempts[-1].result is AttemptResult.FAILED
    assert (moved.decision, world.readings.readings, len(world.attempts)) == ("waiting", 2, 1)


@pytest.mark.parametrize(
    ("shown", "before_the_run", "readings"),
    [
        (JobStatus.COMPLETED, 30, 1),
        (JobStatus.IN_PROGRESS, 30, 2),
        (None, 30, 2),
        (JobStatus.IN_PROGRESS, 0, 1),
        (None, 0, 1),
    ],
)
async def test_an_earlier_reading_serves_where_the_retry_has_ended_on_it(
    shown: JobStatus | None, before_the_run: int, readings: int
) -> None:
    """Whether one still runs, or never began, only a reading of this run can say."""
    world = SharingWorld()
    done = await world.engine.handle(world.fails(), Source.ALERT, run_began=world.clock())
    assert done.incident is not None
    attempt = done.incident.attempts[-1]
    if shown is not None:
        world.fails("job-2", status=shown, started_at=NOW, ended_at=NOW, activity_id=attempt.id)
    world.readings.readings = 0
    world.clock.move(minutes=2)
    await world.reads()
    began = world.clock() + before_the_run * SECOND
    world.clock.move(seconds=30)
    await world.engine.advance(done.incident, run_began=began)
    assert world.readings.readings == readings


async def test_a_follow_up_sees_what_has_come_since_an_earlier_reading() -> None:
    """No retry is in flight: what is asked is what has come since, and an earlier reading does not say so."""
    world = SharingWorld()
    done = await world.engine.handle(world.fails(), Source.ALERT, run_began=world.clock())
    assert done.incident is not None
    world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, "CloudInternalError")
    world.clock.move(minutes=1)
    waiting = await world.engine.advance(done.incident, run_began=world.clock())
    await world.reads()
    world.clock.move(seconds=30)
    world.fails("job-2", status=JobStatus.COMPLETED, started_at=world.clock(), ended_at=world.clock())
    assert waiting.incident is not None
    moved = await world.engine.advance(waiting.incident, run_began=world.clock())
    assert (waiting.decision, moved.decision) == ("waiting", "closed")
