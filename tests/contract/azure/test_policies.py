"""An item's schedule and retention, read through the real SDK."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.azure.recovery_services_wire import read_policy
from tests.clock import Clock
from tests.vault_world import VM, VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_item_comes_with_its_policy(vault_world: VaultWorld) -> None:
    """The simulated DefaultPolicy runs daily at 22:00 UTC and keeps 30 days."""
    state = await vault_world.vaults.item(VM)
    assert state is not None
    assert state.policy is not None
    assert state.policy.next_run(datetime(2026, 11, 22, 14, 0, tzinfo=UTC)) == datetime(
        2026, 11, 22, 22, 0, tzinfo=UTC
    )
    assert state.policy.base_retention == timedelta(days=30)


async def test_a_policy_is_read_once_an_hour(vault_world: VaultWorld) -> None:
    """It is part of every decision and changes rarely."""
    clock = Clock()
    vaults = RecoveryServicesVaults(vault_world.clients, clock)
    for _ in range(3):
        await vaults.item(VM)
    assert vault_world.reads("/backupPolicies/") == 1
    clock.move(hours=1)
    await vaults.item(VM)
    assert vault_world.reads("/backupPolicies/") == 2


async def test_a_policy_that_cannot_be_read_keeps_nothing_back(vault_world: VaultWorld) -> None:
    """The item is known all the same; its schedule is not considered."""
    item = vault_world.server.azure.find_item("vm-01")
    assert item is not None
    item.vault.policies.clear()
    state = await vault_world.vaults.item(VM)
    assert state is not None
    assert (state.protection_state, state.policy) == ("Protected", None)


async def test_a_zone_that_nobody_knows_costs_the_schedule_and_is_logged(
    vault_world: VaultWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """The retention does not depend on it; whoever looks after the app finds the policy's name."""
    item = vault_world.server.azure.find_item("vm-01")
    assert item is not None
    item.vault.policies = [
        replace(policy, time_zone="Middle-earth Standard Time") for policy in item.vault.policies
    ]
    state = await vault_world.vaults.item(VM)
    assert state is not None
    assert state.policy is not None
    assert state.policy.next_run(datetime(2026, 11, 22, 14, 0, tzinfo=UTC)) is None
    assert state.policy.base_retention == timedelta(days=30)
    [line] = [each.getMessage() for each in caplog.records if "policy_unread" in each.getMessage()]
    assert "DefaultPolicy" in line
    assert "Middle-earth Standard Time" in line


async def test_a_vaults_policies_are_read_together_once_an_hour(vault_world: VaultWorld) -> None:
    """One list for all items of a vault, however many they are."""
    clock = Clock()
    vaults = RecoveryServicesVaults(vault_world.clients, clock)
    for _ in range(2):
        found = await vaults.policies(VM.vault)
    assert found["defaultpolicy"].base_retention == timedelta(days=30)
    assert vault_world.reads("/backupPolicies") == 1


async def test_a_schedule_that_never_moves_on_is_a_problem_of_its_policy() -> None:
    """Nobody asks for its runs in vain: there would be no end of them."""
    hourly = {"interval": 0, "scheduleWindowStartTime": "2026-01-01T08:00:00Z", "scheduleWindowDuration": 12}
    schedule = {"scheduleRunFrequency": "Hourly", "hourlySchedule": hourly}
    policy = read_policy({"schedulePolicy": schedule})
    assert "never advances" in policy.problem
    assert policy.schedules == {}
