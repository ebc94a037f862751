"""Shares, databases and agents in the simulated vaults, reached through Microsoft's SDKs over TLS."""

import uuid
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.recoveryservicesbackup.models import (
    AzureFileShareBackupRequest,
    AzureWorkloadBackupRequest,
    BackupRequest,
    BackupRequestResource,
    IaasVMBackupRequest,
)
from azure.mgmt.resourcegraph.models import QueryRequest

from simulator.estate.inventory import Item
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from tests.simulated import SUBSCRIPTION, Simulated, refusal, simulated

ESTATE = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-backup",
            "name": "vault-1",
            "items": [
                {"vm": "vm-01"},
                {"workload": "AzureFileShare", "name": "finance", "account": "stfinance", "tags": {"a": "1"}},
                {"workload": "AzureFileShare", "name": "legal", "account": "stfinance", "hashed_name": True},
                {
                    "workload": "SQLDataBase",
                    "name": "orders",
                    "server": "sql-vm-1",
                    "instance": "MSSQLSERVER",
                },
                {"workload": "SQLDataBase", "name": "stock", "server": "sql-vm-1", "instance": "MSSQLSERVER"},
                {"workload": "SAPHanaDatabase", "name": "HXE", "server": "hana-vm-1", "instance": "HXE"},
                {"workload": "SAPHanaDBInstance", "name": "HX2", "server": "hana-vm-1"},
                {"workload": "MAB", "name": "C:\\", "server": "FILESRV1"},
                {"workload": "DPM", "name": "mailbox", "server": "DPM1"},
            ],
        },
    ],
    "settings": {"backup_seconds": 60, "operation_seconds": 1},
}
VAULT = ("vault-1", "rg-backup")
SHARE = AzureFileShareBackupRequest()


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, ESTATE) as running:
        yield running


def item_of(world: Simulated, name: str) -> Item:
    item = world.server.azure.find_item(name)
    assert item is not None
    return item


async def trigger(world: Simulated, name: str, request: BackupRequest, request_id: str | None = None) -> None:
    """Ask for a backup of an item."""
    item = item_of(world, name)
    container = item.container_id.rpartition("/")[2]
    await world.backup.backups.trigger(
        *VAULT,
        "Azure",
        container,
        item.name,
        BackupRequestResource(properties=request),
        **({"request_id": request_id} if request_id else {}),
    )


def database(kind: str, **options: Any) -> AzureWorkloadBackupRequest:
    return AzureWorkloadBackupRequest(backup_type=kind, **options)


async def jobs(world: Simulated, text: str = "") -> list[Any]:
    """The properties of the vault's jobs, newest first."""
    found = [job.properties async for job in world.backup.backup_jobs.list(*VAULT, filter=text)]
    return [job for job in found if job is not None]


@pytest.mark.parametrize(
    ("name", "request_body", "job_type", "operation"),
    [
        ("finance", SHARE, "AzureStorageJob", "Backup"),
        ("legal", SHARE, "AzureStorageJob", "Backup"),
        ("orders", database("Full"), "AzureWorkloadJob", "Backup (Full)"),
        ("orders", database("Differential"), "AzureWorkloadJob", "Backup (Differential)"),
        ("HXE", database("Incremental"), "AzureWorkloadJob", "Backup (Incremental)"),
        ("HX2", database("SnapshotFull"), "AzureWorkloadJob", "Backup (SnapshotFull)"),
    ],
)
async def test_a_trigger_starts_a_job_of_that_kind(
    world: Simulated, name: str, request_body: BackupRequest, job_type: str, operation: str
) -> None:
    """With the caller's request id for its activityId; the item follows."""
    attempt = str(uuid.uuid4())
    await trigger(world, name, request_body, attempt)
    world.clock.move(seconds=61)
    [job] = await jobs(world)
    assert (job.job_type, job.operation, job.status) == (job_type, operation, "Completed")
    # Jobs of shares say that nobody started them, whoever did.
    assert (job.activity_id, job["isUserTriggered"]) == (attempt, request_body is not SHARE)
    item = item_of(world, name)
    shown: Any = (
        await world.backup.protected_items.get(
            *VAULT, "Azure", item.container_id.rpartition("/")[2].lower(), item.name.upper()
        )
    ).properties
    assert datetime.fromisoformat(shown["lastBackupTime"]) == job.start_time


