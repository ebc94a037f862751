"""On-demand backups in the simulated Backup vaults: rules, tags, operations, refusals."""

import base64
import io
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from azure.core.exceptions import HttpResponseError
from azure.mgmt.dataprotection.models import (
    AdHocBackupRuleOptions,
    AdhocBackupTriggerOption,
    TriggerBackupRequest,
)

from simulator.estate.outcomes import Outcome
from tests.data_protection_world import VAULT, World, running
from tests.simulated import refusal


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as each:
        yield each


async def test_a_trigger_ends_in_a_job_with_the_tag_that_was_asked_for(world: World) -> None:
    """The operation is polled below the vault and its result below the location; both name the job's ARM id."""
    headers = await world.trigger("disk-1", "BackupHourly", "Monthly")
    status_url, result_url = headers["Azure-AsyncOperation"], headers["Location"]
    assert (await world.read(status_url))[1]["status"] == "Inprogress"
    assert (await world.read(result_url))[:2] == (202, None)
    world.simulated.clock.move(seconds=2)

    _, status, _ = await world.read(status_url)
    code, result, finished = await world.read(result_url)

    assert (status["status"], status["endTime"]) == ("Succeeded", "2026-11-22T14:00:01Z")
    assert status["properties"] == result
    assert (code, result["objectType"]) == (200, "OperationJobExtendedInfo")
    assert "/locations/westeurope/operationStatus/" in finished["Azure-AsyncOperation"]
    assert result["jobId"].startswith(f"{world.item('disk-1').vault.id}/backupJobs/")
    job = await world.job(result["jobId"].rpartition("/")[2])
    assert (job.is_user_triggered, job.status) == (True, "InProgress")
    assert job.extended_info.additional_details == {"RetentionTag": "Monthly"}


async def test_the_polling_urls_are_signed_and_must_come_back_unaltered(world: World) -> None:
    """The operation's name is base64 of two GUIDs, and stands bare in the path."""
    url = (await world.trigger("disk-1", "BackupHourly"))["Azure-AsyncOperation"]
    name = url.partition("/operationStatus/")[2].partition("?")[0]
    assert [str(uuid.UUID(each)) for each in base64.b64decode(name).decode().split(";")]
    assert name.endswith("==")
    assert (await world.read(url.replace("&s=", "&s=0")))[0] == 400


async def test_the_sdk_follows_the_operation_to_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its poller takes the status below the vault and the result below the location."""
    async with running(tmp_path, monkeypatch, operation_seconds=0) as world:
        poller = await world.client.backup_instances.begin_adhoc_backup(
            *VAULT,
            world.item("pg-1").name,
            TriggerBackupRequest(
                backup_rule_options=AdHocBackupRuleOptions(
                    rule_name="BackupDaily", trigger_option=AdhocBackupTriggerOption()
                )
            ),
        )
        result = await poller.result()
        [job] = [each async for each in world.client.jobs.list(*VAULT)]
    assert result.job_id == job.id
    assert job.properties is not None
    assert job.properties.is_user_triggered


@pytest.mark.parametrize("keeps", [False, True])
async def test_whether_a_job_keeps_the_callers_request_id_is_a_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, keeps: bool
) -> None:
    """It is kept in all recordings, of which there are none of blobs: the app has to work either way."""
    attempt = str(uuid.uuid4())
    async with running(tmp_path, monkeypatch, backup_vault_keeps_request_ids=keeps) as world:
        await world.trigger("disk-1", "BackupHourly", request_id=attempt)
        [job] = await world.jobs()
    assert (job.activity_id == attempt) is keeps


@pytest.mark.parametrize(
    ("item", "rule"), [("disk-1", "Default"), ("disk-1", "backuphourly"), ("stlogs", "BackupDaily")]
)
async def test_a_rule_that_makes_no_backups_is_refused(world: World, item: str, rule: str) -> None:
    """Such as a rule of retention; operational blobs have no backup rule at all."""
    with pytest.raises(HttpResponseError) as caught:
        await world.trigger(item, rule)
    assert refusal(caught.value) == (400, "BMSUserErrorInvalidInput")
    assert await world.jobs() == []


async def test_a_trigger_without_a_rule_is_refused(world: World) -> None:
    """The body of a Recovery Services vault says nothing here."""
    body = io.BytesIO(b'{"properties": {"objectType": "IaasVMBackupRequest"}}')
    with pytest.raises(HttpResponseError) as caught:
        await world.client.backup_instances.begin_adhoc_backup(*VAULT, world.item("disk-1").name, body)
    assert refusal(caught.value) == (400, "BMSUserErrorInvalidInput")


@pytest.mark.parametrize(("item", "rule"), [("my-1", "BackupDaily"), ("gone", "BackupDaily")])
async def test_an_instance_that_is_not_protected_is_not_backed_up(world: World, item: str, rule: str) -> None:
    """Its state says why."""
    with pytest.raises(HttpResponseError) as caught:
        await world.trigger(item, rule)
    assert refusal(caught.value) == (400, "BMSUserErrorItemNotProtected")


@pytest.mark.parametrize(
    ("item", "rule", "code"),
    [
        ("disk-1", "BackupHourly", "UserErrorMaxConcurrentOperationLimitReached"),
        ("pg-1", "BackupDaily", "UserErrorBackupOperationInProgress"),
    ],
)
async def test_a_trigger_while_a_backup_runs_is_accepted_and_fails_a_second_later(
    world: World, item: str, rule: str, code: str
) -> None:
    """Each workload has its own word for it."""
    world.simulated.run(item, Outcome())
    await world.trigger(item, rule)
    world.simulated.clock.move(seconds=2)
    failed = [job for job in await world.jobs() if job.status == "Failed"]
    assert [job.error_details[0].code for job in failed] == [code]


async def test_a_refused_trigger_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the activity log and by Event Grid, which spell the item as the caller did and name the caller's id."""
    notices = ["activity", "resource_action_failure"]
    async with running(tmp_path, monkeypatch, notices, delivery_pace=0) as world:
        item, monitor = world.item("disk-1"), world.simulated.server.monitor
        with pytest.raises(HttpResponseError):
            await world.trigger("disk-1", "Default", request_id="attempt")
        await world.trigger("disk-1", "BackupHourly")
        await monitor.idle()
        [alert] = monitor.record()["alerts"]
        [record] = world.simulated.server.event_grid.record()["events"]
    called = item.id.replace("/rg-Backup/", "/rg-backup/")
    assert (alert["notice"], alert["item"], alert["job"]) == ("activity", called, None)
    assert record["event"]["subject"] == called
    assert record["event"]["data"]["httpRequest"]["clientRequestId"] == "attempt"
