"""Who gets the alerts about the app: people by e-mail, and the tools that they use already."""

from typing import Any

import pytest

from tests.bicep_files import asked
from tools.compiled_bicep import ON_CALL


def rules(snapshot: str) -> list[list[str]]:
    """The action groups that each alert rule calls; the second clock calls the app alone."""
    found = asked(snapshot, "Microsoft.Insights/scheduledQueryRules")
    return [groups for each in found if (groups := each["properties"]["actions"].get("actionGroups"))]


def action_groups(snapshot: str) -> dict[str, Any]:
    """Those that alerts about the app call, by their names without the installation's."""
    return {
        each["name"].removeprefix("ag-backup-retry-").rsplit("-", 1)[0]: each["properties"]
        for each in asked(snapshot, "Microsoft.Insights/actionGroups")
    }


def test_operators_are_written_to() -> None:
    """Blanks and a comma too many do no harm."""
    receivers = action_groups("main-everything")["operators"]["emailReceivers"]
    assert [each["emailAddress"] for each in receivers] == ["backup-team@example.com", "ops@example.com"]


def test_alerts_go_where_people_look_and_nowhere_else_by_default() -> None:
    """To a webhook, to Teams and Slack by Logic Apps, and to an action group that is there; never more than five."""
    assert set(action_groups("main")) == {"operators"}
    assert action_groups("main")["operators"]["webhookReceivers"] == []
    assert asked("main", "Microsoft.Logic/workflows") == []

    groups = action_groups("main-everything")
    assert groups["operators"]["webhookReceivers"][0]["serviceUri"] == "[parameters('operatorWebhookUrl')]"
    assert rules("main-everything").count(rules("main-everything")[0]) == 6
    called = [each.rsplit("/", 1)[1] for each in rules("main-everything")[0]]
    assert [name.removeprefix("ag-backup-retry-").split("-")[0] for name in called] == [
        "operators",
        "teams",
        "slack",
        "ag",
    ]
    assert ON_CALL.endswith(called[-1])


@pytest.mark.parametrize("chat", ["teams", "slack"])
def test_a_chats_address_is_in_no_history(chat: str) -> None:
    """Not in the deployment's, as a secure parameter, and not in that of the Logic App's runs."""
    [workflow] = [
        each for each in asked("main-everything", "Microsoft.Logic/workflows") if chat in each["name"]
    ]
    definition = workflow["properties"]["definition"]
    assert workflow["properties"]["parameters"]["webhookUrl"] == {
        "value": f"[parameters('{chat}WebhookUrl')]"
    }
    assert definition["parameters"]["webhookUrl"]["type"] == "SecureString"
    assert definition["actions"]["post"]["runtimeConfiguration"]["secureData"] == {"properties": ["inputs"]}
    [receiver] = action_groups("main-everything")[chat]["logicAppReceivers"]
    assert receiver["resourceId"] == workflow["id"]
    assert f"{workflow['id']}/triggers/alert'" in receiver["callbackUrl"]
