"""The simulated Backup vaults, reached as the app reaches them: through Microsoft's SDK over TLS."""

import base64
import io
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import DefaultAzureCredential
from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient
from azure.mgmt.dataprotection.models import (
    AdHocBackupRuleOptions,
    AdhocBackupTriggerOption,
    TriggerBackupRequest,
)
from azure.mgmt.resourcegraph.models import QueryRequest

from simulator.estate.inventory import Item
from simulator.estate.outcomes import JobError, JobStatus, Outcome, error_titled
from tests.simulated import ARM_SCOPE, SUBSCRIPTION, Simulated, refusal, simulated

BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
ESTATE: Mapping[str, Any] = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {
            "kind": "backup",
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "bv-1",
            "policies": [
                {
                    "name": "Hourly",
                    "backup_rule": "BackupHourly",
                    "period": "PT4H",
                    "retention_tag": "Weekly",
                },
                {"name": "Continuous", "workload": BLOBS, "backup_rule": None},
            ],
            "items": [
                {"workload": "Microsoft.Compute/disks", "name": "disk-1", "policy": "Hourly"},
                {"workload": "Microsoft.Compute/disks", "name": "disk-2", "tags": {"team": "blue"}},
                {"workload": BLOBS, "name": "stlogs", "policy": "Continuous"},
                {"workload": BLOBS, "name": "stvault"},
                {"workload": "Microsoft.ContainerService/managedClusters", "name": "aks-1"},
                {"workload": "Microsoft.DBforPostgreSQL/flexibleServers", "name": "pg-1"},
                {
                    "workload": "Microsoft.DBforMySQL/flexibleServers",
                    "name": "my-1",
                    "protection_state": "ProtectionStopped",
                },
                {"workload": "Microsoft.Compute/disks", "name": "gone", "protection_state": "SoftDeleted"},
            ],
        },
        {"kind": "backup", "subscription": SUBSCRIPTION, "resource_group": "rg-Backup", "name": "bv-9"},
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "bv-1",
            "items": [{"vm": "vm-01"}],
        },
    ],
    "denied_vaults": ["bv-9"],
    "settings": {"backup_seconds": 60, "operation_seconds": 1, "page_size": 3},
}
VAULT = ("rg-backup", "bv-1")


@dataclass(frozen=True)
class World:
    """The simulator with a client of Backup vaults."""

    simulated: Simulated
    client: DataProtectionMgmtClient

    def item(self, name: str) -> Item:
        """What bears the name."""
        item = self.simulated.server.azure.find_item(name)
        assert item is not None
        return item

    async def trigger(
        self, name: str, rule: str, tag: str | None = None, request_id: str | None = None
    ) -> Mapping[str, str]:
        """Trigger an on-demand backup; the result is the answer's headers."""
        options = AdHocBackupRuleOptions(
            rule_name=rule, trigger_option=AdhocBackupTriggerOption(retention_tag_override=tag)
        )
        poller: Any = await self.client.backup_instances.begin_adhoc_backup(
            *VAULT,
            self.item(name).name,
            TriggerBackupRequest(backup_rule_options=options),
            polling=False,
            **({"request_id": request_id} if request_id else {}),
        )
        return dict(poller.polling_method()._initial_response.http_response.headers)

    async def jobs(self) -> list[Any]:
        """The vault's jobs' properties as the list has them."""
        return [job.properties async for job in self.client.jobs.list(*VAULT)]

    async def job(self, name: str) -> Any:
        """A job's properties in detail."""
        return (await self.client.jobs.get(*VAULT, name)).properties

    async def read(self, url: str) -> tuple[int, Any, Mapping[str, str]]:
        """GET a URL of the service as it was given: status, body, headers."""
        simulated = self.simulated
        async with simulated.http.get(url, headers=simulated.headers()) as answer:
            return answer.status, await answer.json() if answer.content_length else None, answer.headers


@asynccontextmanager
async def running(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    notices: Sequence[str] = ("built_in",),
    **settings: Any,
) -> AsyncIterator[World]:
    """A world with these notices, whose settings differ so from the estate's."""
    estate = {**ESTATE, "notices": list(notices), "settings": {**ESTATE["settings"], **settings}}
    async with (
        simulated(directory, monkeypatch, estate) as server,
        DefaultAzureCredential() as credential,
        DataProtectionMgmtClient(
            credential,
            SUBSCRIPTION,
            base_url=server.server.arm_url,
            credential_scopes=[ARM_SCOPE],
            connection_verify=str(server.server.certificates.ca_file),
            retry_total=0,
            polling_interval=0,
        ) as client,
    ):
        yield World(server, client)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with running(tmp_path, monkeypatch) as each:
        yield each


