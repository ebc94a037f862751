"""A failed restore that somebody has redone closes by itself; one that nobody has goes on waiting for a person."""

from dataclasses import replace
from datetime import datetime

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Job, JobStatus, Source
from backup_retry.domain.notices import NoticeKind
from backup_retry.ports.reports import MemoryReports
from reconciler.redone_restores import RedoneRestores
from tests.builders import ENDED, item, job, minutes
from tests.world import NetworkLedger, World

COMPLETED, FAILED = JobStatus.COMPLETED, JobStatus.FAILED


class Ledger(NetworkLedger, MemoryReports):
    """The world's ledger, with its reports."""


@pytest.fixture
async def world() -> World:
    """A restore of the first item has failed, and a person was told."""
    found = World()
    found.ledger = Ledger()
    found.engine = found.another_engine()
    failed = restore("failed", at=ENDED, status=FAILED)
    found.vaults.shown_jobs.append(failed)
    found.vaults.protect(item())
    await found.engine.handle(FailedJob.of(failed, item()), Source.ALERT)
    return found


def restore(
    name: str, *, at: datetime, status: JobStatus = COMPLETED, of: ProtectedItem | None = None
) -> Job:
    return job(name, of=of, operation="Restore", status=status, started_at=at, ended_at=at)


def looking(world: World) -> RedoneRestores:
    assert isinstance(world.ledger, Ledger)
    return RedoneRestores(
        reports=world.ledger,
        controls=world.ledger,
        vaults=world.vaults,
        engine=world.engine,
        clock=world.clock,
    )


async def failed_restore(world: World) -> Incident:
    return await world.incident(replace(item(), restore_job="failed"))


@pytest.mark.parametrize(
    ("later", "outcome"),
    [
        (restore("redone", at=ENDED + minutes(5)), Outcome.RECOVERED_ELSEWHERE),
        (restore("again", at=ENDED + minutes(5), status=FAILED), Outcome.NEEDS_ACTION),
        (restore("earlier", at=ENDED - minutes(5)), Outcome.NEEDS_ACTION),
        (restore("another's", at=ENDED + minutes(5), of=item(2)), Outcome.NEEDS_ACTION),
        (job("backup", status=COMPLETED, started_at=ENDED + minutes(5)), Outcome.NEEDS_ACTION),
    ],
    ids=["redone", "failed again", "an earlier one", "of another item", "a backup"],
)
async def test_only_a_later_restore_of_the_item_ends_it(world: World, later: Job, outcome: Outcome) -> None:
    """Which is told as any recovery is; its row of the journal changes, and there is no second one."""
    world.vaults.shown_jobs.append(later)
    await looking(world).look()
    incident = await failed_restore(world)
    assert incident.outcome is outcome
    kinds = [each.kind for each in world.publisher.sent]
    assert (NoticeKind.RECOVERED in kinds) == (outcome is Outcome.RECOVERED_ELSEWHERE)
    reports = looking(world).reports
    assert incident.closed_at is not None
    [row] = [each for each in await reports.closed(incident.closed_at.date()) if each.item == incident.item]
    assert row.outcome is outcome


async def test_a_vault_is_looked_through_once_an_hour_and_only_for_that(world: World) -> None:
    """Where no restore waits for a person no vault is asked."""
    world.vaults.listed.clear()
    for _ in range(3):
        await looking(world).look()
        world.clock.move(minutes=25)
    assert len(world.vaults.listed) == 1
    world.vaults.shown_jobs.append(restore("redone", at=ENDED + minutes(5)))
    await looking(world).look()
    world.vaults.listed.clear()
    world.clock.move(hours=2)
    await looking(world).look()
    assert world.vaults.listed == []


async def test_a_vault_that_does_not_answer_is_looked_through_later(world: World) -> None:
    """The incident waits as before."""
    world.vaults.read_error = AzureUnavailable("no answer")
    await looking(world).look()
    assert (await failed_restore(world)).outcome is Outcome.NEEDS_ACTION
