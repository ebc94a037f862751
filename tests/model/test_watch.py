"""What the model takes for a broken promise, and what not."""

from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, JobStatus, Source
from tests.model.agenda import START
from tests.model.estate import Estate
from tests.model.invariants import Violation
from tests.model.true_jobs import DIFFERENTIAL, FULL, PASSING, Ending, TrueJob
from tests.model.world import World

CANCELLED = Close(outcome=Outcome.LEFT_ALONE, reason=Reason.CANCELLED)


@pytest.fixture
def world() -> World:
    """One database, and nothing that happens by itself."""
    return World(1, Estate(vaults=1, databases=1, items=1, workers=1, skew=0.0))


def fails(world: World, kind: str) -> TrueJob:
    """A backup of the database that fails at once."""
    ending = Ending(status=JobStatus.FAILED, seconds=1.0, error=PASSING[0])
    job = world.azure.backup(world.items[0], ending, kind)
    world.agenda.now += 60.0
    return job


def failure(world: World, job: TrueJob) -> FailedJob:
    """As the vault shows it."""
    return FailedJob.of(job.seen_at(world.agenda.now), job.item)


def opened(world: World, job: TrueJob) -> Incident:
    """An incident of it."""
    return Incident.open(failure(world, job), Source.ALERT, START + timedelta(seconds=world.agenda.now))


def test_two_incidents_for_one_failed_job_break_a_promise(world: World) -> None:
    """Whatever became of the first one."""
    job = fails(world, FULL)
    world.watch.saved(opened(world, job), [], "")
    with pytest.raises(Violation, match="two incidents"):
        world.watch.saved(opened(world, job), [], "")


def test_a_failure_that_was_given_up_for_a_better_one_may_open_another_incident(world: World) -> None:
    """The full backup failed before the differential one, and does not stand for it: seeds 2409 and 5652."""
    full, differential = fails(world, FULL), fails(world, DIFFERENTIAL)
    first = opened(world, differential)
    world.watch.saved(first, [], "")
    turned = first.with_failure(failure(world, full))
    world.watch.saved(turned, [], "")
    world.watch.saved(turned.closed(CANCELLED, turned.due), [], "")

    world.watch.saved(opened(world, differential), [], "")

    assert len(world.watch.incidents) == 2


def test_a_failure_that_was_made_up_for_opens_no_other_incident(world: World) -> None:
    """The incident is about a lesser one by now, and has weighed its first."""
    full, differential = fails(world, FULL), fails(world, DIFFERENTIAL)
    first = opened(world, full)
    world.watch.saved(first, [], "")
    world.watch.saved(first.turned_to(failure(world, differential)), [], "")
    with pytest.raises(Violation, match="two incidents"):
        world.watch.saved(opened(world, full), [], "")
