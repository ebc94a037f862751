"""What the simulated Resource Graph shows of Backup vaults."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.mgmt.resourcegraph.models import QueryRequest

from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from tests.data_protection_world import World, running


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as each:
        yield each


async def query(world: World, text: str) -> list[Any]:
    """The rows that Resource Graph finds."""
    answer = await world.simulated.graph.resources(QueryRequest(query=text))
    return list(answer.data)


async def test_resource_graph_finds_the_failed_jobs(world: World) -> None:
    """Rows carry what the list has, and the details; the flag of a person's job compares with text."""
    failure = Outcome(status=JobStatus.FAILED, seconds=0, error=error_titled("CloudInternalError"))
    name = world.simulated.run("disk-2", failure)
    world.simulated.run("disk-1", Outcome(seconds=0))
    [row] = await query(
        world,
        """RecoveryServicesResources
        | where type =~ 'microsoft.dataprotection/backupvaults/backupjobs'
        | where properties.status == 'Failed' and properties.operationCategory == 'Backup'
        | where properties.isUserTriggered == 'false'
        | project id, name, item = properties.backupInstanceId, workload = properties.dataSourceType,
          code = properties.errorDetails[0].code, tag = properties.extendedInfo.additionalDetails.RetentionTag""",
    )
    item = world.item("disk-2")
    assert row == {
        "id": f"{item.vault.id}/backupJobs/{name}",
        "name": name,
        "item": item.id,
        "workload": "Microsoft.Compute/disks",
        "code": "CloudInternalError",
        "tag": "Default",
    }


async def test_resource_graph_finds_instances_by_what_they_protect(world: World) -> None:
    """Their rows show the last recovery point, which the vault itself does not."""
    item = world.item("disk-2")
    [row] = await query(
        world,
        f"""RecoveryServicesResources
        | where type =~ 'microsoft.dataprotection/backupvaults/backupinstances'
        | where properties.dataSourceInfo.resourceID =~ '{item.source_resource_id}'
        | project id, state = properties.currentProtectionState,
          latest = properties.backupInstanceExtendedProperties.recoveryPointInfo.latestRecoveryPointInPrimaryRegion""",
    )
    assert row["id"] == item.id
    assert (row["state"], row["latest"]) == ("ProtectionConfigured", "2026-11-21T14:00:00.0000000Z")


async def test_resource_graph_shows_vaults_and_what_they_protect(world: World) -> None:
    """The vault's id is cased otherwise than in its own replies; tags are those of the disk."""
    vaults = await query(
        world, "Resources | where type =~ 'microsoft.dataprotection/backupvaults' | project id, name"
    )
    tags = await query(
        world, "Resources | where type == 'microsoft.compute/disks' and name == 'disk-2' | project tags"
    )
    assert [each["id"] for each in vaults] == [
        world.item("disk-1").vault.id.replace("backupVaults", "BackupVaults")
    ]
    assert tags == [{"tags": {"team": "blue"}}]
