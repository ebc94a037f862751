"""Resource Manager's own event of a backup action that failed, as a subscription's topic emits it.

https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
"""

import uuid
from typing import Any

from simulator.arm.identity import CLIENT_ID, PRINCIPAL, TENANT
from simulator.arm.refusals import Refusal
from simulator.arm.wire import instant
from simulator.event_grid.schemas import Schema

Json = dict[str, Any]

_TYPE = "Microsoft.Resources.ResourceActionFailure"


def action_failure(refusal: Refusal, schema: Schema) -> Json:
    """The event in one of the two schemas; it does not say why the action failed."""
    event = {"subject": refusal.item, "id": str(uuid.uuid4()), "data": _data(refusal)}
    time = instant(refusal.at)
    if schema is Schema.EVENT_GRID:
        return event | {"eventType": _TYPE, "eventTime": time, "dataVersion": "2"}
    source = subscription_topic(refusal)
    return event | {"specversion": "1.0", "type": _TYPE, "source": source, "time": time}


def subscription_topic(refusal: Refusal) -> str:
    """The id of the topic: that of the Azure subscription."""
    return f"/subscriptions/{refusal.subscription_id}"


def _data(refusal: Refusal) -> Json:
    return {
        "authorization": {
            "scope": refusal.item,
            "action": refusal.action,
            "evidence": {"principalId": PRINCIPAL, "principalType": "ServicePrincipal"},
        },
        "claims": {"appid": CLIENT_ID, "iss": f"https://sts.windows.net/{TENANT}/"},
        "correlationId": refusal.correlation_id,
        "httpRequest": {
            "clientRequestId": refusal.client_request_id,
            "clientIpAddress": "127.0.0.1",
            "method": "POST",
            "url": refusal.url,
        },
        "resourceProvider": refusal.action.partition("/")[0],
        "resourceUri": refusal.item,
        "operationName": refusal.action,
        "status": "Failed",
        "subscriptionId": refusal.subscription_id,
        "tenantId": TENANT,
    }
