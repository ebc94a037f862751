"""Alerts of the rules that main.bicep deploys, as Azure Monitor raises them from a row of a rule's query."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator.arm.wire import instant
from simulator.monitor.alert_envelope import AlertRule, alert_id, envelope, fired_by
from tests.bicep_files import asked
from tools.compiled_bicep import HOME

Json = dict[str, Any]

_GUID = "eeeeeeee-4444-5555-6666-ffffffffffff"


def alert_rule(name: str) -> Json:
    """A deployed rule by its short name."""
    [found] = [
        each
        for each in asked("main", "Microsoft.Insights/scheduledQueryRules")
        if f"backup-retry-{name}-" in each["name"]
    ]
    return dict(found)


def raised(name: str, row: Mapping[str, Any], at: datetime, *, custom_in_context: bool = False) -> Json:
    """The alert in the common schema: of the row it has the columns that the rule splits by, as texts.

    Its author's properties are in `customProperties`, or where older payloads have them: in the context.
    https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
    """
    rule = alert_rule(name)
    said = rule["properties"]
    custom = said["actions"]["customProperties"]
    [criterion] = said["criteria"]["allOf"]
    named = AlertRule(
        name=rule["name"],
        severity=f"Sev{said['severity']}",
        signal_type="Log",
        monitoring_service="Log Alerts V2",
    )
    dimensions = [{"name": each["name"], "value": str(row[each["name"]])} for each in criterion["dimensions"]]
    context = {
        "properties": custom if custom_in_context else None,
        "conditionType": "LogQueryCriteria",
        "condition": {
            "windowSize": said["windowSize"],
            "allOf": [
                {
                    "searchQuery": criterion["query"],
                    "metricMeasureColumn": None,
                    "targetResourceTypes": "['Microsoft.OperationalInsights/workspaces']",
                    "operator": criterion["operator"],
                    "threshold": str(criterion["threshold"]),
                    "timeAggregation": criterion["timeAggregation"],
                    "dimensions": dimensions,
                    "metricValue": 1.0,
                    "failingPeriods": criterion["failingPeriods"],
                }
            ],
            "windowEndTime": instant(at),
        },
    }
    essentials = fired_by(named, alert_id(HOME, _GUID), said["scopes"], origin=_GUID, at=at)
    alert = envelope(essentials, context)
    alert["data"]["customProperties"] = None if custom_in_context else custom
    return alert
