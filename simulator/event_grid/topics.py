"""Event Grid: topics deliver to the event subscriptions' webhooks what was published or what befell a subscription.

https://learn.microsoft.com/azure/event-grid/post-to-custom-topic
https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import chain, repeat
from typing import Any

from aiohttp import web

from simulator.arm.refusals import Refusal
from simulator.arm.wire import instant
from simulator.event_grid.dead_letter_store import DeadLetterStore
from simulator.event_grid.resource_events import action_failure, subscription_topic
from simulator.event_grid.schemas import (
    ORIGIN,
    MalformedEventsError,
    Request,
    Schema,
    abuse_protection,
    as_published,
    dead_letter,
    notification,
    read_events,
    validation_event,
)
from simulator.event_grid.subscriptions import EventSubscription
from simulator.machine.outgoing_calls import Answer, Courier

Json = dict[str, Any]

#: Seconds between the deliveries of one event; after the last, every twelve hours.
RETRY_WAITS = (10, 30, 60, 300, 600, 1800, 3600, 3 * 3600, 6 * 3600)
TWELVE_HOURS = 12 * 3600
TIME_TO_LIVE_SECONDS = 24 * 3600
TIME_OUT_SECONDS = 30.0
DELIVERED = range(200, 205)
NEVER_RETRIED = frozenset({400, 401, 413})
LARGEST_PUBLISH = 1024 * 1024

_PHRASES = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, kw_only=True)
class _Event:
    """A published event, and what became of it."""

    topic: str
    schema: Schema
    content: Json
    published: datetime
    deliveries: list[Json]

    def as_record(self) -> Json:
        return {
            "topic": self.topic,
            "published": instant(self.published),
            "event": self.content,
            "deliveries": list(self.deliveries),
        }


class EventGrid:
    """The custom topics, their event subscriptions and the deliveries."""

    def __init__(
        self,
        now: Callable[[], datetime],
        courier: Courier | None = None,
        token: Callable[[str], str] = lambda _: "",
    ) -> None:
        self._now = now
        self._courier = courier or Courier(time_out=TIME_OUT_SECONDS)
        self._store = DeadLetterStore(self._courier, token)
        self._default_endpoint: str | None = None
        self._handshake = asyncio.Lock()
        self.configure()

    def configure(
        self,
        event_subscriptions: Sequence[Mapping[str, Any]] | None = None,
        pace: float = 1.0,
        notices: Sequence[str] = (),
    ) -> None:
        """Start afresh: no events, nothing under way, no endpoint validated.

        Args:
            event_subscriptions: the estate's `event_subscriptions`; None: one of them, all defaults.
            pace: multiplies every waiting time between deliveries.
            notices: the estate's `notices`.

        Raises:
            ValueError: an event subscription is malformed.
        """
        entries: Sequence[Mapping[str, Any]] = [{}] if event_subscriptions is None else event_subscriptions
        subscriptions = tuple(map(EventSubscription.from_json, entries))
        self._courier.cancel()
        self._courier.pace = pace
        self._subscriptions = subscriptions
        self._tells_of_refusals = "resource_action_failure" in notices
        self._validated: set[tuple[str, str]] = set()
        self._events: list[_Event] = []
        self._dead_letters: list[Json] = []

    def set_default_endpoint(self, url: str | None) -> None:
        """Where event subscriptions without an endpoint of their own deliver."""
        self._default_endpoint = url

    def set_dead_letters(self, container: str | None) -> None:
        """The blob container that dead letters go to; None: they are only recorded."""
        self._store.container = container

    def routes(self, may_publish: Callable[[web.Request], bool]) -> list[web.RouteDef]:
        """The publish route; `may_publish` says whether a request brings a valid token for it."""

        async def publish(request: web.Request) -> web.Response:
            if not may_publish(request):
                return _error(HTTPStatus.UNAUTHORIZED, "the request brings no valid authorization")
            return await self._publish(request)

        return [web.post("/topics/{topic}/api/events", publish)]

    def backup_refused(self, refusal: Refusal) -> None:
        """Emit ResourceActionFailure to the subscription's topic; one that no entry names has a default entry."""
        if not self._tells_of_refusals:
            return
        topic = subscription_topic(refusal)
        named = [each for each in self._subscriptions if each.topic.lower() == topic.lower()]
        for subscription in named or [EventSubscription(name="resource-actions", topic=topic)]:
            self._accept([subscription], action_failure(refusal, subscription.schema))

    def record(self) -> Json:
        """`events` with their deliveries, and `dead_letters`, oldest first, JSON-ready."""
        return {
            "events": [event.as_record() for event in self._events],
            "dead_letters": list(self._dead_letters),
        }

    async def idle(self) -> None:
        """Return when no delivery is pending."""
        await self._courier.idle()

    async def close(self) -> None:
        """Give up pending deliveries."""
        await self._courier.close()

    async def _publish(self, request: web.Request) -> web.Response:
        topic = request.match_info["topic"]
        subscriptions = [each for each in self._subscriptions if each.topic.lower() == topic.lower()]
        if not subscriptions:
            return _error(HTTPStatus.NOT_FOUND, f"no event subscription names a topic {topic!r}")
        schema = subscriptions[0].schema
        try:
            events = read_events(schema, await _read(request))
        except web.HTTPRequestEntityTooLarge:
            return _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the events exceed 1048576 bytes")
        except MalformedEventsError as error:
            return _error(HTTPStatus.BAD_REQUEST, str(error))
        for content in events:
            self._accept(subscriptions, content)
        return web.Response(status=HTTPStatus.OK)

    def _accept(self, subscriptions: Sequence[EventSubscription], content: Json) -> None:
        topic, schema = subscriptions[0].topic, subscriptions[0].schema
        event = _Event(
            topic=topic,
            schema=schema,
            content=as_published(schema, content, topic_id(topic)),
            published=self._now(),
            deliveries=[],
        )
        self._events.append(event)
        for subscription in (each for each in subscriptions if each.takes(event.content)):
            self._courier.start(self._deliver(event, subscription))

    async def _deliver(self, event: _Event, subscription: EventSubscription) -> None:
        """Deliver until the endpoint accepts or rejects the event, or time or attempts are exhausted."""
        waited = 0
        for attempt, wait in enumerate(chain(RETRY_WAITS, repeat(TWELVE_HOURS)), start=1):
            answer = await self._attempt(event, subscription, attempt - 1)
            self._note(event, subscription, attempt, answer)
            if answer.status in DELIVERED:
                return
            waited += wait
            if answer.status in NEVER_RETRIED or attempt >= subscription.max_delivery_attempts:
                await self._give_up(event, subscription, attempt, answer, "MaxDeliveryAttemptsExceeded")
                return
            if waited > TIME_TO_LIVE_SECONDS:
                await self._give_up(event, subscription, attempt, answer, "TimeToLiveExceeded")
                return
            await self._courier.pause(wait)

    async def _attempt(self, event: _Event, subscription: EventSubscription, delivery_count: int) -> Answer:
        url = subscription.endpoint or self._default_endpoint
        if url is None:
            return Answer(status=None, text="no endpoint is configured", headers={})
        if failure := await self._validate(subscription, url):
            return failure
        return await self._send(
            url, notification(event.schema, event.content, subscription.name, delivery_count)
        )

    async def _validate(self, subscription: EventSubscription, url: str) -> Answer | None:
        """The handshake, once for an endpoint; None when it is or has been passed."""
        async with self._handshake:
            if (subscription.name, url) in self._validated:
                return None
            failure = await self._shake_hands(subscription, url)
            if failure is None:
                self._validated.add((subscription.name, url))
            return failure

    async def _shake_hands(self, subscription: EventSubscription, url: str) -> Answer | None:
        if subscription.schema is Schema.CLOUD_EVENTS:
            answer = await self._send(url, abuse_protection())
            agreed = answer.headers.get("WebHook-Allowed-Origin") in {ORIGIN, "*"}
        else:
            code = str(uuid.uuid4())
            request = validation_event(topic_id(subscription.topic), subscription.name, code, self._now())
            answer = await self._send(url, request)
            agreed = _validation_response(answer) == code
        if agreed and answer.status == HTTPStatus.OK:
            return None
        # An endpoint that answers, but not as it should, may be validated by a later attempt.
        return Answer(status=None, text=f"validation failed: {answer.status} {answer.text}", headers={})

    async def _send(self, url: str, request: Request) -> Answer:
        return await self._courier.send(request.method, url, request.headers, request.body)

    def _note(self, event: _Event, subscription: EventSubscription, attempt: int, answer: Answer) -> None:
        event.deliveries.append(
            {
                "subscription": subscription.name,
                "attempt": attempt,
                "status": answer.status,
                "answer": answer.kept_text,
                "time": instant(self._now()),
            }
        )

    async def _give_up(
        self, event: _Event, subscription: EventSubscription, attempts: int, answer: Answer, reason: str
    ) -> None:
        properties = {
            "deadLetterReason": reason,
            "deliveryAttempts": attempts,
            "lastDeliveryOutcome": _outcome(answer),
            "publishTime": instant(event.published),
            "lastDeliveryAttemptTime": instant(self._now()),
        }
        letter = dead_letter(event.schema, event.content, properties)
        self._dead_letters.append(letter)
        await self._store.put(event.topic, subscription, letter, self._now())


def topic_id(name: str) -> str:
    """The ARM id of a topic; an Azure subscription's is that of the subscription."""
    if name.startswith("/"):
        return name
    group = f"/subscriptions/{uuid.UUID(int=0)}/resourceGroups/rg-backup"
    return f"{group}/providers/Microsoft.EventGrid/topics/{name}"


async def _read(request: web.Request) -> bytes:
    body = await request.read()
    if len(body) > LARGEST_PUBLISH:
        raise web.HTTPRequestEntityTooLarge(LARGEST_PUBLISH, len(body))
    return body


def _error(status: HTTPStatus, message: str) -> web.Response:
    code = status.phrase.title().replace(" ", "")
    return web.json_response({"error": {"code": code, "message": message, "details": []}}, status=status)


def _validation_response(answer: Answer) -> str | None:
    try:
        content = json.loads(answer.text)
    except ValueError:
        return None
    return content.get("validationResponse") if isinstance(content, dict) else None


def _outcome(answer: Answer) -> str:
    """`NotFound`, `Unauthorized`, … as dead letters name the last answer."""
    if answer.status is None:
        return "TimedOut" if answer.text.startswith("no answer") else "GenericError"
    return _PHRASES.get(answer.status, "GenericError").title().replace(" ", "")
