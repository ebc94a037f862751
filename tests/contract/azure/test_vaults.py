"""What the vaults' adapter reads, through Microsoft's SDK over TLS, on the simulated Azure."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden, NotFound
from backup_retry.domain.jobs import Job, JobError, JobStatus
from simulator.estate.outcomes import error_titled
from tests.failures import VAULT, vm_item
from tests.vault_world import DENIED, ESTATE, FAILED, MINUTE, STOPPED, VM, VaultWorld, vault_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")


# ---- jobs --------------------------------------------------------------------------------------------------


async def test_a_failed_job_is_read_with_all_that_matters(vault_world: VaultWorld) -> None:
    """Its item from the container's name, its error's three parts, aware times."""
    job_id = vault_world.run()
    started_at = vault_world.clock()
    vault_world.clock.move(minutes=2)
    job = await vault_world.vaults.job(VAULT, job_id)
    assert job.activity_id
    assert job == Job(
        id=job_id,
        vault=VAULT,
        workload="VM",
        operation="Backup",
        status=JobStatus.FAILED,
        started_at=started_at,
        ended_at=started_at + MINUTE,
        activity_id=job.activity_id,
        entity_name="vm-01",
        item=VM,
        error=JobError(
            title="UserErrorVmProvisioningStateFailed",
            code=400160,
            message="VM is in Failed Provisioning State.",
            advice="Please restart the VM and make sure that the VM is in Running or Shut-down state for backup.",
        ),
    )


async def test_a_job_that_the_vault_does_not_have_is_not_found(vault_world: VaultWorld) -> None:
    """With the service's own code."""
    with pytest.raises(NotFound) as caught:
        await vault_world.vaults.job(VAULT, str(uuid4()))
    assert (caught.value.status, caught.value.code) == (404, "BMSUserErrorObjectNotFound")


async def test_a_vault_without_a_role_is_forbidden(vault_world: VaultWorld) -> None:
    """Whatever is asked of it."""
    item = vm_item("vm-91", DENIED)
    calls: list[Callable[[], Awaitable[object]]] = [
        lambda: vault_world.vaults.job(DENIED, str(uuid4())),
        lambda: vault_world.jobs(MINUTE, DENIED),
        lambda: vault_world.vaults.item(item),
        lambda: vault_world.trigger(item),
    ]
    for call in calls:
        with pytest.raises(Forbidden) as caught:
            await call()
        assert (caught.value.status, caught.value.code) == (403, "AuthorizationFailed")


async def test_the_list_has_the_jobs_since_then_newest_first(vault_world: VaultWorld) -> None:
    """Over all pages; an older one is left out, one that began in the future of our clock is not."""
    ages = {minutes: vault_world.run(age=timedelta(minutes=minutes)) for minutes in (90, 30, 61, 10, 59)}
    ahead = vault_world.run("vm-02", age=timedelta(minutes=-30))
    listed = await vault_world.jobs(timedelta(hours=1))
    assert [job.id for job in listed.jobs] == [ahead, ages[10], ages[30], ages[59]]
    assert listed.read_at == vault_world.clock()


@pytest.mark.parametrize("hour", [0, 9, 12, 23])
async def test_the_filter_means_the_same_hour_in_twelve_hour_clock(
    vault_world: VaultWorld, hour: int
) -> None:
    """12 AM is midnight and 12 PM noon."""
    ago = vault_world.clock() - vault_world.clock().replace(hour=hour, minute=0) + timedelta(days=1)
    inside, _ = vault_world.run(age=ago - MINUTE), vault_world.run(age=ago + MINUTE)
    assert [job.id for job in (await vault_world.jobs(ago)).jobs] == [inside]


