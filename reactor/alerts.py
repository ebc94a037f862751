"""From an alert's JSON to a signal, by the service that raised it: values in, values out."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from backup_retry.domain.alert_dimensions import DEFAULT, Dimensions
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from backup_retry.domain.texts import valid_json
from reactor import backup_actions, backup_alerts, log_alerts, metric_alerts, own_alerts
from reactor.common_schema import Alert, read
from reactor.signals import Ignored, Signal

#: Azure Monitor writes alerts to an event hub in batches of a few
_MOST_ALERTS = 100


def parse_body(body: bytes, dimensions: Dimensions = DEFAULT) -> Sequence[Signal | Ignored]:
    """The signals in a webhook's body: one alert, or the array of them that came through an event hub.

    Raises:
        BadSignal: the body is not JSON, or one of its alerts is none, see `parse_payload`.
    """
    payload = _json(body, "body")
    if not isinstance(payload, list):
        return [parse_payload(payload, dimensions)]
    if not 0 < len(payload) <= _MOST_ALERTS:
        problem = f"an array of {len(payload)}."
        raise BadSignal(problem, where="body", remedy=f"Send 1 to {_MOST_ALERTS} alerts at a time.")
    return [parse_payload(each, dimensions) for each in payload]


def parse_payload(payload: object, dimensions: Dimensions = DEFAULT) -> Signal | Ignored:
    """The signal in an alert, which may be wrapped as for an Automation runbook or by a Logic App.

    Raises:
        BadSignal: it is something else.
    """
    if isinstance(payload, Mapping) and "schemaId" not in payload:
        if "RequestBody" in payload:
            payload = _unwrapped(payload["RequestBody"])
        elif isinstance(payload.get("body"), Mapping):
            payload = payload["body"]
    return parse_alert(payload, Source.ALERT, dimensions)


def parse_alert(payload: object, source: Source, dimensions: Dimensions = DEFAULT) -> Signal | Ignored:
    """The signal in an alert of the common alert schema; an alert of a service that we do not know is ignored.

    Raises:
        BadSignal: it is something else, or lacks what every alert has.
    """
    alert = read(payload, source)
    if (alert.essentials.monitor_condition or "Fired").casefold() != "fired":
        return alert.ignored(f"the alert is {alert.essentials.monitor_condition}, not Fired")
    if ours := own_alerts.read(alert):
        return ours
    read_context = _readers(dimensions).get(alert.service.casefold())
    if read_context is None:
        return alert.ignored(f"an alert of {alert.service}, which is not about backups")
    return read_context(alert)


def _readers(dimensions: Dimensions) -> Mapping[str, Callable[[Alert], Signal | Ignored]]:
    """Who reads the alerts of which monitoringService; three of them are rules from before Log Alerts V2."""
    classic = partial(log_alerts.read_classic, known=dimensions)
    return {
        "azure backup": backup_alerts.read,
        "log alerts v2": partial(log_alerts.read, known=dimensions),
        "log analytics": classic,
        "log alerts": classic,
        "application insights": classic,
        "platform": metric_alerts.read,
        "activity log - administrative": backup_actions.read_alert,
    }


def _unwrapped(request_body: object) -> Any:  # noqa: ANN401 (any JSON)
    """What a runbook would find in $WebhookData.RequestBody.

    https://learn.microsoft.com/azure/automation/automation-webhooks
    """
    if not isinstance(request_body, str):
        raise BadSignal("is not text.", where="RequestBody", remedy="Send the alert as JSON in a string.")
    return _json(request_body, "RequestBody")


def _json(text: bytes | str, where: str) -> Any:  # noqa: ANN401 (any JSON)
    try:
        return valid_json(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise BadSignal(
            f"not JSON ({error}).", where=where, remedy="Send the alert as the action group sends it."
        ) from error
