"""The adapter of backup vaults, through Microsoft's SDK over TLS: the jobs that it reads."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.domain.errors import (
    Forbidden,
    NotFound,
)
from backup_retry.domain.jobs import Job, JobError, JobStatus
from simulator.server import RunningServer
from tests.backup_vaults_world import DENIED, ESTATE, FAILED, MINUTE, POSTGRESQL, VAULT, World
from tests.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(azure: tuple[RunningServer, Clock, AzureClients]) -> World:
    """The estate anew, with an adapter that has read nothing yet."""
    server, clock, clients = azure
    server.simulator.reset(ESTATE)
    return World(server, clock, clients, DataProtectionVaults(clients, clock))


# ---- jobs --------------------------------------------------------------------------------------------------


async def test_a_failed_job_is_read_with_all_that_matters(world: World) -> None:
    """Its item, what it ran with, and whether the service thinks that a retry can help."""
    job_id = world.run("pg-1")
    started_at = world.clock()
    world.clock.move(minutes=2)
    job = await world.vaults.job(VAULT, job_id)
    assert job == Job(
        id=job_id,
        vault=VAULT,
        workload=POSTGRESQL,
        operation="Backup",
        status=JobStatus.FAILED,
        started_at=started_at,
        ended_at=started_at + MINUTE,
        activity_id=job.activity_id,
        on_demand=False,
        entity_name=job.entity_name,
        item=world.item("pg-1"),
        error=JobError(title="UserErrorBusy", message="Busy.", advice="Wait. Retry.", retryable=True),
        retention_tag="Default",
    )
    assert job.activity_id
    assert "pg-1" in job.entity_name


async def test_a_restore_is_a_job_of_the_same_list(world: World) -> None:
    """It is none of the backups."""
    world.run(outcome=FAILED, operation="Restore")
    [job] = (await world.jobs()).jobs
    assert (job.is_restore, job.is_backup) == (True, False)


async def test_a_job_that_the_vault_does_not_have_is_not_found(world: World) -> None:
    """With the service's own code."""
    with pytest.raises(NotFound) as caught:
        await world.vaults.job(VAULT, str(uuid4()))
    assert (caught.value.status, caught.value.code) == (404, "BMSUserErrorObjectNotFound")


async def test_a_vault_without_a_role_is_forbidden(world: World) -> None:
    """Whatever is asked of it."""
    item = world.item("disk-9")
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: world.vaults.job(DENIED, str(uuid4())),
        lambda: world.jobs(MINUTE, DENIED),
        lambda: world.vaults.item(item),
        lambda: world.trigger(item, "BackupDaily"),
    ]
    for call in calls:
        with pytest.raises(Forbidden) as caught:
            await call()
        assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailed")


async def test_the_list_has_the_jobs_since_then_newest_first(world: World) -> None:
    """Over all pages, though the service has no filter and begins with the oldest."""
    ages = {minutes: world.run(age=timedelta(minutes=minutes)) for minutes in (90, 30, 61, 10, 59)}
    listed = await world.jobs(timedelta(hours=1))
    assert [job.id for job in listed.jobs] == [ages[10], ages[30], ages[59]]
    assert listed.read_at == world.clock()
    assert world.reads("/backupJobs$") == 3


async def test_twenty_callers_share_one_list(world: World) -> None:
    """One request for all whom an earlier reading satisfies; one that is too old is read anew."""
    world.run()
    lists = await asyncio.gather(*(world.jobs() for _ in range(20)))
    assert len({id(each) for each in lists}) == 1
    assert world.reads("/backupJobs$") == 1
    world.clock.move(seconds=20)
    assert (await world.jobs()).read_at == world.clock()
    assert world.reads("/backupJobs$") == 2