async def test_twenty_callers_share_one_list(vault_world: VaultWorld) -> None:
    """One request for all whom an earlier reading satisfies; one that is too old is read anew."""
    vault_world.run()
    lists = await asyncio.gather(*(vault_world.jobs() for _ in range(20)))
    assert len({id(each) for each in lists}) == 1
    began = vault_world.clock()
    vault_world.clock.move(seconds=20)
    assert await vault_world.vaults.jobs(VAULT, began, fresh_since=began) is lists[0]
    assert vault_world.reads("/backupJobs$") == 1
    assert (await vault_world.jobs()).read_at == vault_world.clock()
    assert vault_world.reads("/backupJobs$") == 2


async def test_a_list_that_does_not_reach_back_far_enough_is_not_shared(vault_world: VaultWorld) -> None:
    """Nor is one vault's list another's."""
    old = vault_world.run(age=timedelta(hours=2))
    assert (await vault_world.jobs(MINUTE)).jobs == []
    assert (await vault_world.jobs(timedelta(hours=3), STOPPED)).jobs == []
    assert [job.id for job in (await vault_world.jobs(timedelta(hours=3))).jobs] == [old]


async def test_a_list_that_failed_is_not_shared(vault_world: VaultWorld) -> None:
    """The next caller asks anew."""
    job = vault_world.run()
    vault_world.arm("server_error", "GET .*backupJobs", status=400, count=1)
    with pytest.raises(AzureRefused):
        await vault_world.jobs()
    assert [each.id for each in (await vault_world.jobs()).jobs] == [job]


async def test_a_vault_that_is_blocked_is_asked_once_for_a_run_over_many(vault_world: VaultWorld) -> None:
    """Five hundred items of it are no five hundred calls; whoever asks for a fresh answer gets one."""
    began = vault_world.clock()
    vault_world.clock.move(seconds=1)
    for _ in range(3):
        with pytest.raises(Forbidden):
            await vault_world.vaults.jobs(DENIED, began - MINUTE, fresh_since=began)
    assert vault_world.reads("/backupJobs$") == 1
    with pytest.raises(Forbidden):
        await vault_world.jobs(vault=DENIED)
    assert vault_world.reads("/backupJobs$") == 2


# ---- items -------------------------------------------------------------------------------------------------


async def test_an_items_state_is_read_with_its_error_code(vault_world: VaultWorld) -> None:
    """The string code stands on the item's KPI and nowhere else."""
    good = await vault_world.vaults.item(VM)
    assert good is not None
    assert (good.protection_state, good.kpi_title, good.deleted) == ("Protected", "", False)
    assert good.last_recovery_point == vault_world.clock() - timedelta(days=1)
    vault_world.run()
    vault_world.clock.move(minutes=2)
    bad = await vault_world.vaults.item(VM)
    assert bad is not None
    assert bad.kpi_title == "UserErrorVmProvisioningStateFailed"


async def test_a_stopped_item_says_so(vault_world: VaultWorld) -> None:
    """Its state is the vault's own word."""
    state = await vault_world.vaults.item(vm_item("vm-21", STOPPED))
    assert state is not None
    assert state.protection_state == "ProtectionStopped"


async def test_an_item_that_is_gone_is_none(vault_world: VaultWorld) -> None:
    """The vault itself says 404."""
    assert await vault_world.vaults.item(vm_item("vm-99")) is None


@pytest.mark.parametrize(
    "vault",
    [
        Vault(subscription=VAULT.subscription, resource_group="rg-backup", name="no-such-vault"),
        Vault(
            subscription="aaaaaaaa-0000-0000-0000-00000000000f", resource_group="rg-backup", name="vault-1"
        ),
    ],
    ids=["vault", "subscription"],
)
async def test_a_missing_vault_is_no_missing_item(vault_world: VaultWorld, vault: Vault) -> None:
    """A 404 from above the item is an error, not the answer None."""
    with pytest.raises(NotFound):
        await vault_world.vaults.item(vm_item("vm-01", vault))


async def test_an_item_that_the_vault_answers_404_for_and_lists_is_not_gone(vault_world: VaultWorld) -> None:
    """One of the two answers is wrong, and nothing may end on it."""
    vault_world.arm("server_error", "GET .*protectedItems/", status=404)
    with pytest.raises(NotFound) as caught:
        await vault_world.vaults.item(VM)
    assert caught.value.is_the_vaults_word


