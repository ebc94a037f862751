"""Azure's other notices of a failure: metric, log search and activity log alerts, runbooks, resource events."""

import json
from typing import Any

import pytest

from simulator.arm import errors as arm_errors
from tests.monitor_world import SUBSCRIPTION, Scene, refused, scene

RECOVERY_ACTION = (
    "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/backup/action"
)
BACKUP_ACTION = "Microsoft.DataProtection/backupVaults/backupInstances/backup/action"


def dimensions(alert: Any) -> dict[str, str]:
    """The dimensions of an alert's one criterion."""
    [criterion] = alert["data"]["alertContext"]["condition"]["allOf"]
    return {each["name"]: each["value"] for each in criterion["dimensions"]}


@pytest.mark.parametrize(
    ("notice", "kind"),
    [
        ("metric", "SingleResourceMultipleMetricCriteria"),
        ("metric_multi", "MultipleResourceMultipleMetricCriteria"),
    ],
)
@pytest.mark.parametrize(
    ("item", "namespace"),
    [("vm-01", "Microsoft.RecoveryServices/vaults"), ("stlogs", "Microsoft.DataProtection/backupVaults")],
)
async def test_a_metric_alert_names_the_item_and_no_job(
    notice: str, kind: str, item: str, namespace: str
) -> None:
    """The vault is its target; a user's error is reported as degraded, not as unhealthy."""
    async with scene(notice) as stage:
        job = stage.job(item, "UserErrorVmProvisioningStateFailed")
        [received] = await stage.notices_of(job)
    data = received.content["data"]
    [criterion] = data["alertContext"]["condition"]["allOf"]
    assert (data["essentials"]["monitoringService"], data["alertContext"]["conditionType"]) == (
        "Platform",
        kind,
    )
    assert data["essentials"]["alertTargetIDs"] == [job.vault.id.lower()]
    assert (criterion["metricName"], criterion["metricNamespace"]) == ("BackupHealthEvent", namespace)
    assert dimensions(received.content) == {
        "backupInstanceUrl": job.item.id,
        "dataSourceURL": job.item.source_resource_id,
        "dataSourceType": job.item.workload.name,
        "backupInstanceName": item,
        "healthStatus": "PersistentDegraded",
    }
    assert job.name not in json.dumps(received.content)


async def test_the_services_own_error_may_pass() -> None:
    """The health says so."""
    async with scene("metric") as stage:
        [received] = await stage.notices_of(stage.job("vm-01"))
    assert dimensions(received.content)["healthStatus"] == "TransientUnhealthy"


@pytest.mark.parametrize("operation", ["Backup", "Restore"])
async def test_disks_and_restores_make_no_backup_health_event(operation: str) -> None:
    """A sweep has to find those."""
    item = "disk-1" if operation == "Backup" else "vm-01"
    async with scene("metric", "metric_multi") as stage:
        assert await stage.notices_of(stage.job(item, operation=operation)) == []


async def test_a_log_alert_carries_the_columns_that_its_rule_splits_by() -> None:
    """The vault's id is upper-case, as Log Analytics writes it."""
    async with scene("log") as stage:
        job = stage.job("vm-01")
        [received] = await stage.notices_of(job)
    assert received.content["data"]["essentials"]["monitoringService"] == "Log Alerts V2"
    assert dimensions(received.content) == {
        "ResourceId": job.vault.id.upper(),
        "JobUniqueId": job.name,
        "BackupItemUniqueId": "westeurope;17179;iaasvmcontainerv2;rg-app;vm-01",
        "JobOperation": "Backup",
        "JobStatus": "Failed",
        "JobFailureCode": "CloudInternalError",
    }


async def test_a_log_alert_of_a_backup_vault_names_the_instance_and_the_source() -> None:
    """Its rows have more columns."""
    async with scene("log") as stage:
        job = stage.job("disk-1")
        [received] = await stage.notices_of(job)
    found = dimensions(received.content)
    assert (found["BackupItemId"], found["DatasourceResourceId"]) == (
        job.item.id,
        job.item.source_resource_id,
    )


async def test_a_log_alert_comes_where_the_built_in_one_does_not() -> None:
    """The vault has its own alerts off, or another backup was running."""
    async with scene("log", "built_in") as stage:
        quiet = stage.job("vm-quiet")
        collided = stage.job("vm-01", "UserErrorBackupOperationInProgress")
        told = await stage.notices_of(quiet, collided)
    assert [each.content["data"]["essentials"]["monitoringService"] for each in told] == ["Log Alerts V2"] * 2


async def test_a_backup_vaults_built_in_alert_names_vault_instance_and_job() -> None:
    """As that of the other kind of vault."""
    async with scene("built_in") as stage:
        job = stage.job("disk-1")
        [received] = await stage.notices_of(job)
    data = received.content["data"]
    assert (data["essentials"]["alertRule"], data["essentials"]["monitoringService"]) == (
        "Backup Failure",
        "Azure Backup",
    )
    assert data["essentials"]["targetResourceType"] == "microsoft.dataprotection/backupvaults"
    assert data["essentials"]["alertTargetIDs"] == [job.vault.id.lower()]
    assert data["alertContext"]["protectedItemId"] == job.item.id
    assert data["alertContext"]["extendedInfo"]["jobId"] == job.name


