"""The simulated Recovery Services vaults, reached as the app reaches them: through Microsoft's SDK over TLS."""

import io
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from simulator.arm.wire import brief_instant
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from tests.simulated import SUBSCRIPTION, Simulated, item_path, refusal, simulated

ESTATE = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "vault-1",
            "items": [
                {"vm": "vm-01", "resource_group": "rg-App"},
                {
                    "vm": "vm-02",
                    "resource_group": "rg-App",
                    "next_outcomes": [{"status": "Failed", "error": "SnapshotTimedOut", "seconds": 60}],
                },
                {"vm": "vm-new", "resource_group": "rg-App", "protection_state": "IRPending"},
                {"vm": "vm-stopped", "resource_group": "rg-App", "protection_state": "ProtectionStopped"},
            ],
        },
        {"subscription": SUBSCRIPTION, "resource_group": "rg-Backup", "name": "vault-9"},
    ],
    "denied_vaults": ["vault-9"],
    "settings": {"backup_seconds": 60, "operation_seconds": 1, "page_size": 3},
}
VAULT = ("vault-1", "rg-backup")


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, ESTATE) as running:
        yield running


async def test_jobs_are_listed_newest_first_over_all_pages(world: Simulated) -> None:
    """The list pages by nextLink, and the last page has none."""
    ages = (5, 4, 3, 2, 1, 0, 6)
    names = [(age, world.run("vm-01", Outcome(seconds=0), age=timedelta(hours=age))) for age in ages]
    listed = [job.name async for job in world.backup.backup_jobs.list(*VAULT)]
    assert listed == [name for _, name in sorted(names)]


async def test_the_filter_chooses_by_status_operation_and_start(world: Simulated) -> None:
    """All documented clauses are joined by `and`."""
    failure = Outcome(status=JobStatus.FAILED, seconds=0)
    wanted = world.run("vm-01", failure, age=timedelta(hours=1))
    world.run("vm-01", failure, age=timedelta(hours=30))
    world.run("vm-01", failure, age=timedelta(hours=1), operation="Restore")
    world.run("vm-02", Outcome(seconds=0), age=timedelta(hours=1))
    text = (
        "operation eq 'Backup' and status eq 'Failed' and backupManagementType eq 'AzureIaasVM' "
        "and startTime eq '2026-11-21 02:00:00 PM' and endTime eq '2026-11-22 02:00:00 PM'"
    )
    assert [job.name async for job in world.backup.backup_jobs.list(*VAULT, filter=text)] == [wanted]


@pytest.mark.parametrize(
    "text", ["status ne 'Failed'", "item eq 'vm'", "startTime eq '2026-11-21T14:00:00Z'"]
)
async def test_a_filter_that_is_not_understood_is_refused(world: Simulated, text: str) -> None:
    """It is 400, never a list that was not filtered."""
    with pytest.raises(HttpResponseError) as caught:
        [job async for job in world.backup.backup_jobs.list(*VAULT, filter=text)]
    assert refusal(caught.value) == (400, "BMSUserErrorInvalidInput")


async def test_a_failed_job_shows_its_error_and_its_tasks(world: Simulated) -> None:
    """The detail form has what the list form has, and tasks."""
    error = error_titled("VMCreationTimeOutStorageErrorV2")
    name = world.run(
        "vm-01", Outcome(status=JobStatus.FAILED, seconds=30, error=error), age=timedelta(minutes=1)
    )
    job: Any = (await world.backup.job_details.get(*VAULT, name)).properties
    detail = job.error_details[0]
    assert (job.status, job.operation, job.entity_friendly_name) == ("Failed", "Backup", "vm-01")
    assert (detail.error_code, detail.error_title) == (400199, "VMCreationTimeOutStorageErrorV2")
    assert job.duration == timedelta(seconds=30)
    assert job.end_time - job.start_time == timedelta(seconds=30)
    assert [task.task_id for task in job.extended_info.tasks_list] == [
        "Take Snapshot",
        "Transfer data to vault",
    ]


async def test_a_job_that_does_not_exist_is_404(world: Simulated) -> None:
    """The code is the service's own."""
    with pytest.raises(HttpResponseError) as caught:
        await world.backup.job_details.get(*VAULT, str(uuid.uuid4()))
    assert refusal(caught.value) == (404, "BMSUserErrorObjectNotFound")


