"""The two event schemas of Event Grid: what a topic accepts, what a subscriber gets.

https://learn.microsoft.com/azure/event-grid/event-schema
https://learn.microsoft.com/azure/event-grid/cloud-event-schema
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from simulator.arm.wire import instant

Json = dict[str, Any]

ORIGIN = "eventgrid.azure.net"


class Schema(Enum):
    """A topic's input schema, and its subscriptions' delivery schema."""

    EVENT_GRID = "EventGridSchema"
    CLOUD_EVENTS = "CloudEventSchemaV1_0"


class MalformedEventsError(ValueError):
    """What a publish may not contain: what is wrong, and where."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A call to a subscriber's endpoint."""

    method: str
    headers: Mapping[str, str]
    body: bytes = b""


_REQUIRED = {
    Schema.EVENT_GRID: ("id", "subject", "eventType", "eventTime", "dataVersion", "data"),
    Schema.CLOUD_EVENTS: ("specversion", "id", "source", "type"),
}
_CONTENT_TYPES = {
    Schema.EVENT_GRID: "application/json; charset=utf-8",
    Schema.CLOUD_EVENTS: "application/cloudevents+json; charset=utf-8",
}


def read_events(schema: Schema, body: bytes) -> list[Json]:
    """The events of a publish: an array, or one CloudEvent by itself.

    Raises:
        MalformedEventsError: the body is not JSON, or an event lacks what its schema asks for.
    """
    try:
        content = json.loads(body)
    except ValueError as error:
        raise MalformedEventsError(f"the body is not JSON: {error}") from error
    if isinstance(content, dict) and schema is Schema.CLOUD_EVENTS:
        content = [content]
    if not isinstance(content, list):
        raise MalformedEventsError("this resource is configured to receive an array of events")
    for position, event in enumerate(content):
        _check(schema, event, position)
    return content


def as_published(schema: Schema, event: Json, topic_id: str) -> Json:
    """The event as the topic passes it on: Event Grid fills in its own fields."""
    if schema is Schema.CLOUD_EVENTS:
        return event
    return {**event, "topic": topic_id, "metadataVersion": "1"}


def notification(schema: Schema, event: Json, subscription: str, delivery_count: int) -> Request:
    """The delivery of one event; an Event Grid event travels in an array of its own."""
    content = [event] if schema is Schema.EVENT_GRID else event
    headers = {
        "Content-Type": _CONTENT_TYPES[schema],
        "aeg-event-type": "Notification",
        "aeg-delivery-count": str(delivery_count),
        "aeg-subscription-name": subscription.upper(),
        "aeg-metadata-version": "1",
    }
    if schema is Schema.EVENT_GRID:
        headers["aeg-data-version"] = str(event["dataVersion"])
    return Request(method="POST", headers=headers, body=json.dumps(content).encode())


def validation_event(topic_id: str, subscription: str, code: str, now: datetime) -> Request:
    """The Event Grid schema's handshake: the endpoint has to answer with the code.

    https://learn.microsoft.com/azure/event-grid/webhook-event-delivery
    """
    event = {
        "id": str(uuid.uuid4()),
        "topic": topic_id,
        "subject": "",
        "data": {
            "validationCode": code,
            "validationUrl": f"https://{ORIGIN}/eventsubscriptions/{subscription}/validate?id={code}",
        },
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "eventTime": instant(now),
        "metadataVersion": "1",
        "dataVersion": "2",
    }
    headers = {
        "Content-Type": _CONTENT_TYPES[Schema.EVENT_GRID],
        "aeg-event-type": "SubscriptionValidation",
        "aeg-subscription-name": subscription.upper(),
    }
    return Request(method="POST", headers=headers, body=json.dumps([event]).encode())


def abuse_protection() -> Request:
    """The CloudEvents handshake: the endpoint has to allow the origin."""
    return Request(method="OPTIONS", headers={"WebHook-Request-Origin": ORIGIN})


def dead_letter(schema: Schema, event: Json, properties: Json) -> Json:
    """The event as it is dead-lettered; CloudEvents attributes are lower-case."""
    if schema is Schema.CLOUD_EVENTS:
        properties = {name.lower(): value for name, value in properties.items()}
    return {**event, **properties}


def _check(schema: Schema, event: object, position: int) -> None:
    if not isinstance(event, dict):
        raise MalformedEventsError(f"event {position} is not an object")
    if missing := [name for name in _REQUIRED[schema] if event.get(name) is None]:
        raise MalformedEventsError(f"event {position} lacks {', '.join(missing)} ({schema.value})")
    if schema is Schema.CLOUD_EVENTS and event["specversion"] != "1.0":
        raise MalformedEventsError(f"event {position} has specversion {event['specversion']!r}, not '1.0'")
