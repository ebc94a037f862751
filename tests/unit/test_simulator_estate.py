"""The simulated Azure's state: what happens to jobs and items as time passes."""

from datetime import timedelta

import pytest

from simulator.estate import Azure
from simulator.estate_file import DEFAULT_ESTATE, EstateError, EstateFile
from simulator.inventory import Item, Job
from simulator.outcomes import JobStatus, Outcome, error_titled
from tests.clock import Clock

FAILED = Outcome(status=JobStatus.FAILED, error=error_titled("SnapshotTimedOut"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def azure(clock: Clock) -> Azure:
    return Azure(EstateFile.read(DEFAULT_ESTATE).build(clock()))


@pytest.fixture
def item(azure: Azure) -> Item:
    found = azure.find_item("vm-01")
    assert found is not None
    return found


def trigger(azure: Azure, item: Item, clock: Clock, activity_id: str = "a") -> Job:
    return azure.trigger_backup(item, activity_id=activity_id, expires=None, now=clock()).job


def test_a_job_ends_when_its_time_has_come(azure: Azure, item: Item, clock: Clock) -> None:
    """It ends at the moment it was due, however late anybody looks."""
    job = trigger(azure, item, clock)
    clock.move(seconds=0.9)
    azure.advance(clock())
    assert (job.status, job.end_time) == (JobStatus.IN_PROGRESS, None)
    clock.move(minutes=5)
    azure.advance(clock())
    assert (job.status, job.end_time) == (JobStatus.COMPLETED, job.start_time + timedelta(seconds=1))


def test_listeners_hear_of_each_failed_backup_once(azure: Azure, item: Item, clock: Clock) -> None:
    """Not of completed or cancelled ones, nor of failed restores."""
    heard: list[Job] = []
    azure.listeners.append(heard.append)
    failed = azure.run_job(item, FAILED, now=clock())
    azure.run_job(item, Outcome(), now=clock())
    azure.run_job(item, Outcome(status=JobStatus.CANCELLED), now=clock())
    azure.run_job(item, FAILED, now=clock(), operation="Restore")
    for _ in range(3):
        clock.move(seconds=2)
        azure.advance(clock())
    assert heard == [failed]


def test_failures_are_heard_of_in_the_order_of_their_ends(azure: Azure, clock: Clock) -> None:
    """One look after a long while hears them as if it had looked all the time."""
    heard: list[Job] = []
    azure.listeners.append(heard.append)
    items = list(azure.items)
    jobs = [
        azure.run_job(each, Outcome(status=JobStatus.FAILED, seconds=seconds), now=clock())
        for each, seconds in zip(items, (30, 10, 20), strict=True)
    ]
    clock.move(minutes=1)
    azure.advance(clock())
    assert heard == [jobs[1], jobs[2], jobs[0]]


def test_a_failed_outcome_without_an_error_gets_one(azure: Azure, item: Item, clock: Clock) -> None:
    """A failed job always says why."""
    job = azure.run_job(item, Outcome(status=JobStatus.FAILED, seconds=0), now=clock())
    assert job.error is not None
    assert job.error.code == 400199


def test_a_cancelled_job_has_no_error(azure: Azure, item: Item, clock: Clock) -> None:
    """Even where its outcome would have been a failure."""
    job = azure.run_job(item, FAILED, now=clock())
    azure.cancel(job, clock())
    assert job.status is JobStatus.CANCELLING
    clock.move(seconds=0.3)
    azure.advance(clock())
    assert (job.status, job.error) == (JobStatus.CANCELLED, None)


def test_a_trigger_collides_with_a_running_backup_only(azure: Azure, item: Item, clock: Clock) -> None:
    """A running restore of the item does not matter."""
    azure.run_job(item, Outcome(seconds=60), now=clock(), operation="Restore")
    first, second = trigger(azure, item, clock), trigger(azure, item, clock, "b")
    clock.move(seconds=1)
    azure.advance(clock())
    assert first.status is JobStatus.COMPLETED
    assert second.error is not None
    assert (second.status, second.error.code) == (JobStatus.FAILED, 400249)


def test_a_collision_uses_up_no_outcome(azure: Azure, item: Item, clock: Clock) -> None:
    """The next outcome is for the next backup that really runs."""
    item.next_outcomes.extend([Outcome(seconds=60), FAILED])
    trigger(azure, item, clock)
    trigger(azure, item, clock)
    assert list(item.next_outcomes) == [FAILED]


def test_a_job_that_began_and_ended_before_is_ended_at_once(azure: Azure, item: Item, clock: Clock) -> None:
    """Its times are the past ones; the vault knows it from now on."""
    job = azure.run_job(item, Outcome(seconds=60), now=clock(), age=timedelta(hours=2))
    assert job.status is JobStatus.COMPLETED
    assert job.start_time == clock() - timedelta(hours=2)
    assert not job.is_known_at(clock() - timedelta(seconds=1))


def test_the_past_can_be_seen_as_it_was_known_then(azure: Azure, item: Item, clock: Clock) -> None:
    """A lagging reader sees the job running, and the item's previous recovery point."""
    before = item.last_recovery_point(clock())
    began = clock()
    job = trigger(azure, item, clock)
    clock.move(seconds=2)
    azure.advance(clock())
    assert (job.status_at(began), job.status_at(clock())) == (JobStatus.IN_PROGRESS, JobStatus.COMPLETED)
    assert (item.last_recovery_point(began), item.last_recovery_point(clock())) == (before, job.start_time)
    assert (item.last_backup(began), item.last_backup(clock())) == (None, job)


def test_the_version_changes_with_the_jobs_and_not_with_time(azure: Azure, item: Item, clock: Clock) -> None:
    """Readers need not read again while it stays."""
    empty = azure.version_at(clock())
    clock.move(seconds=5)
    assert azure.version_at(clock()) == empty
    trigger(azure, item, clock)
    running = azure.version_at(clock())
    clock.move(seconds=5)
    azure.advance(clock())
    assert len({empty, running, azure.version_at(clock())}) == 3
    azure.reset(EstateFile.read({}).build(clock()))
    assert azure.version_at(clock()) != empty


def test_items_are_found_by_id_in_any_casing_or_by_vm(azure: Azure, item: Item) -> None:
    """Azure's own ids come in several casings."""
    assert azure.find_item(item.id.upper()) is item
    assert azure.find_item("VM-01") is item
    assert azure.find_item("vm-1") is None


def test_names_are_lower_cased_by_the_service(clock: Clock) -> None:
    """The VM keeps its own casing; container and item do not."""
    vault = {**DEFAULT_ESTATE["vaults"][0], "items": [{"vm": "VM-Big", "resource_group": "RG-App"}]}
    azure = Azure(EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock()))
    (item,) = azure.items
    assert item.name == "VM;iaasvmcontainerv2;rg-app;vm-big"
    assert item.source_resource_id.endswith(
        "/resourceGroups/RG-App/providers/Microsoft.Compute/virtualMachines/VM-Big"
    )


def test_an_item_needs_a_policy_that_exists(clock: Clock) -> None:
    """The message names item and policy."""
    vault = {**DEFAULT_ESTATE["vaults"][0], "items": [{"vm": "vm", "resource_group": "rg", "policy": "Gold"}]}
    with pytest.raises(EstateError, match="vm: there is no policy 'Gold'"):
        EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock())
