"""From an alert's JSON to a signal, by the service that raised it: values in, values out."""

import json
from collections.abc import Mapping
from typing import Any

from backup_retry.domain.alert_dimensions import DEFAULT, Dimensions
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.jobs import Source
from reactor import backup_actions, backup_alerts, log_alerts, metric_alerts
from reactor.common_schema import read
from reactor.signals import Ignored, Signal


def parse_body(body: bytes, dimensions: Dimensions = DEFAULT) -> Signal | Ignored:
    """The signal in a webhook's body, see `parse_payload`.

    Raises:
        BadSignal: the body is no JSON, or no alert in the common alert schema.
    """
    return parse_payload(_json(body, "body"), dimensions)


def parse_payload(payload: object, dimensions: Dimensions = DEFAULT) -> Signal | Ignored:
    """The signal in an alert, which may be wrapped as for an Automation runbook.

    Raises:
        BadSignal: it is something else.
    """
    if isinstance(payload, Mapping) and "RequestBody" in payload and "schemaId" not in payload:
        payload = _unwrapped(payload["RequestBody"])
    return parse_alert(payload, Source.ALERT, dimensions)


def parse_alert(payload: object, source: Source, dimensions: Dimensions = DEFAULT) -> Signal | Ignored:
    """The signal in an alert of the common alert schema; an alert of a service that we do not know is ignored.

    Raises:
        BadSignal: it is something else, or lacks what every alert has.
    """
    alert = read(payload, source)
    if (alert.essentials.monitor_condition or "Fired").casefold() != "fired":
        return alert.ignored(f"the alert is {alert.essentials.monitor_condition}, not Fired")
    match alert.service.casefold():
        case "azure backup":
            return backup_alerts.read(alert)
        case "log alerts v2":
            return log_alerts.read(alert, dimensions)
        case "platform":
            return metric_alerts.read(alert)
        case "activity log - administrative":
            return backup_actions.read_alert(alert)
        case _:
            return alert.ignored(f"an alert of {alert.service}, which says nothing of backups")


def _unwrapped(request_body: object) -> Any:  # noqa: ANN401 (any JSON)
    """What a runbook would find in $WebhookData.RequestBody.

    https://learn.microsoft.com/azure/automation/automation-webhooks
    """
    if not isinstance(request_body, str):
        raise BadSignal("is no text.", where="RequestBody", remedy="Send the alert as JSON in a string.")
    return _json(request_body, "RequestBody")


def _json(text: bytes | str, where: str) -> Any:  # noqa: ANN401 (any JSON)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSignal(
            f"not JSON ({error}).", where=where, remedy="Send the alert as the action group sends it."
        ) from error
