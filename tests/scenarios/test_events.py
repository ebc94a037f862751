"""Events published to Event Grid topics of either schema, delivered to the real app."""

from typing import Any
from uuid import uuid4

import pytest

from backup_retry.domain.jobs import Source
from tests.running_app import App, Json
from tests.vm_estate import backup_failure, item_id, vault_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOPICS = ["grid", "cloud"]
FAILURE_FOUND = "BackupRetry.FailureFound"


def event(topic: str, kind: str, data: object) -> Json:
    """An event in the schema of the topic."""
    identity = str(uuid4())
    if topic == "cloud":
        return {"specversion": "1.0", "id": identity, "source": "/tests", "type": kind, "data": data}
    fields: dict[str, Any] = {"id": identity, "subject": "tests", "eventType": kind, "dataVersion": "1.0"}
    return fields | {"eventTime": "2026-11-22T14:00:00Z", "data": data}


async def published(app: App, topic: str, kind: str, data: object) -> list[int | None]:
    """Publish an event; the answers to its deliveries once it was taken."""
    content = event(topic, kind, data)
    await app.publish(topic, content)
    return await app.delivered(content["id"])


@pytest.mark.parametrize(("topic", "vm"), [("grid", "vm-01"), ("cloud", "vm-02")])
async def test_an_alert_may_come_as_an_events_data(app: App, topic: str, vm: str) -> None:
    """It is handled as the webhook's is."""
    alert = backup_failure(vm, await app.fail(vm))
    assert await published(app, topic, "Microsoft.AlertsManagement.Alert", alert) == [202]
    assert len(await app.posts(vm)) == 1
    assert (await app.incident(vm)).found_by is Source.EVENT


@pytest.mark.parametrize(("topic", "vm"), [("grid", "vm-03"), ("cloud", "vm-04")])
async def test_our_own_event_may_name_the_job(app: App, topic: str, vm: str) -> None:
    """By its ARM id."""
    job = f"{vault_id()}/backupJobs/{await app.fail(vm)}"
    assert await published(app, topic, FAILURE_FOUND, {"jobId": job}) == [202]
    assert len(await app.posts(vm)) == 1


@pytest.mark.parametrize(("topic", "vm"), [("grid", "vm-05"), ("cloud", "vm-06")])
async def test_our_own_event_may_name_the_item(app: App, topic: str, vm: str) -> None:
    """Its newest failure is meant."""
    await app.fail(vm, age_seconds=60)
    newest = await app.fail(vm)
    assert await published(app, topic, FAILURE_FOUND, {"itemId": item_id(vm)}) == [202]
    assert len(await app.posts(vm)) == 1
    assert (await app.incident(vm)).failure.id == newest


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("Microsoft.Storage.BlobCreated", {"api": "PutBlob"}),
        ("Microsoft.Storage.BlobCreated", "text"),
        (FAILURE_FOUND, {"jobId": "../../etc"}),
        (FAILURE_FOUND, {"itemId": 7}),
        (FAILURE_FOUND, [1, 2]),
    ],
    ids=["foreign", "text", "hostile", "wrong type", "array"],
)
async def test_what_can_never_be_handled_is_acknowledged(
    app: App, topic: str, kind: str, data: object
) -> None:
    """Delivered once, and not again."""
    assert await published(app, topic, kind, data) == [202]


@pytest.mark.parametrize(("topic", "vm"), [("grid", "vm-07"), ("cloud", "vm-08")])
async def test_an_event_that_azure_is_too_slow_for_is_kept(app: App, topic: str, vm: str) -> None:
    """Azure refuses every token for a moment: delivered once, and looked into afterwards."""
    job = f"{vault_id()}/backupJobs/{await app.fail(vm)}"
    await app.arm({"name": "expire_token", "match": "GET .*backupJobs"})
    statuses = await published(app, topic, FAILURE_FOUND, {"jobId": job})
    await app.arm()
    assert (statuses, await app.posts(vm)) == ([202], [])
    await app.process_deferred()
    await app.until(lambda: app.remembered(item_id(vm)))
    await app.closed(vm)
    assert len(await app.posts(vm)) == 1
