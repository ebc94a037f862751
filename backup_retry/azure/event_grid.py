"""Notices, found failures and signals that wait as CloudEvents on an Event Grid topic, through azure-eventgrid.

https://learn.microsoft.com/azure/event-grid/cloud-event-schema
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from backup_retry.azure.client import azure_errors
from backup_retry.domain.failure_batches import FAILURE_FOUND
from backup_retry.domain.notices import SOURCE, Notice
from backup_retry.ports.inbox import SIGNAL_DEFERRED
from backup_retry.ports.turns import TURN_DUE

if TYPE_CHECKING:
    from azure.eventgrid.aio import EventGridPublisherClient


class TopicPublisher:
    """The ports `publisher.Publisher`, `inbox.Messenger`, `turns.Starter` and `reconciler.dispatch.Announcer`."""

    def __init__(self, client: "EventGridPublisherClient") -> None:
        self._client = client

    async def publish(self, notices: Sequence[Notice]) -> None:
        """See Publisher; one request."""
        from azure.core.messaging import CloudEvent  # noqa: PLC0415

        events = [
            CloudEvent(
                source=SOURCE,
                type=notice.kind.value,
                id=notice.id,
                time=notice.at,
                subject=notice.subject,
                data=notice.data,
            )
            for notice in notices
        ]
        async with azure_errors("Event Grid topic"):
            await self._client.send(events)

    async def announce(self, data: Mapping[str, Any]) -> None:
        """See Announcer; one request."""
        await self._send(FAILURE_FOUND, data)

    async def signal_deferred(self, key: str) -> None:
        """See Messenger; one request."""
        await self._send(SIGNAL_DEFERRED, {"key": key})

    async def turn_due(self, turn: str, number: int) -> None:
        """See Starter; one request."""
        await self._send(TURN_DUE, {"turn": turn, "slice": number})

    async def _send(self, event_type: str, data: Mapping[str, Any]) -> None:
        from azure.core.messaging import CloudEvent  # noqa: PLC0415

        async with azure_errors("Event Grid topic"):
            await self._client.send([CloudEvent(source=SOURCE, type=event_type, data=dict(data))])