async def test_jobs_are_listed_oldest_first_over_all_pages(world: World) -> None:
    """The other way round than in Recovery Services vaults."""
    ages = (5, 4, 3, 2, 1, 0, 6)
    names = [
        (age, world.simulated.run("disk-1", Outcome(seconds=0), age=timedelta(hours=age))) for age in ages
    ]
    listed = [job.name async for job in world.client.jobs.list(*VAULT)]
    assert listed == [name for _, name in sorted(names, reverse=True)]


async def test_the_last_page_has_a_next_link_that_is_null(world: World) -> None:
    """And the duration of a listed job is a time span, without details."""
    world.simulated.run("disk-1", Outcome(seconds=2.5), age=timedelta(minutes=1))
    vault = world.item("disk-1").vault
    url = f"{world.simulated.server.arm_url}{vault.id}/backupJobs?api-version=2025-07-01"
    _, body, _ = await world.read(url)
    job = body["value"][0]["properties"]
    assert body["nextLink"] is None
    assert (job["duration"], job["extendedInfo"], job["errorDetails"]) == ("00:00:02.5000000", None, None)


async def test_a_failed_job_says_whether_a_retry_can_help(world: World) -> None:
    """The code is text; isUserError is false even for a user's error, as in real replies."""
    error = JobError(code=1, title="UserErrorMade", message="No.", recommendations=("Yes.",), retryable=True)
    name = world.simulated.run(
        "pg-1",
        Outcome(status=JobStatus.FAILED, seconds=30, error=error),
        age=timedelta(minutes=1),
    )
    job = await world.job(name)
    [detail] = job.error_details
    assert (detail.code, detail.message, detail.recommended_action) == ("UserErrorMade", "No.", ["Yes."])
    assert (detail.is_retryable, detail.is_user_error) == (True, False)
    assert (job.status, job.duration, job.operation_category) == ("Failed", "PT30S", "Backup")


@pytest.mark.parametrize(
    ("item", "details"),
    [
        ("pg-1", {"PolicyRuleName": "BackupDaily", "RetentionTag": "Default"}),
        ("disk-1", {"RetentionTag": "Weekly"}),
    ],
)
async def test_a_jobs_details_name_the_retention_tag_and_sometimes_the_rule(
    world: World, item: str, details: dict[str, str]
) -> None:
    """Jobs of snapshots do not name the rule: it has to be read from the policy."""
    job = await world.job(world.simulated.run(item, Outcome(seconds=0)))
    assert job.extended_info.additional_details == details


async def test_a_running_job_shows_no_progress(world: World) -> None:
    """PT0S and no end for as long as it runs."""
    name = world.simulated.run("aks-1", Outcome())
    world.simulated.clock.move(seconds=30)
    job = await world.job(name)
    assert (job.status, job.duration, job.end_time) == ("InProgress", "PT0S", None)
    assert (job.supported_actions, job.destination_data_store_name) == ([""], None)
    assert (job.backup_instance_friendly_name, job.data_source_set_name) == ("aks-1/aks-1", "aks-1")


async def test_a_restore_is_a_job_of_another_category(world: World) -> None:
    """It shares the list with backups."""
    world.simulated.run("disk-1", Outcome(seconds=0), operation="Restore")
    [job] = await world.jobs()
    assert (job.operation_category, job.operation, job.destination_data_store_name) == (
        "Restore",
        "Restore",
        None,
    )


async def test_a_trigger_ends_in_a_job_with_the_tag_that_was_asked_for(world: World) -> None:
    """The operation is polled below the vault and its result below the location; both name the job's ARM id."""
    headers = await world.trigger("disk-1", "BackupHourly", "Monthly")
    status_url, result_url = headers["Azure-AsyncOperation"], headers["Location"]
    assert (await world.read(status_url))[1]["status"] == "InProgress"
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


async def test_instances_show_their_state_source_and_policy(world: World) -> None:
    """Soft-deleted ones are among them; none says how its last backup ended."""
    found: list[Any] = [each.properties async for each in world.client.backup_instances.list(*VAULT)]
    states = {each.friendly_name: each.current_protection_state for each in found}
    disk = next(each for each in found if each.friendly_name == "disk-1")
    assert (states["disk-2"], states["my-1"], states["gone"]) == (
        "ProtectionConfigured",
        "ProtectionStopped",
        "SoftDeleted",
    )
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


async def test_vaults_of_both_kinds_may_bear_one_name(world: World) -> None:
    """Neither shows what the other holds."""
    world.simulated.run("vm-01", Outcome(seconds=0))
    world.simulated.run("disk-1", Outcome(seconds=0))
    recovery = [job async for job in world.simulated.backup.backup_jobs.list("bv-1", "rg-backup")]
    assert (len(recovery), len(await world.jobs())) == (1, 1)
