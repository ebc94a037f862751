"""What worlds of the model have shown, step by step; each test names the seeds of the soak that showed it.

A seed makes another world as soon as the model changes. What it has shown once stays here.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AnswerUnclear, AzureRefused
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import FailedJob, Job, JobError, JobStatus, Operation, Source
from backup_retry.domain.schedule import BackupPolicy
from tests.builders import ITEM_IS_BUSY, NEEDS_PERSON, NOW, PASSES, SUBSCRIPTION, item, job, minutes
from tests.world import World

SQL = "SQLDataBase"
DATABASE_IS_BUSY = "OperationCancelledBecauseConflictingOperationRunningUserError"
CHAIN_BROKE = "UserErrorSQLLSNValidationFailure"
#: a vault whose list tells nobody's request id
DISKS = Vault(subscription=SUBSCRIPTION, resource_group="rg-backup", name="disks", kind=VaultKind.BACKUP)
DISK = ProtectedItem(vault=DISKS, name="disk-1")

# ---- a failure's time is when it ended ---------------------------------------------------------------------


def database_backup(
    kind: str,
    *,
    began: float,
    ended: float,
    error: str = "",
    status: JobStatus = JobStatus.FAILED,
) -> Job:
    """A backup of the database that began and ended so many minutes ago."""
    return job(
        f"{kind} of {began:g} minutes ago".lower(),
        operation=f"Backup ({kind})",
        workload=SQL,
        status=JobStatus.FAILED if error else status,
        started_at=NOW - minutes(began),
        ended_at=NOW - minutes(ended),
        error=error,
    )


LONG_LOG = database_backup("Log", began=34, ended=0, error=PASSES)
GOOD_FULL = database_backup("Full", began=5, ended=3, status=JobStatus.COMPLETED)
FULL = database_backup("Full", began=23, ended=22, error=PASSES)
DIFFERENTIAL = database_backup("Differential", began=33, ended=32, error=CHAIN_BROKE)
LATER_DIFFERENTIAL = database_backup("Differential", began=18, ended=17, error=CHAIN_BROKE)
LOG_IN_ITS_WAY = database_backup("Log", began=26, ended=25.9, error=DATABASE_IS_BUSY)
LATER_LOG_IN_ITS_WAY = database_backup("Log", began=6, ended=5.9, error=DATABASE_IS_BUSY)
FULL_IN_ITS_WAY = database_backup("Full", began=4, ended=3.9, error=DATABASE_IS_BUSY)


@pytest.mark.parametrize(
    ("told", "listed"),
    [
        pytest.param([LONG_LOG, FULL], [LATER_LOG_IN_ITS_WAY], id="seed 4238"),
        pytest.param([LONG_LOG, FULL], [FULL_IN_ITS_WAY], id="seed 6252"),
        pytest.param([DIFFERENTIAL, LONG_LOG], [LATER_LOG_IN_ITS_WAY], id="seed 5569"),
        pytest.param([LONG_LOG, LOG_IN_ITS_WAY], [LATER_DIFFERENTIAL], id="seed 3696"),
    ],
)
async def test_a_long_backup_that_failed_last_is_still_missing(
    world: World, told: Sequence[Job], listed: Sequence[Job]
) -> None:
    """What began after it failed before it, and was made up for by a full one that completed before it failed."""
    world.vaults.protect(item())
    world.vaults.shown_jobs = [GOOD_FULL, *told, *listed]

    for each in told:  # a sweep tells them in any order, and an alert may be late
        await world.handle(FailedJob.of(each, item()))
    await world.advance(minutes=5)
    await world.advance(minutes=5)

    incident = await world.incident()
    assert (incident.outcome, incident.failure.id) == (None, LONG_LOG.id)


async def test_a_person_who_cancels_a_long_backup_has_decided_that(world: World) -> None:
    """The schedule's backup ran into the long one an hour ago; that is no newer than the cancelling."""
    running = job("long", status=JobStatus.IN_PROGRESS, started_at=NOW - minutes(150))
    world.vaults.shown_jobs.append(running)
    began = NOW - minutes(60)
    conflict = world.fails("scheduled", error=ITEM_IS_BUSY, started_at=began, ended_at=began + minutes(0.1))

    reports = [await world.handle(conflict)]
    world.ends(running, JobStatus.CANCELLED)
    reports.append(await world.advance(minutes=5))

    assert [report.reason for report in reports] == [Reason.IN_PROGRESS, Reason.CANCELLED]
    assert world.attempts == []


