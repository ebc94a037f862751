"""The container that an event subscription's dead letters go to, in Blob Storage.

https://learn.microsoft.com/azure/event-grid/manage-event-delivery
"""

import json
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from simulator.event_grid.schemas import Schema
from simulator.event_grid.subscriptions import EventSubscription
from simulator.machine.outgoing_calls import Courier

#: between the last attempt and the blob
DELAY_SECONDS = 300.0
_STORAGE = "https://storage.azure.com"
_HEADERS = {"x-ms-version": "2021-12-02", "x-ms-blob-type": "BlockBlob", "Content-Type": "application/json"}


class DeadLetterStore:
    """Writes a blob for each event that is given up; without a container they are only recorded."""

    def __init__(self, courier: Courier, token: Callable[[str], str]) -> None:
        """`token`: one of the topic's own identity, for an audience."""
        self._courier = courier
        self._token = token
        self.container: str | None = None

    async def put(
        self, topic: str, subscription: EventSubscription, letter: dict[str, Any], now: datetime
    ) -> None:
        """Write it, five minutes later at the deliveries' pace."""
        if self.container is None:
            return
        await self._courier.pause(DELAY_SECONDS)
        content = [letter] if subscription.schema is Schema.EVENT_GRID else letter
        headers = {**_HEADERS, "Authorization": f"Bearer {self._token(_STORAGE)}"}
        url = f"{self.container}/{blob_name(topic, subscription.name, now)}"
        await self._courier.send("PUT", url, headers, json.dumps(content).encode())


def blob_name(topic: str, subscription: str, now: datetime) -> str:
    """By topic, subscription and hour, without leading zeros."""
    hour = f"{now.year}/{now.month}/{now.day}/{now.hour}"
    return f"{topic.rpartition('/')[2]}/{subscription.upper()}/{hour}/{uuid.uuid4()}.json"