async def test_a_trigger_starts_a_job_that_carries_the_callers_request_id(world: Simulated) -> None:
    """`activityId` is the x-ms-client-request-id; the operation gives the job's bare name."""
    attempt = str(uuid.uuid4())
    headers = await world.trigger("vm-01", attempt)
    operation = headers["Azure-AsyncOperation"].partition("/operationsStatus/")[2].partition("?")[0]
    assert (await world.backup.backup_operation_statuses.get(*VAULT, operation)).status == "InProgress"
    world.clock.move(seconds=2)
    status: Any = await world.backup.backup_operation_statuses.get(*VAULT, operation)
    job: Any = (await world.backup.job_details.get(*VAULT, status.properties.job_id)).properties
    assert (status.status, job.activity_id, job.status) == ("Succeeded", attempt, "InProgress")
    world.clock.move(seconds=60)
    job = (await world.backup.job_details.get(*VAULT, status.properties.job_id)).properties
    assert job.status == "Completed"


async def test_the_next_outcomes_of_an_item_are_used_up_one_by_one(world: Simulated) -> None:
    """After the last of them backups complete."""
    for _ in range(2):
        await world.trigger("vm-02")
        world.clock.move(seconds=61)
    jobs: list[Any] = [job.properties async for job in world.backup.backup_jobs.list(*VAULT)]
    assert [job.status for job in jobs] == ["Completed", "Failed"]
    assert jobs[1].error_details[0].error_title == "SnapshotTimedOut"


async def test_a_trigger_while_a_backup_runs_is_accepted_and_fails_a_second_later(world: Simulated) -> None:
    """The service does not answer 4xx; the second job fails with 400249."""
    running = world.run("vm-01", Outcome())
    await world.trigger("vm-01")
    world.clock.move(seconds=2)
    jobs: list[Any] = [
        job async for job in world.backup.backup_jobs.list(*VAULT, filter="status eq 'Failed'")
    ]
    assert [job.properties.error_details[0].error_code for job in jobs] == [400249]
    assert jobs[0].name != running


async def test_the_polling_urls_are_signed_and_must_come_back_unaltered(world: Simulated) -> None:
    """They hold a bare `;`; with another signature they are refused."""
    headers = await world.trigger("vm-01")
    url = headers["Location"]
    assert "/protectedItems/VM;iaasvmcontainerv2;rg-app;vm-01/operationResults/" in url
    async with world.http.get(url, headers=world.headers()) as pending:
        assert (pending.status, await pending.json()) == (202, {})
    async with world.http.get(url.replace("&s=", "&s=0"), headers=world.headers()) as altered:
        assert altered.status == 400
    world.clock.move(seconds=2)
    async with world.http.get(url, headers=world.headers()) as done:
        assert done.status == 204


async def test_a_trigger_for_what_is_not_a_vm_backup_is_refused(world: Simulated) -> None:
    """The body must be an IaasVMBackupRequest."""
    body = b'{"properties": {"objectType": "AzureFileShareBackupRequest"}}'
    with pytest.raises(HttpResponseError) as caught:
        await world.backup.backups.trigger(*VAULT, "Azure", *item_path("vm-01"), io.BytesIO(body))
    assert refusal(caught.value) == (400, "BMSUserErrorInvalidInput")


async def test_an_item_whose_protection_is_stopped_is_not_backed_up(world: Simulated) -> None:
    """The trigger is 400 and no job appears."""
    with pytest.raises(HttpResponseError) as caught:
        await world.trigger("vm-stopped")
    assert caught.value.status_code == 400
    assert world.server.azure.jobs == []


async def test_a_cancelled_job_ends_cancelled_without_an_error(world: Simulated) -> None:
    """It is Cancelling until the operation is done; the item then says that a person did it."""
    name = world.run("vm-01", Outcome())
    await world.backup.job_cancellations.trigger(*VAULT, name)
    cancelling: Any = (await world.backup.job_details.get(*VAULT, name)).properties
    world.clock.move(seconds=2)
    cancelled: Any = (await world.backup.job_details.get(*VAULT, name)).properties
    assert (cancelling.status, cancelled.status, cancelled.error_details) == ("Cancelling", "Cancelled", None)
    assert await _kpi_title(world, "vm-01") == "UserErrorJobSuccessfullyCancelled"
    with pytest.raises(HttpResponseError) as caught:
        await world.backup.job_cancellations.trigger(*VAULT, name)
    assert caught.value.status_code == 400