async def test_a_bad_request_is_no_missing_item(vault_world: VaultWorld) -> None:
    """One api-version answered 400 for items that existed."""
    vault_world.arm("server_error", "GET .*protectedItems", status=400)
    with pytest.raises(AzureRefused) as caught:
        await vault_world.vaults.item(VM)
    assert (type(caught.value), caught.value.status) == (AzureRefused, 400)


async def test_the_third_item_of_a_vault_is_read_with_all_others(vault_world: VaultWorld) -> None:
    """Two single reads, then one list for as many as come within a minute."""
    names = [f"vm-{number:02}" for number in range(1, 31)]
    vault_world.server.simulator.reset(ESTATE | {"vaults": [vault_estate(VAULT, *names)], "settings": {}})
    states = [await vault_world.vaults.item(vm_item(name)) for name in names]
    assert {each.protection_state for each in states if each} == {"Protected"}
    assert None not in states
    assert (vault_world.reads("/protectedItems/"), vault_world.reads("/backupProtectedItems")) == (2, 1)
    vault_world.clock.move(minutes=1)
    await vault_world.vaults.item(vm_item("vm-01"))
    assert vault_world.reads("/protectedItems/") == 3


async def test_what_the_list_does_not_show_is_asked_for_by_itself(vault_world: VaultWorld) -> None:
    """The vault's own 404 says that it is gone, as before."""
    names = ("vm-01", "vm-02", "vm-99", "vm-98")
    states = [await vault_world.vaults.item(vm_item(name)) for name in names]
    assert [state is None for state in states] == [False, False, True, True]


async def test_whoever_may_not_list_may_still_read(vault_world: VaultWorld) -> None:
    """A list that is refused is not asked for again within the minute."""
    names = ("vm-01", "vm-02", "vm-03")
    vault_world.server.simulator.reset(ESTATE | {"vaults": [vault_estate(VAULT, *names)]})
    vault_world.arm("forbid", "GET .*backupProtectedItems")
    states = [await vault_world.vaults.item(vm_item(name)) for name in (*names, "vm-01")]
    assert None not in states
    assert vault_world.reads("/backupProtectedItems") == 1


# ---- reads that do not work at first -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        {"name": "server_error", "status": 503},
        {"name": "drop_answer"},
        {"name": "drop_request"},
        {"name": "throttle", "retry_after": 0},
    ],
    ids=lambda fault: str(fault["name"]),
)
async def test_reads_are_repeated_by_the_sdk(vault_world: VaultWorld, fault: dict[str, Any]) -> None:
    """One bad answer goes unnoticed."""
    job_id = vault_world.run()
    vault_world.server.faults.arm([{**fault, "match": "GET .*backupJobs/", "count": 1}])
    assert (await vault_world.vaults.job(VAULT, job_id)).id == job_id
    assert vault_world.reads("/backupJobs/") == 2


async def test_an_expired_token_is_unavailable(vault_world: VaultWorld) -> None:
    """Asking again with a new token helps, so it is no refusal."""
    vault_world.arm("expire_token")
    with pytest.raises(AzureUnavailable):
        await vault_world.vaults.job(VAULT, str(uuid4()))


async def test_half_a_character_in_a_jobs_error_is_made_whole(vault_world: VaultWorld) -> None:
    """In the list and in the job: a text that was cut in the middle of an emoji cannot be logged or stored."""
    cut = replace(FAILED, error=error_titled("Cut \ud83d"))
    job_id = vault_world.run("vm-02", cut)
    vault_world.clock.move(minutes=2)

    listed = [job for job in (await vault_world.jobs(10 * MINUTE)).jobs if job.id == job_id]
    for job in [*listed, await vault_world.vaults.job(VAULT, job_id)]:
        assert job.error is not None
        assert (job.error.title, job.error.message) == ("Cut \ufffd", "The backup failed with Cut \ufffd.")
    assert len(listed) == 1