@pytest.mark.parametrize(
    ("name", "request_body"),
    [
        pytest.param("finance", IaasVMBackupRequest(), id="a-vms-request-for-a-share"),
        pytest.param("vm-01", SHARE, id="a-shares-request-for-a-vm"),
        pytest.param("orders", SHARE, id="a-shares-request-for-a-database"),
        pytest.param("orders", AzureWorkloadBackupRequest(), id="no-kind"),
        pytest.param("orders", database("Incremental"), id="a-kind-that-sql-has-not"),
        pytest.param("HX2", database("Full"), id="a-kind-that-instances-have-not"),
        pytest.param("C:\\", IaasVMBackupRequest(), id="an-agent-backs-up-by-itself"),
        pytest.param("mailbox", IaasVMBackupRequest(), id="so-does-a-dpm-server"),
    ],
)
async def test_what_is_no_request_for_that_workload_is_refused(
    world: Simulated, name: str, request_body: BackupRequest
) -> None:
    """400, and no job appears."""
    with pytest.raises(HttpResponseError) as caught:
        await trigger(world, name, request_body)
    assert refusal(caught.value) == (400, "BMSUserErrorInvalidInput")
    assert world.server.azure.jobs == []


@pytest.mark.parametrize(("days", "refused"), [(44, True), (46, False)])
async def test_a_full_backup_of_a_sql_database_is_kept_for_45_days(
    world: Simulated, days: int, refused: bool
) -> None:
    """A request for less is 400."""
    request = database("Full", recovery_point_expiry_time_in_utc=world.clock() + timedelta(days=days))
    if refused:
        with pytest.raises(HttpResponseError) as caught:
            await trigger(world, "orders", request)
        assert refusal(caught.value) == (400, "BMSUserErrorInvalidInput")
    else:
        await trigger(world, "orders", request)
    assert len(world.server.azure.jobs) == (0 if refused else 1)


@pytest.mark.parametrize(
    ("name", "request_body", "title", "seconds"),
    [
        ("finance", SHARE, "ParallelSnapshotRequest", 1),
        ("orders", database("Full"), "OperationCancelledBecauseConflictingOperationRunningUserError", 193),
        ("HXE", database("Full"), "OperationCancelledBecauseConflictingOperationRunningUserError", 1),
    ],
)
async def test_a_backup_that_runs_into_another_fails_with_the_workloads_own_error(
    world: Simulated, name: str, request_body: BackupRequest, title: str, seconds: int
) -> None:
    """It is accepted, fails a second later, of SQL after some minutes, and there is no alert."""
    running = world.run(name)
    await trigger(world, name, request_body)
    world.clock.move(seconds=seconds)
    failed = [job for job in world.server.simulator.advance().jobs if job.status is JobStatus.FAILED]
    assert [job.error.title if job.error else "" for job in failed] == [title]
    assert failed[0].name != running
    await world.server.monitor.idle()
    assert world.server.monitor.record()["alerts"] == []


@pytest.mark.parametrize(
    ("management_type", "entities"),
    [
        ("AzureIaasVM", ["vm-01"]),
        ("AzureStorage", ["finance"]),
        ("AzureWorkload", ["HXE [hana-vm-1]", "orders [sql-vm-1]"]),
        ("MAB", ["C:\\"]),
        ("DPM", ["mailbox"]),
        ("AzureSql", []),
    ],
)
async def test_jobs_are_chosen_by_their_management_type(
    world: Simulated, management_type: str, entities: list[str]
) -> None:
    """And by `Backup`, whatever the kind."""
    for name in ("vm-01", "finance", "orders", "HXE", "C:\\", "mailbox"):
        world.run(name, Outcome(seconds=0))
    text = f"backupManagementType eq '{management_type}' and operation eq 'Backup'"
    assert sorted(job.entity_friendly_name for job in await jobs(world, text)) == entities


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("backupManagementType eq 'AzureStorage' and itemType eq 'AzureFileShare'", ["finance", "legal"]),
        ("backupManagementType eq 'AzureWorkload' and itemType eq 'SQLDataBase'", ["orders", "stock"]),
        ("backupManagementType eq 'AzureWorkload' and itemType eq 'SAPHanaDatabase'", ["hxe"]),
        ("backupManagementType eq 'AzureWorkload'", ["HX2", "hxe", "orders", "stock"]),
        ("backupManagementType eq 'MAB'", ["C:\\"]),
    ],
)
async def test_items_are_chosen_by_management_and_item_type(
    world: Simulated, text: str, names: list[str]
) -> None:
    """As the az CLI and PowerShell ask for them."""
    listed: list[Any] = [item async for item in world.backup.backup_protected_items.list(*VAULT, filter=text)]
    assert sorted(item.properties["friendlyName"] for item in listed) == names


