"""Test notifications: what an action group's receivers are sent when a person presses "Test", and what became of it.

https://learn.microsoft.com/azure/azure-monitor/alerts/action-groups#test-an-action-group-in-the-azure-portal
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from simulator.arm.wire import instant
from simulator.machine.outgoing_calls import Courier
from simulator.monitor.alert_envelope import AlertRule, alert_id, envelope, fired_by

Json = dict[str, Any]
#: The alert types whose sample is known here.
ALERT_TYPES = frozenset({"logalertv2"})
_RULE = AlertRule(
    name="test-logAlertRule-v2", severity="Sev4", signal_type="Log", monitoring_service="Log Alerts V2"
)
_TARGET = (
    "{}/resourcegroups/test-RG/providers/microsoft.operationalinsights/workspaces/test-logAnalyticsWorkspace"
)
_CONTEXT: Json = {
    "properties": {"customKey1": "value1"},
    "conditionType": "LogQueryCriteria",
    "condition": {
        "windowSize": "PT1H",
        "allOf": [
            {
                "searchQuery": "Heartbeat",
                "operator": "GreaterThan",
                "threshold": "0",
                "timeAggregation": "Count",
                "dimensions": [{"name": "Computer", "value": "test-computer"}],
                "metricValue": 3.0,
            }
        ],
    },
}


class TestNotifications:
    """The tests that were asked for, each with what its receivers answered."""

    __test__ = False

    def __init__(self, courier: Courier, now: Callable[[], datetime]) -> None:
        self._courier = courier
        self._now = now
        self._details: dict[str, Json] = {}

    def clear(self) -> None:
        """Forget them."""
        self._details.clear()

    def start(self, subscription_id: str, receivers: list[Mapping[str, Any]]) -> str:
        """Send a sample to webhooks; the test's id."""
        identity = str(uuid.uuid4())
        self._details[identity] = {
            "context": {
                "notificationSource": "Microsoft.Insights/TestNotification",
                "contextType": "Microsoft.Insights/LogAlertV2",
            },
            "state": "InProgress",
            "createdTime": instant(self._now()),
            "actionDetails": [],
        }
        self._courier.start(self._send(identity, subscription_id, receivers))
        return identity

    def find(self, identity: str) -> Json | None:
        """How a test stands."""
        return self._details.get(identity)

    async def _send(self, identity: str, subscription_id: str, receivers: list[Mapping[str, Any]]) -> None:
        sample = json.dumps(self._sample(subscription_id)).encode()
        found = self._details[identity]
        for receiver in receivers:
            answer = await self._courier.send(
                "POST", receiver["serviceUri"], {"Content-Type": "application/json; charset=utf-8"}, sample
            )
            succeeded = answer.status is not None and answer.status < HTTPStatus.MULTIPLE_CHOICES
            found["actionDetails"].append(
                {
                    "MechanismType": "Webhook",
                    "Name": receiver.get("name"),
                    "Status": "Succeeded" if succeeded else "Failed",
                    "SubState": "Default",
                    "SendTime": instant(self._now()),
                    "Detail": None if succeeded else f"{answer.status}: {answer.kept_text}",
                }
            )
        found |= {"state": "Completed", "completedTime": instant(self._now())}

    def _sample(self, subscription_id: str) -> Json:
        target = _TARGET.format(f"/subscriptions/{subscription_id}")
        identity = alert_id(subscription_id, str(uuid.uuid4()))
        return envelope(fired_by(_RULE, identity, [target], origin="test", at=self._now()), _CONTEXT)