async def test_items_follow_their_jobs(world: Simulated) -> None:
    """Status, times, recovery point and the KPI's title change when a backup ends."""
    before = await _item(world, "vm-01")
    assert (before["lastBackupStatus"], before.get("kpisHealths")) == ("Completed", None)
    failure = Outcome(status=JobStatus.FAILED, seconds=0, error=error_titled("SnapshotTimedOut"))
    world.run("vm-01", failure)
    failed = await _item(world, "vm-01")
    assert (failed["lastBackupStatus"], failed["lastRecoveryPoint"]) == (
        "Failed",
        before["lastRecoveryPoint"],
    )
    assert failed["lastBackupTime"] == brief_instant(world.clock())
    assert await _kpi_title(world, "vm-01") == "SnapshotTimedOut"
    world.run("vm-01", Outcome(seconds=0))
    good = await _item(world, "vm-01")
    assert (good["lastBackupStatus"], good["lastRecoveryPoint"]) == (
        "Completed",
        brief_instant(world.clock()),
    )
    assert "kpisHealths" not in good


async def test_a_vm_that_was_never_backed_up_says_so_by_a_date_long_past(world: Simulated) -> None:
    """2001 is the service's word for never."""
    item = await _item(world, "vm-new")
    assert (item["protectionState"], item["lastBackupStatus"]) == ("IRPending", "")
    assert item["lastBackupTime"] == "2001-01-01T00:00:00Z"
    assert "lastRecoveryPoint" not in item


async def test_protected_items_are_listed_and_filtered(world: Simulated) -> None:
    """The list pages; the filter is the one that the az CLI and PowerShell send."""
    text = "backupManagementType eq 'AzureIaasVM' and itemType eq 'VM'"
    listed: list[Any] = [item async for item in world.backup.backup_protected_items.list(*VAULT, filter=text)]
    assert [item.properties["friendlyName"] for item in listed] == ["vm-01", "vm-02", "vm-new", "vm-stopped"]
    other = "backupManagementType eq 'AzureStorage'"
    assert [item async for item in world.backup.backup_protected_items.list(*VAULT, filter=other)] == []


async def test_an_item_that_does_not_exist_is_404(world: Simulated) -> None:
    """The code is the service's own."""
    with pytest.raises(HttpResponseError) as caught:
        await _item(world, "vm-77")
    assert refusal(caught.value) == (
        404,
        "BMSUserErrorDataSourceObjectNotFound",
    )


async def test_a_default_policy_always_exists(world: Simulated) -> None:
    """It is daily and keeps for thirty days."""
    policies: list[Any] = [policy async for policy in world.backup.backup_policies.list(*VAULT)]
    assert [policy.name for policy in policies] == ["DefaultPolicy"]
    assert policies[0].properties.retention_policy.daily_schedule.retention_duration.count == 30
    policy: Any = await world.backup.protection_policies.get(*VAULT, "defaultpolicy")
    assert policy.properties.schedule_policy.schedule_run_frequency == "Daily"


async def test_containers_are_listed_only_with_a_management_type(world: Simulated) -> None:
    """Without the filter the service answers 400."""
    text = "backupManagementType eq 'AzureIaasVM' and status eq 'Registered'"
    listed = [
        each.properties async for each in world.backup.backup_protection_containers.list(*VAULT, filter=text)
    ]
    assert len(listed) == 4
    with pytest.raises(HttpResponseError) as caught:
        [each async for each in world.backup.backup_protection_containers.list(*VAULT)]
    assert caught.value.status_code == 400


async def test_a_vault_without_a_role_is_403(world: Simulated) -> None:
    """The answer names the action that is missing."""
    with pytest.raises(HttpResponseError) as caught:
        [job async for job in world.backup.backup_jobs.list("vault-9", "rg-backup")]
    assert refusal(caught.value) == (403, "AuthorizationFailed")
    assert "Microsoft.RecoveryServices/vaults/backupJobs/read" in caught.value.message


async def test_a_vault_that_does_not_exist_is_404(world: Simulated) -> None:
    """Resource Manager answers, not the service."""
    with pytest.raises(HttpResponseError) as caught:
        [job async for job in world.backup.backup_jobs.list("vault-0", "rg-backup")]
    assert refusal(caught.value) == (404, "ResourceNotFound")


async def _item(world: Simulated, vm: str) -> Any:
    """The item's properties, by their names on the wire: the SDK knows no class for the type that VMs have."""
    return (await world.backup.protected_items.get(*VAULT, "Azure", *item_path(vm))).properties


async def _kpi_title(world: Simulated, vm: str) -> str:
    item = await _item(world, vm)
    title: str = item["kpisHealths"]["BackupOperationStatusKPI"]["resourceHealthDetails"][0]["title"]
    return title
