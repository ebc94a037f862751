"""Action groups: whom Azure Monitor notifies of an alert, and what it posts to them.

https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

_KEYS = {"name", "subscriptions", "webhook", "kind", "enabled", "rule"}
_KINDS = {"webhook", "runbook"}
_RULES = {"on", "off", "none"}


@dataclass(frozen=True, kw_only=True)
class ActionGroup:
    """The receivers of the alerts of some subscriptions."""

    name: str
    #: Lower-cased ids; None: every subscription.
    subscriptions: frozenset[str] | None = None
    #: None: the stack's own alerts URL.
    webhook: str | None = None
    #: `webhook`, or `runbook`: the alert travels as a runbook of Automation gets it.
    kind: str = "webhook"
    enabled: bool = True
    #: The alert processing rule that leads to it: `on`, `off`, or `none` where somebody has deleted it.
    rule: str = "on"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read one entry of the estate's `action_groups`.

        Raises:
            ValueError: what is wrong with it.
        """
        if unknown := value.keys() - _KEYS:
            raise ValueError(f"an action group has no {sorted(unknown)}")
        if not value.get("name"):
            raise ValueError("an action group needs a name")
        if (kind := value.get("kind", "webhook")) not in _KINDS:
            raise ValueError(f"an action group's kind is {kind!r}, neither webhook nor runbook")
        if (rule := value.get("rule", "on")) not in _RULES:
            raise ValueError(f"an action group's rule is {rule!r}, neither on nor off nor none")
        subscriptions = value.get("subscriptions")
        return cls(
            name=value["name"],
            subscriptions=None if subscriptions is None else frozenset(map(str.lower, subscriptions)),
            webhook=value.get("webhook"),
            kind=kind,
            enabled=bool(value.get("enabled", True)),
            rule=rule,
        )

    def covers(self, subscription_id: str) -> bool:
        """Whether alerts of the subscription go to this group."""
        return self.subscriptions is None or subscription_id.lower() in self.subscriptions

    def is_told(self, subscription_id: str) -> bool:
        """Whether those alerts reach it."""
        return self.covers(subscription_id) and self.enabled and self.rule == "on"

    def body(self, alert: Mapping[str, Any]) -> bytes:
        """What is posted for an alert."""
        return json.dumps(_runbook(alert) if self.kind == "runbook" else alert).encode()


DEFAULT_GROUPS = (ActionGroup(name="ag-backup"),)


def _runbook(alert: Mapping[str, Any]) -> dict[str, Any]:
    """The `WebhookData` of a runbook: the alert is text in it."""
    return {
        "WebhookName": "Alert1556104627331",
        "RequestBody": json.dumps(alert),
        "RequestHeader": {
            "Expect": "100-continue",
            "Host": "s2events.azure-automation.net",
            "User-Agent": "IcMBroadcaster/1.0",
            "x-ms-request-id": str(uuid.uuid4()),
        },
    }
