"""The adapter of backup vaults: what is known of an instance and of its policy."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import (
    NotFound,
)
from simulator.server import RunningServer
from tests.backup_vaults_world import ESTATE, VAULT, World
from tests.clock import Clock

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(azure: tuple[RunningServer, Clock, AzureClients]) -> World:
    """The estate anew, with an adapter that has read nothing yet."""
    server, clock, clients = azure
    server.simulator.reset(ESTATE)
    return World(server, clock, clients, DataProtectionVaults(clients, clock))


# ---- items -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state", "deleted"),
    [
        ("disk-1", "ProtectionConfigured", False),
        ("disk-2", "ProtectionStopped", False),
        ("disk-3", "SoftDeleted", True),
    ],
)
async def test_an_instances_state_is_read(world: World, name: str, state: str, deleted: bool) -> None:
    """In the vault's own words, with the source that tags stand on."""
    read = await world.vaults.item(world.item(name))
    assert read is not None
    assert (read.protection_state, read.deleted) == (state, deleted)
    assert read.source_id.lower() == world.found(name).source_resource_id.lower()


async def test_an_instance_comes_with_its_policys_rules(world: World) -> None:
    """Every four hours, by a rule that a retry has to name; of its tags the default one."""
    read = await world.vaults.item(world.item())
    assert read is not None
    assert read.policy is not None
    assert read.policy.rules == {"BackupHourly": "Default"}
    run = read.policy.next_run(world.clock(), "BackupHourly")
    assert run is not None
    assert run - world.clock() <= timedelta(hours=4)
    assert read.policy.next_run(run, "BackupHourly") == run + timedelta(hours=4)


async def test_a_continuous_policy_has_no_rule(world: World) -> None:
    """Nothing can be triggered, which is something else than not known."""
    read = await world.vaults.item(world.item("stlogs"))
    assert read is not None
    assert read.policy is not None
    assert read.policy.rules == {}


async def test_a_policy_is_read_once_an_hour(world: World) -> None:
    """It is part of every decision and changes rarely."""
    clock = Clock()
    vaults = DataProtectionVaults(world.clients, clock)
    for _ in range(3):
        await vaults.item(world.item())
    assert world.reads("/backupPolicies/") == 1
    clock.move(hours=1)
    await vaults.item(world.item())
    assert world.reads("/backupPolicies/") == 2


async def test_a_policy_that_cannot_be_read_is_not_known(world: World) -> None:
    """The item is, all the same."""
    world.found("disk-1").vault.policies.clear()
    read = await world.vaults.item(world.item())
    assert read is not None
    assert (read.protection_state, read.policy) == ("ProtectionConfigured", None)


async def test_an_instance_that_is_gone_is_none(world: World) -> None:
    """The vault itself says 404."""
    assert await world.vaults.item(ProtectedItem(vault=VAULT, name="disk-99")) is None


async def test_a_missing_vault_is_no_missing_instance(world: World) -> None:
    """A 404 from above the instance is an error, not the answer None."""
    with pytest.raises(NotFound):
        await world.vaults.item(ProtectedItem(vault=replace(VAULT, name="no-such-vault"), name="disk-1"))
