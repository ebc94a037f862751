"""Event subscriptions: where a topic's events go, and in which of the two schemas."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from simulator.event_grid.schemas import Schema

ALLOWED_ATTEMPTS = range(1, 31)
_SUBSCRIPTION_KEYS = {"name", "topic", "schema", "endpoint", "max_delivery_attempts", "event_types"}


@dataclass(frozen=True, kw_only=True)
class EventSubscription:
    """Where a topic's events go."""

    name: str = "to-function"
    #: The name of a custom topic, or `/subscriptions/{id}` for what Resource Manager itself has to tell.
    topic: str = "backup-retry"
    schema: Schema = Schema.EVENT_GRID
    #: None: the stack's own Event Grid URL.
    endpoint: str | None = None
    max_delivery_attempts: int = 30
    #: What it lets through; empty: everything.
    event_types: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read one entry of the estate's `event_subscriptions`; what is absent has its default.

        Raises:
            ValueError: what is wrong with it.
        """
        if unknown := value.keys() - _SUBSCRIPTION_KEYS:
            raise ValueError(f"an event subscription has no {sorted(unknown)}")
        fields = dict(value)
        if "schema" in fields:
            fields["schema"] = Schema(fields["schema"])
        fields["event_types"] = frozenset(map(str.casefold, fields.get("event_types", ())))
        subscription = cls(**fields)
        if subscription.max_delivery_attempts not in ALLOWED_ATTEMPTS:
            raise ValueError(f"max_delivery_attempts is {subscription.max_delivery_attempts!r}, not 1 to 30")
        return subscription

    def takes(self, event: Mapping[str, Any]) -> bool:
        """Whether its filter lets the event through."""
        event_type = str(event.get("type") or event.get("eventType") or "")
        return not self.event_types or event_type.casefold() in self.event_types
