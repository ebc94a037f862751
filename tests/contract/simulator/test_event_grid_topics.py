"""Custom topics, published to by Microsoft's SDK over TLS and delivered to a webhook of this machine."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError, ResourceNotFoundError
from azure.core.messaging import CloudEvent
from azure.eventgrid import EventGridEvent
from azure.eventgrid.aio import EventGridPublisherClient

from simulator.event_grid.topics import EventGrid
from simulator.machine.outgoing_calls import Courier
from simulator.machine.tls import ensure_ca
from tests.webhook import RecordedSleep, Subscriber

NOW = datetime(2026, 3, 13, 2, 0, tzinfo=UTC)
GOOD_TOKEN = "good"
CLOUD_EVENTS = {"schema": "CloudEventSchemaV1_0"}


class StaticCredential:
    """A credential with one token for everything."""

    def __init__(self, token: str) -> None:
        self.token = token

    async def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        """The token, valid for ever."""
        return AccessToken(self.token, 2**40)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> "StaticCredential":
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Scene:
    """A served Event Grid whose waits take no time; GOOD_TOKEN is the only valid one."""

    def __init__(self, certificates_directory: Path) -> None:
        self.certificates = ensure_ca(certificates_directory)
        self.sleep = RecordedSleep()
        self.event_grid = EventGrid(lambda: NOW, Courier(time_out=5, sleep=self.sleep))

    async def start(self) -> None:
        """Serve on any free port."""
        application = web.Application()
        application.add_routes(self.event_grid.routes(_has_good_token))
        self.runner = web.AppRunner(application)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0, ssl_context=self.certificates.server_context())
        await site.start()
        port = self.runner.addresses[0][1]
        self.endpoint = f"https://localhost:{port}/topics/backup-retry/api/events"

    async def publish(self, *events: Any, token: str = GOOD_TOKEN, endpoint: str | None = None) -> None:
        """Publish with the SDK and see everything delivered or given up."""
        async with EventGridPublisherClient(
            endpoint or self.endpoint,
            StaticCredential(token),
            connection_verify=str(self.certificates.ca_file),
            retry_total=0,
        ) as client:
            await client.send(list(events))
        await self.event_grid.idle()

    async def close(self) -> None:
        """Stop serving and delivering."""
        await self.event_grid.close()
        await self.runner.cleanup()


def _has_good_token(request: web.Request) -> bool:
    return request.headers.get("Authorization") == f"Bearer {GOOD_TOKEN}"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path)
    await scene.start()
    yield scene
    await scene.close()


def backup_event(number: int = 1) -> EventGridEvent:
    return EventGridEvent(
        id=str(number), subject="jobs/1", event_type="BackupRetry.Job", data={"job": number}, data_version="1"
    )


async def test_an_event_grid_event_arrives_in_an_array_of_its_own(scene: Scene) -> None:
    """A batch is delivered one by one, after one handshake, with the service's fields and headers."""
    async with Subscriber([202]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(backup_event(1), backup_event(2))
    assert subscriber.handshakes == 1
    first, second = sorted(subscriber.notifications, key=lambda each: str(each.content[0]["id"]))
    [event] = first.content
    assert event["topic"].endswith("/providers/Microsoft.EventGrid/topics/backup-retry")
    assert event["data"] == {"job": 1}
    assert [each["id"] for each in second.content] == ["2"]
    assert first.headers["aeg-delivery-count"] == "0"
    assert first.headers["aeg-subscription-name"] == "TO-FUNCTION"
    assert [each["deliveries"][0]["status"] for each in scene.event_grid.record()["events"]] == [202, 202]


async def test_a_cloud_event_arrives_by_itself(scene: Scene) -> None:
    """The CloudEvents schema shakes hands by OPTIONS and delivers an object."""
    scene.event_grid.configure([CLOUD_EVENTS])
    async with Subscriber([204]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(CloudEvent(source="/vaults", type="BackupRetry.Job", data={"job": 1}))
    assert [each.method for each in subscriber.received] == ["OPTIONS", "POST"]
    [delivery] = subscriber.notifications
    assert delivery.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert delivery.content["specversion"] == "1.0"
    assert delivery.content["data"] == {"job": 1}


async def test_a_filter_lets_its_own_types_through(scene: Scene) -> None:
    """In any casing; what it does not let through is an event of the topic all the same."""
    scene.event_grid.configure([CLOUD_EVENTS | {"event_types": ["backupretry.job"]}])
    async with Subscriber([204]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        for event_type in ("BackupRetry.Job", "BackupRetry.Recovered"):
            await scene.publish(CloudEvent(source="/vaults", type=event_type, data={}))
    assert [each.content["type"] for each in subscriber.notifications] == ["BackupRetry.Job"]
    assert len(scene.event_grid.record()["events"]) == 2


async def test_a_failed_delivery_is_repeated(scene: Scene) -> None:
    """Waits grow as documented, times the pace; the delivery count tells the subscriber."""
    scene.event_grid.configure(pace=0.1)
    async with Subscriber([500, 503, 200]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(backup_event())
    assert scene.sleep.seconds == [1, 3]
    assert [each.headers["aeg-delivery-count"] for each in subscriber.notifications] == ["0", "1", "2"]
    assert scene.event_grid.record()["dead_letters"] == []


@pytest.mark.parametrize(("status", "outcome"), [(400, "BadRequest"), (401, "Unauthorized")])
async def test_a_refused_event_is_dead_lettered_at_once(scene: Scene, status: int, outcome: str) -> None:
    """400, 401 and 413 are not retried."""
    async with Subscriber([status]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(backup_event())
    [letter] = scene.event_grid.record()["dead_letters"]
    assert (letter["id"], letter["lastDeliveryOutcome"], letter["deliveryAttempts"]) == ("1", outcome, 1)


async def test_an_event_is_dead_lettered_when_its_attempts_are_used_up(scene: Scene) -> None:
    """The subscription's own limit counts."""
    scene.event_grid.configure([{**CLOUD_EVENTS, "max_delivery_attempts": 2}])
    async with Subscriber([500]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(CloudEvent(source="/vaults", type="BackupRetry.Job", data={}))
    [letter] = scene.event_grid.record()["dead_letters"]
    assert (letter["deadletterreason"], letter["deliveryattempts"]) == ("MaxDeliveryAttemptsExceeded", 2)
    assert letter["lastdeliveryoutcome"] == "InternalServerError"


async def test_an_event_is_dead_lettered_after_a_day(scene: Scene) -> None:
    """Thirty attempts do not fit into the time to live."""
    async with Subscriber([500]) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(backup_event())
    [letter] = scene.event_grid.record()["dead_letters"]
    assert letter["deadLetterReason"] == "TimeToLiveExceeded"
    assert sum(scene.sleep.seconds) <= 24 * 3600


@pytest.mark.parametrize("subscription", [{}, CLOUD_EVENTS])
async def test_nothing_is_delivered_to_an_endpoint_that_does_not_shake_hands(
    scene: Scene, subscription: dict[str, Any]
) -> None:
    """Validation comes first, and is tried again with each delivery."""
    scene.event_grid.configure([{**subscription, "max_delivery_attempts": 2}])
    event: Any = CloudEvent(source="/v", type="t", data={}) if subscription else backup_event()
    async with Subscriber(agrees=False) as subscriber:
        scene.event_grid.set_default_endpoint(subscriber.url)
        await scene.publish(event)
    assert (subscriber.handshakes, subscriber.notifications) == (2, [])
    assert len(scene.event_grid.record()["dead_letters"]) == 1


async def test_publishing_needs_a_token(scene: Scene) -> None:
    """The SDK raises its authentication error."""
    with pytest.raises(ClientAuthenticationError, match="authorization"):
        await scene.publish(backup_event(), token="bad")


async def test_an_unknown_topic_is_not_found(scene: Scene) -> None:
    """A topic exists when a subscription names it."""
    with pytest.raises(ResourceNotFoundError):
        await scene.publish(backup_event(), endpoint=scene.endpoint.replace("backup-retry", "other"))


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "not JSON"),
        (b"{}", 400, "array of events"),
        (b"[1]", 400, "event 0 is not an object"),
        (
            b'[{"id": "1", "subject": "s", "eventType": "t"}]',
            400,
            "event 0 lacks eventTime, dataVersion",
        ),
        (b"[" + b" " * 2**20 + b"]", 413, "1048576"),
    ],
)
async def test_a_malformed_publish_is_refused_whole(
    scene: Scene, body: bytes, status: int, message: str
) -> None:
    """The error says what is wrong and where, and nothing is delivered."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            scene.endpoint,
            data=io.BytesIO(body),
            headers={"Authorization": f"Bearer {GOOD_TOKEN}"},
            ssl=scene.certificates.client_context(),
        ) as response,
    ):
        assert response.status == status
        assert message in (await response.json())["error"]["message"]
    assert scene.event_grid.record()["events"] == []


@pytest.mark.parametrize(
    "subscription", [{"url": "http://localhost"}, {"schema": "Custom"}, {"max_delivery_attempts": 31}]
)
async def test_a_malformed_event_subscription_is_refused(scene: Scene, subscription: dict[str, Any]) -> None:
    """The estate's author learns what is wrong."""
    with pytest.raises(ValueError, match=r"event subscription|Custom|31"):
        scene.event_grid.configure([subscription])
