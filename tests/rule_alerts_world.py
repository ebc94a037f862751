"""Alerts of rules that people make, from the files of payloads."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.payloads import payload

WORKSPACE = payload("log_alert_v2")["data"]["essentials"]["alertTargetIDs"][0]


def dimensions(names: Mapping[str, object]) -> list[dict[str, object]]:
    """Dimensions as Azure Monitor writes them."""
    return [{"name": name, "value": value} for name, value in names.items()]


def fired(
    name: str, *criteria: Mapping[str, object], targets: Sequence[str] = (WORKSPACE,)
) -> dict[str, Any]:
    """The alert in a file, fired for other dimensions."""
    alert: dict[str, Any] = payload(name)
    condition = alert["data"]["alertContext"]["condition"]
    first = condition["allOf"][0]
    condition["allOf"] = [{**first, "dimensions": dimensions(names)} for names in criteria]
    alert["data"]["essentials"]["alertTargetIDs"] = list(targets)
    return alert
