"""Notices on a simulated Event Grid topic, published through the real SDK with the app's identity."""

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.event_grid import TopicPublisher
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.failure_batches import batches, read_batch
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.notices import NoticeKind
from backup_retry.settings.loading import load_settings
from simulator.machine.tls import Certificates
from simulator.server import RunningServer
from tests.clock import Clock
from tests.failures import opened
from tests.vault_world import ESTATE

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIPTION = {
    "name": "people",
    "topic": "outcomes",
    "schema": "CloudEventSchemaV1_0",
    "endpoint": "http://127.0.0.1:1",
}


def clients(azure: tuple[RunningServer, Clock, AzureClients], trust: Certificates, path: str) -> AzureClients:
    """Clients whose settings name a topic."""
    server, _, _ = azure
    server.simulator.reset(ESTATE | {"event_subscriptions": [SUBSCRIPTION]})
    settings = load_settings(
        {
            "ledger_endpoint": "https://ledger.invalid",
            "arm_endpoint": server.arm_url,
            "eventgrid_topic_endpoint": f"{server.arm_url}{path}",
        }
    )
    return AzureClients(settings, ssl_context=trust.client_context())


async def test_a_notice_arrives_as_a_cloud_event(
    azure: tuple[RunningServer, Clock, AzureClients], trust: Certificates
) -> None:
    """With its type, its id, the item as subject, and its data as it was."""
    incident = opened()
    told = notice(NoticeKind.NEEDS_PERSON, incident, incident.opened_at, items=3)
    async with clients(azure, trust, "/topics/outcomes/api/events") as reached, reached.topic() as topic:
        await TopicPublisher(topic).publish([told])
    (event,) = azure[0].simulator.event_grid.record()["events"]
    arrived = event.get("event", event)
    assert (arrived["id"], arrived["type"], arrived["subject"]) == (
        told.id,
        NoticeKind.NEEDS_PERSON,
        incident.item.id,
    )
    assert arrived["data"] == told.data


async def test_a_topic_that_is_not_there_is_an_error_of_ours(
    azure: tuple[RunningServer, Clock, AzureClients], trust: Certificates
) -> None:
    """Whoever publishes keeps the notice."""
    incident = opened()
    told = notice(NoticeKind.RECOVERED, incident, incident.opened_at)
    async with clients(azure, trust, "/topics/nowhere/else") as reached, reached.topic() as topic:
        with pytest.raises((AzureRefused, AzureUnavailable)):
            await TopicPublisher(topic).publish([told])


async def test_found_failures_are_announced_in_one_event(
    azure: tuple[RunningServer, Clock, AzureClients], trust: Certificates
) -> None:
    """As others announce them, each event with an id of its own, so that the same function is told."""
    (data,) = batches([{"jobId": f"/jobs/{number}", "itemId": None} for number in range(100)])
    async with clients(azure, trust, "/topics/outcomes/api/events") as reached, reached.topic() as topic:
        await TopicPublisher(topic).announce(data)
        await TopicPublisher(topic).announce(data)
    events = [each.get("event", each) for each in azure[0].simulator.event_grid.record()["events"]]
    assert [event["type"] for event in events] == ["BackupRetry.FailureFound"] * 2
    assert len({event["id"] for event in events}) == 2
    assert read_batch(events[0]["data"]) == data["failures"]


async def test_a_signal_that_waits_is_announced_by_its_key(
    azure: tuple[RunningServer, Clock, AzureClients], trust: Certificates
) -> None:
    """Nothing of what it says leaves the ledger."""
    async with clients(azure, trust, "/topics/outcomes/api/events") as reached, reached.topic() as topic:
        await TopicPublisher(topic).signal_deferred("ab12")
    (event,) = azure[0].simulator.event_grid.record()["events"]
    arrived = event.get("event", event)
    assert (arrived["type"], arrived["data"]) == ("BackupRetry.SignalDeferred", {"key": "ab12"})
