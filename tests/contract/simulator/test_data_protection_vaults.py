"""Instances, policies and rights of the simulated Backup vaults."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from simulator.estate.outcomes import Outcome
from tests.data_protection_world import VAULT, World, running
from tests.simulated import refusal


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as each:
        yield each


async def test_instances_show_their_state_source_and_policy(world: World) -> None:
    """Soft-deleted ones are in a list of their own; none says how its last backup ended."""
    found: list[Any] = [each.properties async for each in world.client.backup_instances.list(*VAULT)]
    deleted: list[Any] = [
        each.properties async for each in world.client.deleted_backup_instances.list(*VAULT)
    ]
    states = {each.friendly_name: each.current_protection_state for each in found}
    disk = next(each for each in found if each.friendly_name == "disk-1")
    assert (states["disk-2"], states["my-1"]) == ("ProtectionConfigured", "ProtectionStopped")
    assert [(each.friendly_name, each.current_protection_state) for each in deleted] == [
        ("gone", "SoftDeleted")
    ]
    assert "gone" not in states
    assert disk.data_source_info.resource_id == world.item("disk-1").source_resource_id
    assert disk.data_source_info.datasource_type == "Microsoft.Compute/disks"
    assert disk.policy_info.policy_id == f"{world.item('disk-1').vault.id}/backupPolicies/Hourly"
    assert disk.protection_status.status == "ProtectionConfigured"


async def test_policies_have_rules_of_backup_and_of_retention(world: World) -> None:
    """The schedule starts in the past and repeats by a period; a second tag has criteria of its own."""
    policy: Any = (await world.client.backup_policies.get(*VAULT, "hourly")).properties
    backup = next(rule for rule in policy.policy_rules if rule.object_type == "AzureBackupRule")
    retention = [rule.name for rule in policy.policy_rules if rule.object_type == "AzureRetentionRule"]
    assert (backup.name, policy.datasource_types) == ("BackupHourly", ["Microsoft.Compute/disks"])
    assert backup.trigger.schedule.repeating_time_intervals == ["R/2023-06-28T22:00:00+00:00/PT4H"]
    assert [(each.tag_info.tag_name, each.is_default) for each in backup.trigger.tagging_criteria] == [
        ("Default", True),
        ("Weekly", False),
    ]
    assert retention == ["Default", "Weekly"]


async def test_a_policy_of_operational_blobs_has_no_backup_rule(world: World) -> None:
    """There is nothing to trigger; a policy for blobs in a vault has two rules of retention with one name."""
    rules = {}
    for name in ("Continuous", "DailyBlobs"):
        policy: Any = (await world.client.backup_policies.get(*VAULT, name)).properties
        rules[name] = [(rule.object_type, rule.name) for rule in policy.policy_rules]
    retention = ("AzureRetentionRule", "Default")
    assert rules == {
        "Continuous": [retention],
        "DailyBlobs": [retention, retention, ("AzureBackupRule", "BackupDaily")],
    }


async def test_vaults_say_whether_they_raise_alerts(world: World) -> None:
    """Only Backup vaults are listed, and none that the caller has no role on."""
    found = [each async for each in world.client.backup_vaults.get_in_subscription()]
    vault: Any = (await world.client.backup_vaults.get(*VAULT)).properties
    settings = vault.monitoring_settings.azure_monitor_alert_settings
    assert [each.name for each in found] == ["bv-1"]
    assert settings.alerts_for_all_job_failures == "Enabled"


async def test_a_vault_without_a_role_is_403(world: World) -> None:
    """The answer names the action that is missing."""
    with pytest.raises(HttpResponseError) as caught:
        [job async for job in world.client.jobs.list("rg-backup", "bv-9")]
    assert refusal(caught.value) == (403, "AuthorizationFailed")
    assert "Microsoft.DataProtection/backupVaults/backupJobs/read" in caught.value.message


@pytest.mark.parametrize("what", ["jobs", "backup_instances", "backup_policies"])
async def test_what_does_not_exist_is_404(world: World, what: str) -> None:
    """In a vault that does."""
    with pytest.raises(HttpResponseError) as caught:
        await getattr(world.client, what).get(*VAULT, str(uuid.uuid4()))
    assert refusal(caught.value) == (404, "BMSUserErrorObjectNotFound")


@pytest.mark.parametrize(("vault", "actions"), [("bv-1", 7), ("bv-9", 0)])
async def test_permissions_name_what_the_role_allows(world: World, vault: str, actions: int) -> None:
    """Nothing on a denied vault."""
    place = f"{world.item('disk-1').vault.id.rpartition('/')[0]}/{vault}/providers/Microsoft.Authorization"
    url = f"{world.simulated.server.arm_url}{place}/permissions?api-version=2022-04-01"
    _, body, _ = await world.read(url)
    assert sum(len(role["actions"]) for role in body["value"]) == actions


async def test_vaults_of_both_kinds_may_bear_one_name(world: World) -> None:
    """Neither shows what the other holds."""
    world.simulated.run("vm-01", Outcome(seconds=0))
    world.simulated.run("disk-1", Outcome(seconds=0))
    recovery = [job async for job in world.simulated.backup.backup_jobs.list("bv-1", "rg-backup")]
    assert (len(recovery), len(await world.jobs())) == (1, 1)