# ---- an attempt's job is known by its id; clocks differ ----------------------------------------------------


def disk_backup(
    job_id: str, status: JobStatus, *, began: datetime, ended: datetime | None = None, error: str = PASSES
) -> Job:
    """A job of the disk, whose vault gives every job an id of its own."""
    shown = job(
        job_id,
        of=DISK,
        workload="Microsoft.Compute/disks",
        status=status,
        started_at=began,
        ended_at=ended,
        error=error if status is JobStatus.FAILED else None,
        activity_id=f"azure's-own-{job_id}",
    )
    return replace(shown, on_demand=job_id.startswith("ours"))


def disk_that_fails(world: World) -> FailedJob:
    """The disk's scheduled backup has failed two minutes ago."""
    policy = BackupPolicy(rules={"BackupDaily": "Default"})
    world.vaults.items[DISK.key] = ItemState(protection_state="ProtectionConfigured", policy=policy)
    failed = disk_backup("scheduled", JobStatus.FAILED, began=NOW - minutes(12), ended=NOW - minutes(2))
    world.vaults.shown_jobs.append(failed)
    return FailedJob.of(failed, DISK)


@pytest.mark.parametrize("ahead", [38, 300])
async def test_a_job_that_may_be_ours_is_waited_for_and_then_a_person_decides(
    world: World, ahead: float
) -> None:
    """Our clock is ahead of Azure's, and no answer to the trigger came; its job fails after half an hour: seed 5949."""
    world.vaults.trigger_errors = [AnswerUnclear("the connection was reset")]
    await world.handle(disk_that_fails(world))
    began = NOW - timedelta(seconds=ahead)
    running = disk_backup("ours", JobStatus.IN_PROGRESS, began=began)
    world.vaults.shown_jobs.append(running)

    for _ in range(6):
        await world.advance(DISK, minutes=5)
    waited = (await world.incident(DISK)).is_open
    ended = disk_backup("ours", JobStatus.FAILED, began=began, ended=world.clock())
    world.vaults.shown_jobs = [ended if each == running else each for each in world.vaults.shown_jobs]
    await world.handle(FailedJob.of(ended, DISK))
    await world.advance(DISK, minutes=90)

    assert (waited, len(world.attempts)) == (True, 1)
    assert (await world.incident(DISK)).outcome is Outcome.NEEDS_ACTION


async def test_an_attempt_that_ended_before_the_next_failure_is_over(world: World) -> None:
    """Our clock is ahead; the operation names the job once a newer failure counts, and holds the disk: seed 7900."""
    await world.handle(disk_that_fails(world))
    ours = disk_backup("ours", JobStatus.COMPLETED, began=NOW - minutes(4), ended=NOW - minutes(1))
    ended = NOW + minutes(5)
    newer = disk_backup("newer", JobStatus.FAILED, began=ended - minutes(0.1), ended=ended)
    world.vaults.shown_jobs += [ours, newer]
    operation = (await world.incident(DISK)).attempts[0].operation_id
    world.vaults.operations[operation] = Operation(status="Succeeded", job_id="ours")

    for _ in range(4):
        await world.advance(DISK, minutes=5)

    assert (await world.incident(DISK)).attempts[0].result == "completed"
    assert len(world.attempts) == 2


@pytest.mark.parametrize("refused_at", ["the operation", "the trigger"])
async def test_an_attempt_that_came_to_nothing_says_nothing_of_a_newer_failure(
    world: World, refused_at: str
) -> None:
    """The schedule's next backup has failed meanwhile with a code that needs a person: seed 489."""
    newer = job(
        "newer",
        error=NEEDS_PERSON,
        started_at=NOW + minutes(20),
        ended_at=NOW + minutes(21),
        activity_id="the-schedule's",
    )

    async def refuse_late(of: ProtectedItem, attempt_id: str) -> None:
        if refused_at == "the trigger":
            await world.another_engine().note(FailedJob.of(newer, item()), Source.ALERT)
            raise AzureRefused("no", code=PASSES, status=400)
        world.vaults.operations[f"operation-{attempt_id}"] = Operation(
            status="Failed", error=JobError(title=PASSES)
        )

    world.vaults.on_trigger = refuse_late
    await world.handle(world.fails())
    world.vaults.shown_jobs.append(newer)
    await world.advance(minutes=30)
    await world.advance(minutes=30)

    assert (await world.incident()).reason is Reason.NEEDS_ACTION
    assert len(world.attempts) == 1