async def test_a_failed_restore_raises_an_alert_of_its_own() -> None:
    """Under another rule's name."""
    async with scene("built_in") as stage:
        [received] = await stage.notices_of(stage.job("disk-1", operation="Restore"))
    assert received.content["data"]["essentials"]["alertRule"] == "Restore Failure"


@pytest.mark.parametrize(("item", "action"), [("vm-01", RECOVERY_ACTION), ("disk-1", BACKUP_ACTION)])
async def test_a_refused_backup_is_in_the_activity_log(item: str, action: str) -> None:
    """The alert's target is the item; the service's answer is text in it."""
    async with scene("activity") as stage:
        refusal = stage.refusal(item)
        [received] = await stage.notices_of(refusal)
        [record] = stage.monitor.record()["alerts"]
    data = received.content["data"]
    context = data["alertContext"]
    assert data["essentials"]["monitoringService"] == "Activity Log - Administrative"
    assert data["essentials"]["alertTargetIDs"] == [refusal.item.lower()]
    assert context["authorization"] == {"action": action, "scope": refusal.item}
    assert (context["operationName"], context["status"], context["level"]) == (action, "Failed", "Error")
    assert context["properties"]["statusCode"] == "BadRequest"
    assert json.loads(context["properties"]["statusMessage"]) == refusal.error.envelope
    assert (record["notice"], record["job"], record["item"]) == ("activity", None, refusal.item)


@pytest.mark.parametrize(("item", "action"), [("vm-01", RECOVERY_ACTION), ("disk-1", BACKUP_ACTION)])
async def test_a_refused_backup_is_an_event_of_the_subscription(item: str, action: str) -> None:
    """Of a subscription that no event subscription names, one to the stack's own URL hears."""
    async with scene("resource_action_failure") as stage:
        refusal = stage.refusal(item)
        [received] = await stage.notices_of(refusal)
    [event] = received.content
    assert (event["eventType"], event["subject"], event["topic"]) == (
        "Microsoft.Resources.ResourceActionFailure",
        refusal.item,
        f"/subscriptions/{SUBSCRIPTION}",
    )
    assert (event["data"]["operationName"], event["data"]["resourceUri"]) == (action, refusal.item)
    assert (event["data"]["status"], event["data"]["httpRequest"]["clientRequestId"]) == (
        "Failed",
        "attempt",
    )


async def test_an_event_subscription_of_the_azure_subscription_gets_the_event_in_its_own_schema() -> None:
    """That of a custom topic hears nothing."""
    entries = [
        {"name": "ours"},
        {"name": "arm", "topic": f"/subscriptions/{SUBSCRIPTION}", "schema": "CloudEventSchemaV1_0"},
    ]
    async with scene("resource_action_failure", event_subscriptions=entries) as stage:
        await stage.notices_of(stage.refusal("vm-01"))
        [record] = stage.event_grid.record()["events"]
    assert (record["event"]["type"], record["event"]["source"]) == (
        "Microsoft.Resources.ResourceActionFailure",
        f"/subscriptions/{SUBSCRIPTION}",
    )
    assert [each["subscription"] for each in record["deliveries"]] == ["arm"]


async def test_nothing_is_told_that_is_not_switched_on() -> None:
    """The estate's list says what is."""
    async with scene() as stage:
        assert await stage.notices_of(stage.job("vm-01"), stage.refusal("vm-01")) == []


async def test_a_runbooks_webhook_gets_the_alert_as_text() -> None:
    """Wrapped as Automation wraps it, beside a plain webhook's body."""
    groups = [{"name": "runbook", "kind": "runbook"}, {"name": "plain"}]
    async with scene("built_in", action_groups=groups) as stage:
        wrapped, plain = sorted(
            await stage.notices_of(stage.job("vm-01")), key=lambda each: "data" in each.content
        )
    assert json.loads(wrapped.content["RequestBody"]) == plain.content
    assert wrapped.content["RequestHeader"]["User-Agent"] == "IcMBroadcaster/1.0"


@pytest.mark.parametrize("status", [401, 429])
def test_what_is_turned_away_at_the_door_is_in_no_log(status: int) -> None:
    """Azure does not note who was not let in."""
    item = next(Scene().azure.items)
    assert refused(f"{item.id}/backup", arm_errors.ArmError(status, "No", "No")) is None


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/backup"), ("POST", "/restore"), ("POST", ""), ("POST", "/backup/x")]
)
def test_only_backup_actions_are_told_of(method: str, path: str) -> None:
    """Other calls fail without notice."""
    item = next(Scene().azure.items)
    assert refused(f"{item.id}{path}", arm_errors.item_not_found(), method) is None
