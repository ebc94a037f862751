"""A small bad night for the pages: one of everything that they show."""

import json
from typing import Any

from tests.running_app import SETTINGS, App, Json
from tests.vm_estate import SUBSCRIPTION, backup_failure

SHOP = "bbbbbbbb-0000-0000-0000-000000000002"
#: what somebody called a machine, and what an error says
HOSTILE = '"><svg onload=alert(1)>'
HOSTILE_ERROR = "<script>alert('error')</script>"
NEEDS_PERSON = "UserErrorVmProvisioningStateFailed"
_DAY = 86_400
_A_MINUTE = 60
#: a sweep that is over, and one that no turn comes to before the test ends
PROFILES = [
    {"name": "yearly", "schedule": SETTINGS["SWEEP_SCHEDULE"]},
    {"name": "past", "schedule": SETTINGS["SWEEP_SCHEDULE"], "expires": "2026-01-01T00:00:00Z"},
]
APP_SETTINGS = {**SETTINGS, "MAX_ATTEMPTS": "1", "SWEEP_PROFILES": json.dumps(PROFILES)}


def estate() -> Json:
    """Two subscriptions with a vault each."""
    return {
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}, {"id": SHOP, "name": "Shop"}],
        "vaults": [
            _vault(
                SUBSCRIPTION,
                "vault-1",
                [*_plain("vm", 5), _running("vm-slow"), _failing("vm-twice"), _failing(HOSTILE)],
            ),
            _vault(SHOP, "vault-shop", _plain("shop", 3)),
        ],
        "action_groups": [],
        "event_subscriptions": [],
        "settings": {"backup_seconds": 0.2, "operation_seconds": 0.1, "delivery_pace": 0.02},
    }


async def play(app: App) -> None:
    """Thirteen good nights, and then this one."""
    names = [item["vm"] for vault in estate()["vaults"] for item in vault["items"]]
    good = [_backup(name, {}, days * _DAY) for days in range(1, 14) for name in names]
    three_days_ago = _backup("shop-02", {"status": "Failed"}, 3 * _DAY)
    await app._sim("POST", "backups", json=[*good, three_days_ago, _backup("shop-01", {}, _A_MINUTE)])
    await app.failed_and_alerted("vm-01")
    await app.failed_and_alerted("vm-02", NEEDS_PERSON)
    await app.failed_and_alerted("vm-slow")
    await app.failed_and_alerted("vm-twice")
    error = {"code": 499_999, "title": "UserErrorNobodyKnows", "message": HOSTILE_ERROR}
    job = await app.run_backup(HOSTILE, {"status": "Failed", "seconds": 0, "error": error})
    await app.alert(backup_failure(HOSTILE, job))
    if await app.waiting():  # a busy machine has put an alert off
        await app.process_deferred()
    for name in ("vm-01", "vm-twice", HOSTILE):
        await app.closed(name)
    await app.sweep()


def _backup(item: str, outcome: Json, age_seconds: int) -> Json:
    return {"item": item, "outcome": {"seconds": 0, **outcome}, "age_seconds": age_seconds, "scheduled": True}


def _vault(subscription: str, name: str, items: list[Json]) -> Json:
    named = [{"resource_group": "rg-app", **item} for item in items]
    return {"subscription": subscription, "resource_group": "rg-backup", "name": name, "items": named}


def _plain(prefix: str, number: int) -> list[Json]:
    return [{"vm": f"{prefix}-{each:02}"} for each in range(1, number + 1)]


def _running(vm: str) -> Json:
    return {"vm": vm, "next_outcomes": [{"seconds": 900.0}]}


def _failing(vm: str) -> Json:
    failure: dict[str, Any] = {"status": "Failed", "seconds": 0, "error": "CloudInternalError"}
    return {"vm": vm, "next_outcomes": [failure] * 3}
