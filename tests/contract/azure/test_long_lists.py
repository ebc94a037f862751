"""Lists that are too long for one look: the next one reads on, and nothing is concluded before the end."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import TypeAlias

import pytest

from backup_retry.azure import listing, shared_reads
from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.azure.listing import ListTooLong
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import JobList, JobStatus
from simulator.estate.outcomes import JobStatus as Status
from simulator.estate.outcomes import Outcome
from simulator.server import RunningServer
from tests import backup_vaults_world
from tests.clock import Clock
from tests.vault_world import FAILED, VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

BackupWorld: TypeAlias = backup_vaults_world.World
COMPLETED = Outcome(status=Status.COMPLETED, seconds=60)
LONG = timedelta(days=2)
JOBS = 20
#: of two rows each, so that ten of them hold the list
PAGES_AT_ONCE = 3


@pytest.fixture
def backup_world(azure: tuple[RunningServer, Clock, AzureClients]) -> BackupWorld:
    """A Backup vault, which lists its oldest jobs first."""
    server, clock, clients = azure
    server.simulator.reset(backup_vaults_world.ESTATE)
    return BackupWorld(server, clock, clients, DataProtectionVaults(clients, clock))


@pytest.fixture(params=["vault_world", "backup_world"])
def world(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[VaultWorld | BackupWorld]:
    """Either kind of vault, with twenty jobs, of which a look reads six."""
    monkeypatch.setattr(listing, "PAGES_AT_ONCE", PAGES_AT_ONCE)
    found: VaultWorld | BackupWorld = request.getfixturevalue(request.param)
    for number in range(JOBS):
        found.run(outcome=COMPLETED, age=timedelta(hours=JOBS - number))
    began = found.clock.time
    yield found
    found.clock.time = began


def pages(world: VaultWorld | BackupWorld) -> int:
    """How many pages of jobs were asked for so far."""
    return world.reads("/backupJobs$") + world.reads("/backupJobs[?]")


async def looks(
    world: VaultWorld | BackupWorld, between: Callable[[], object] = lambda: None
) -> tuple[JobList, int]:
    """Look once a minute until the list is there; how many looks it took."""
    for number in range(1, 9):
        try:
            return await world.jobs(LONG), number
        except ListTooLong:
            world.clock.move(seconds=61)
            between()
    raise AssertionError("the list has no end")


async def test_what_is_too_long_for_one_look_goes_on_with_the_next(world: VaultWorld | BackupWorld) -> None:
    """No page is read twice but those with what is new; all jobs are there in the end, the newest first."""
    listed, number = await looks(world)
    assert number == 4
    assert len(listed.jobs) == len({job.id for job in listed.jobs}) == JOBS
    started = [job.started_at for job in listed.jobs]
    assert started == sorted(started, reverse=True)
    assert listed.read_at == world.clock()


async def test_a_look_is_a_few_pages_and_the_next_within_a_minute_none(
    world: VaultWorld | BackupWorld,
) -> None:
    """An incident's list must not take the time of all others, however many incidents ask for it."""
    for _ in range(3):
        with pytest.raises(AzureUnavailable, match="the next attempt continues"):
            await world.jobs(LONG)
    assert pages(world) == PAGES_AT_ONCE


async def test_what_ended_and_what_began_meanwhile_is_shown(world: VaultWorld | BackupWorld) -> None:
    """A list that took a quarter of an hour says what is, not what was when it began."""
    name = "vm-02" if isinstance(world, VaultWorld) else "pg-1"
    running = world.run(name, replace(FAILED, seconds=100))
    began: list[str] = []

    listed, _ = await looks(world, lambda: began.append(world.run(name)))

    world_now = {job.id: job.status for job in listed.jobs}
    assert world_now[running] is JobStatus.FAILED
    assert set(began) <= set(world_now)
    assert len(listed.jobs) == len(world_now)


async def test_what_azure_throttles_in_the_middle_goes_on_where_it_stopped(
    world: VaultWorld | BackupWorld,
) -> None:
    """A quota of an hour that is used up by half a list would never suffice for the whole."""
    fault = {"name": "throttle", "match": "GET .*backupJobs.*(skip|token)", "retry_after": 30, "count": 1}
    world.server.faults.arm([fault])
    with pytest.raises(AzureUnavailable):
        await world.jobs(LONG)
    world.clients._transport.pace._rests_until.clear()
    before = pages(world)
    world.clock.move(seconds=61)
    with pytest.raises(ListTooLong):
        await world.jobs(LONG)
    assert pages(world) - before == PAGES_AT_ONCE
    listed, _ = await looks(world)
    assert len({job.id for job in listed.jobs}) == JOBS


async def test_a_list_of_many_pages_is_read_once_a_minute(
    world: VaultWorld | BackupWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever needs a newer one waits, so that nobody can have it read over and over."""
    monkeypatch.setattr(listing, "PAGES_AT_ONCE", 150)
    monkeypatch.setattr(shared_reads, "_MANY_PAGES", 5)
    await world.jobs(LONG)
    world.clock.move(seconds=1)
    with pytest.raises(ListTooLong):
        await world.jobs(LONG)
    assert pages(world) == JOBS / 2
    world.clock.move(seconds=60)
    assert len((await world.jobs(LONG)).jobs) == JOBS


async def test_who_needs_an_earlier_part_begins_anew(world: VaultWorld | BackupWorld) -> None:
    """What was left unfinished serves those only whom it reaches back far enough for."""
    with pytest.raises(ListTooLong):
        await world.jobs(LONG)
    world.clock.move(seconds=61)
    with pytest.raises(ListTooLong):
        await world.jobs(2 * LONG)
    assert pages(world) == 2 * PAGES_AT_ONCE


async def test_what_began_while_azure_throttled_the_end_of_a_list_is_shown(
    world: VaultWorld | BackupWorld,
) -> None:
    """A retry's own job may be among it: a list that says it is fresh and lacks it would have it retried twice."""
    name = "vm-02" if isinstance(world, VaultWorld) else "pg-1"
    world.run(name, replace(FAILED, seconds=36_000))
    with pytest.raises(ListTooLong):
        await world.jobs(LONG)
    freshening = "startTime" if isinstance(world, VaultWorld) else "backupJobs/"
    throttled = {"name": "throttle", "match": f"GET .*{freshening}", "retry_after": 30, "count": 1}
    began: list[str] = []
    while len(began) < 12:
        world.clock.move(seconds=61)
        world.clients._transport.pace._rests_until.clear()
        began.append(world.run(name))
        world.server.faults.arm([throttled] if len(began) == 3 else [])
        with suppress(AzureUnavailable):
            listed = await world.jobs(LONG)
            break
    assert set(began) <= {job.id for job in listed.jobs}
    assert len(listed.jobs) == len({job.id for job in listed.jobs})


async def test_a_backup_that_hangs_for_days_does_not_keep_a_long_list_from_its_end(
    world: VaultWorld | BackupWorld,
) -> None:
    """Only that job is read again, not all that began since it did."""
    world.clock.move(seconds=-23 * 3600)
    name = "vm-02" if isinstance(world, VaultWorld) else "pg-1"
    hanging = world.run(name, replace(FAILED, seconds=14 * 86_400))
    world.clock.move(seconds=23 * 3600)
    listed, number = await looks(world)
    assert number == 4
    assert listed.jobs[-1].id == hanging
    assert listed.jobs[-1].status.running
