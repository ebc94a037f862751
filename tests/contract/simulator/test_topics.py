"""Event Grid's topics on the simulator's own server: they want the tokens that its identity endpoint gives."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import DefaultAzureCredential

from tests.simulated import Simulated, simulated


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, {}) as running:
        yield running


async def test_the_apps_identity_publishes_to_a_topic(world: Simulated) -> None:
    """The event is recorded, whether or not anybody takes it."""
    await publish(world, EventGridEvent(subject="/s", event_type="T", data={"x": 1}, data_version="1"))
    events = world.server.event_grid.record()["events"]
    assert [each["event"]["eventType"] for each in events] == ["T"]


async def test_a_topic_takes_cloud_events_if_its_subscription_says_so(world: Simulated) -> None:
    """The schema is the estate's."""
    world.server.simulator.reset({"event_subscriptions": [{"schema": "CloudEventSchemaV1_0"}]})
    await publish(world, CloudEvent(source="/s", type="T", data={"x": 1}))
    assert [each["event"]["type"] for each in world.server.event_grid.record()["events"]] == ["T"]


async def test_an_expired_token_cannot_publish(world: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """401, as for Resource Manager."""
    tokens = world.server.simulator.identity.tokens
    expired = tokens.issue("https://eventgrid.azure.net")
    world.clock.move(hours=2)
    monkeypatch.setattr(type(tokens), "issue", lambda _, __: expired)
    with pytest.raises(ClientAuthenticationError):
        await publish(world, EventGridEvent(subject="/s", event_type="T", data={}, data_version="1"))


async def publish(world: Simulated, event: EventGridEvent | CloudEvent[dict[str, int]]) -> None:
    """Publish with the app's identity."""
    async with (
        DefaultAzureCredential() as credential,
        EventGridPublisherClient(
            f"{world.server.arm_url}/topics/backup-retry/api/events",
            credential,
            connection_verify=str(world.server.certificates.ca_file),
            retry_total=0,
        ) as client,
    ):
        await client.send([event])