async def test_databases_of_a_machine_share_its_container(world: Simulated) -> None:
    """As shares do that of their account."""
    found = {}
    for kind in ("AzureWorkload", "AzureStorage"):
        listed = world.backup.backup_protection_containers.list(
            *VAULT, filter=f"backupManagementType eq '{kind}'"
        )
        found[kind] = [each.properties.friendly_name async for each in listed if each.properties]
    assert found == {"AzureWorkload": ["sql-vm-1", "hana-vm-1"], "AzureStorage": ["stfinance"]}


async def test_a_policy_for_databases_has_a_schedule_for_each_kind(world: Simulated) -> None:
    """Full daily, Log by the hour; the time zone stands in its settings."""
    policy: Any = (await world.backup.protection_policies.get(*VAULT, "HourlyLogBackup")).properties
    kinds = [each.policy_type for each in policy.sub_protection_policy]
    assert (kinds, policy.settings.time_zone) == (["Full", "Log"], "UTC")
    assert policy.sub_protection_policy[1].schedule_policy.schedule_frequency_in_mins == 60


@pytest.mark.parametrize("name", ["finance", "C:\\", "mailbox"])
async def test_some_jobs_cannot_be_cancelled(world: Simulated, name: str) -> None:
    """They have no actionsInfo that says so."""
    job = world.run(name)
    with pytest.raises(HttpResponseError) as caught:
        await world.backup.job_cancellations.trigger(*VAULT, job)
    assert caught.value.status_code == 400


async def test_the_failed_jobs_of_every_workload_are_read_by_the_sdk(world: Simulated) -> None:
    """Each has its class, and tells why as far as its kind does."""
    error = error_titled("SomethingHappened")
    for item in list(world.server.azure.items):
        world.run(item.id, Outcome(status=JobStatus.FAILED, seconds=0, error=error))
    listed = await jobs(world, "status eq 'Failed'")
    messages = {
        message
        for job in listed
        for message in (job.error_details[0].get("errorString"), job.error_details[0].get("errorTitle"))
    }
    assert len(listed) == len(list(world.server.azure.items))
    assert {job.job_type for job in listed} == {
        "AzureIaaSVMJob",
        "AzureStorageJob",
        "AzureWorkloadJob",
        "MabJob",
        "DpmJob",
    }
    assert messages == {error.message, error.title, None}


async def test_resource_graph_has_the_jobs_items_and_sources_of_every_workload(world: Simulated) -> None:
    """A source of several items stands there once, with the tags of all."""
    for item in list(world.server.azure.items):
        world.run(item.id, Outcome(status=JobStatus.FAILED, seconds=0))
    rows = await ask(
        world,
        "RecoveryServicesResources | where type =~ 'microsoft.recoveryservices/vaults/backupjobs' | project "
        "item = tostring(properties.backupInstanceId), operation = tostring(properties.operation), "
        "managed = tostring(properties.backupManagementType)",
    )
    assert {(row["item"], row["managed"]) for row in rows} == {
        (item.id, item.workload.management_type) for item in world.server.azure.items
    }
    assert {row["operation"] for row in rows} == {"Backup", "Backup (Full)", "Backup (SnapshotFull)"}
    sources = await ask(
        world, "Resources | where type !contains 'vaults' | project name, tag = tostring(tags.a)"
    )
    assert sorted((row["name"], row["tag"] or "") for row in sources) == [
        ("hana-vm-1", ""),
        ("sql-vm-1", ""),
        ("stfinance", "1"),
        ("vm-01", ""),
    ]


async def test_the_source_of_an_item_can_be_asked_for_its_tags(world: Simulated) -> None:
    """A storage account as well as a VM."""
    url = f"{world.server.arm_url}{item_of(world, 'finance').source_resource_id}?api-version=2024-01-01"
    async with world.http.get(url, headers=world.headers()) as answer:
        account = await answer.json()
    assert (account["type"], account["tags"]) == ("Microsoft.Storage/storageAccounts", {"a": "1"})


async def ask(world: Simulated, query: str) -> Any:
    """Run a query."""
    return (await world.graph.resources(QueryRequest(query=query))).data
