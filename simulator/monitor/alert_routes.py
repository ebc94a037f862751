"""The action groups as Resource Manager shows them, each with the alert processing rule that leads to it.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-processing-rules
"""

from typing import Any

from aiohttp import web

from simulator.arm import errors as arm_errors
from simulator.arm.calls import Call, Route
from simulator.monitor.action_groups import ActionGroup
from simulator.monitor.alerting import Monitor
from simulator.monitor.test_notifications import ALERT_TYPES

_SUBSCRIPTION = "/subscriptions/{subscription}"
_GROUP = "rg-alerts"
_PROVIDERS = f"resourceGroups/{_GROUP}/providers"


class AlertRoutes:
    """The handlers; what they show is what Monitor does."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor

    def routes(self) -> list[Route]:
        """The rules of a subscription, one action group, and tests of it."""
        group = f"{_SUBSCRIPTION}/resourceGroups/{{resource_group}}/providers/Microsoft.Insights/actionGroups/{{name}}"
        return [
            Route(
                "GET", f"{_SUBSCRIPTION}/providers/Microsoft.AlertsManagement/actionRules", self.list_rules
            ),
            Route("GET", group, self.get_group),
            Route("POST", f"{group}/createNotifications", self.create_notifications),
            Route("GET", f"{group}/notificationStatus/{{test}}", self.get_notification),
        ]

    async def list_rules(self, call: Call) -> web.Response:
        """One rule for each action group that the subscription's alerts go to."""
        subscription = call.params["subscription"]
        groups = [each for each in self._monitor.groups if each.covers(subscription) and each.rule != "none"]
        return web.json_response({"value": [_rule(each, subscription) for each in groups]})

    async def get_group(self, call: Call) -> web.Response:
        """An action group with its webhook, key and all."""
        group = self._find(call)
        webhook = group.webhook or self._monitor.default_webhook or ""
        return web.json_response(_group(group, call.params["subscription"], webhook))

    async def create_notifications(self, call: Call) -> web.Response:
        """A test of the receivers that the body names, which need not be the group's own."""
        self._find(call)
        wanted = call.json()
        if wanted.get("alertType") not in ALERT_TYPES:
            raise arm_errors.bad_request("BadRequest", f"alertType {wanted.get('alertType')!r} is not known")
        test = self._monitor.tests.start(call.params["subscription"], wanted.get("webhookReceivers") or [])
        path = call.path.removesuffix("/createNotifications")
        location = f"{call.base_url}{path}/notificationStatus/{test}?api-version={call.api_version}"
        return web.Response(status=202, headers={"Location": location})

    async def get_notification(self, call: Call) -> web.Response:
        """How a test stands."""
        self._find(call)
        if (found := self._monitor.tests.find(call.params["test"])) is None:
            raise arm_errors.resource_not_found("notificationStatus", call.params["resource_group"])
        return web.json_response(found)

    def _find(self, call: Call) -> ActionGroup:
        subscription, name = call.params["subscription"], call.params["name"].lower()
        for group in self._monitor.groups:
            if group.name.lower() == name and group.covers(subscription):
                return group
        raise arm_errors.resource_not_found(
            f"Microsoft.Insights/actionGroups/{call.params['name']}", call.params["resource_group"]
        )


def _group_id(group: ActionGroup, subscription: str) -> str:
    return f"/subscriptions/{subscription}/{_PROVIDERS}/Microsoft.Insights/actionGroups/{group.name}"


def _group(group: ActionGroup, subscription: str, webhook: str) -> dict[str, Any]:
    receiver = {
        "name": "webhook",
        "serviceUri": webhook,
        "useCommonAlertSchema": True,
        "useAadAuth": False,
    }
    properties = {"groupShortName": group.name[:12], "enabled": group.enabled, "webhookReceivers": [receiver]}
    return {"id": _group_id(group, subscription), "name": group.name, "properties": properties}


def _rule(group: ActionGroup, subscription: str) -> dict[str, Any]:
    condition = {"field": "MonitorService", "operator": "Equals", "values": ["Azure Backup"]}
    action = {"actionType": "AddActionGroups", "actionGroupIds": [_group_id(group, subscription)]}
    properties = {
        "enabled": group.rule == "on",
        "scopes": [f"/subscriptions/{subscription}"],
        "conditions": [condition],
        "actions": [action],
    }
    name = f"apr-{group.name}"
    rule = f"/subscriptions/{subscription}/{_PROVIDERS}/Microsoft.AlertsManagement/actionRules/{name}"
    return {"id": rule, "name": name, "properties": properties}
