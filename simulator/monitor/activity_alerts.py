"""The activity log alert of a backup action that failed.

https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-payload-samples
"""

import json
import uuid
from datetime import datetime
from http.client import responses
from typing import Any

from simulator.arm.identity import PRINCIPAL, TENANT
from simulator.arm.refusals import Refusal
from simulator.arm.wire import instant
from simulator.monitor.alert_envelope import AlertRule, alert_id, envelope, fired_by

Json = dict[str, Any]

_RULE = AlertRule(
    name="failed-backup-actions",
    severity="Sev4",
    signal_type="Activity Log",
    monitoring_service="Activity Log - Administrative",
)


def activity_alert(refusal: Refusal, guid: str, at: datetime) -> Json:
    """What a rule on the failed action fires; it says nothing of a job, for there is none."""
    event = str(uuid.uuid4())
    essentials = fired_by(
        _RULE,
        alert_id(refusal.subscription_id, guid),
        [refusal.item],
        origin=f"{event}_{guid.replace('-', '')}",
        at=at,
    )
    return envelope(essentials, _context(refusal, event))


def _context(refusal: Refusal, event: str) -> Json:
    phrase = responses.get(refusal.error.status, "Unknown").title().replace(" ", "")
    return {
        "authorization": {"action": refusal.action, "scope": refusal.item},
        "channels": "Operation",
        "claims": "{}",
        "caller": PRINCIPAL,
        "correlationId": refusal.correlation_id,
        "eventSource": "Administrative",
        "eventTimestamp": instant(refusal.at),
        "eventDataId": event,
        "level": "Error",
        "operationName": refusal.action,
        "operationId": refusal.correlation_id,
        "properties": {
            "statusCode": phrase,
            "serviceRequestId": "",
            "statusMessage": json.dumps(refusal.error.envelope),
            "eventCategory": "Administrative",
            "entity": refusal.item,
            "message": refusal.action,
            "hierarchy": f"{TENANT}/{refusal.subscription_id}",
        },
        "status": "Failed",
        "subStatus": phrase,
        "submissionTimestamp": instant(refusal.at),
        "Activity Log Event Description": "",
    }
