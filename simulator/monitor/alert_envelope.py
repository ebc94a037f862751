"""The common alert schema: the envelope that every alert of Azure Monitor comes in.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator.arm.wire import instant

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class AlertRule:
    """An alert rule that somebody made, as its alerts show it."""

    name: str
    severity: str
    signal_type: str
    monitoring_service: str
    description: str = ""


def alert_id(subscription_id: str, guid: str) -> str:
    """The ARM id of an alert."""
    return f"/subscriptions/{subscription_id}/providers/Microsoft.AlertsManagement/alerts/{guid}"


def envelope(essentials: Json, context: Json) -> Json:
    """The body that action groups post."""
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context, "customProperties": None},
    }


def fired_by(rule: AlertRule, alert_id: str, targets: Sequence[str], *, origin: str, at: datetime) -> Json:
    """The essentials of an alert that `rule` fired; the targets' ids are lower-cased, as in real payloads."""
    return {
        "alertId": alert_id,
        "alertRule": rule.name,
        "severity": rule.severity,
        "signalType": rule.signal_type,
        "monitorCondition": "Fired",
        "monitoringService": rule.monitoring_service,
        "alertTargetIDs": [target.lower() for target in targets],
        "configurationItems": [target.rpartition("/")[2] for target in targets],
        "originAlertId": origin,
        "firedDateTime": instant(at),
        "description": rule.description,
        "essentialsVersion": "1.0",
        "alertContextVersion": "1.0",
    }
