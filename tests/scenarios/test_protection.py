"""Whether items are protected, on the whole simulated stack: from the first minute to what a person is told."""

from typing import Any

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.missed import NO_BACKUP_IN_TIME
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.running_app import App, running
from tests.vm_estate import SUBSCRIPTION, Json

DAY = 86_400


def estate(**vms: float | None) -> Json:
    """A vault of machines by the age of their last good point in days (None: there is none), and operational blobs."""
    items = [
        {"vm": name, "protection_state": "IRPending"}
        if age is None
        else {"vm": name, "last_backup_age_seconds": age * DAY}
        for name, age in vms.items()
    ]
    blobs = {"workload": "Microsoft.Storage/storageAccounts/blobServices", "name": "stblobs"}
    place = {"subscription": SUBSCRIPTION, "resource_group": "rg-backup"}
    operational = {"name": "Operational", "workload": blobs["workload"], "backup_rule": None}
    return {
        "subscriptions": [{"id": SUBSCRIPTION, "name": "Test"}],
        "vaults": [
            {**place, "name": "vault-1", "items": items},
            {
                **place,
                "name": "backup-1",
                "kind": "backup",
                "policies": [operational],
                "items": [blobs | {"policy": "Operational"}],
            },
        ],
        "action_groups": [],
        "event_subscriptions": [],
    }


async def seen(app: App) -> tuple[str, dict[str, str], Any]:
    """The headline, each item's state, and how many are unprotected now, as soon as Resource Graph has answered."""
    run = app.stack.run

    async def look() -> Json | None:
        address, params = f"{run.host}/api/status.json", {"code": run.function_key}
        async with app.http.get(address, params=params) as response:
            document: Json = await response.json()
        return document if response.status == 200 and document["estate_read_at"] else None

    document = await app.until(look)
    states = {each["name"]: each["protection"] for each in document["items"]}
    return document["headline"]["text"], states, document["protection"]["unprotected"]


@pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make")
async def test_an_old_recovery_point_is_seen_at_once_and_told_by_the_next_sweep(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Twelve days old beside one of today, a machine just set up, and blobs that have no backups to miss."""
    directory = tmp_path_factory.mktemp("stack")
    async with running(directory, azure=estate(old=12, today=0.5, new=None)) as app:
        headline, states, unprotected = await seen(app)
        assert (headline, unprotected) == ("1 item has no recent recovery point.", 1)
        assert states == {
            "old": "overdue",
            "today": "protected",
            "new": "in_progress",
            "stblobs": "continuous",
        }
        await app.sweep()
        await app.follow_up()

        incident = await app.closed("old")
        assert (incident.outcome, incident.failure.error.title) == (Outcome.NEEDS_ACTION, NO_BACKUP_IN_TIME)
        [notice] = app.lines("notice_given")
        assert (notice["item"], notice["error"]) == ("old", NO_BACKUP_IN_TIME)
        assert await app.posts("old") == []
        assert (await app.health())["unprotected"] == 1
        [counted] = app.lines("protection_counted")
        assert counted["states"] == {"protected": 1, "overdue": 1, "in_progress": 1, "continuous": 1}
