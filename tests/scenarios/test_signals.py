"""Every way in which Azure tells of a failure, from the simulated Azure to the real app: one retry, to its end."""

import ssl
from collections.abc import Sequence
from http import HTTPStatus

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.jobs import Source
from tests.payloads import payload
from tests.running_app import App, Json
from tests.vm_estate import SUBSCRIPTION, estate, item_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

SUBSCRIPTION_TOPIC = {
    "name": "subscription",
    "topic": f"/subscriptions/{SUBSCRIPTION}",
    "schema": "EventGridSchema",
}


async def azure_tells(app: App, *notices: str, kind: str = "webhook", deaf: bool = False) -> None:
    """Switch these notices on, and all others off; `deaf`: no action group calls the app."""
    groups: Sequence[Json] = [] if deaf else [{"name": "ag-backup", "kind": kind}]
    await app.reset(
        estate(vms=40, alert_delay_seconds=0)
        | {
            "notices": list(notices),
            "action_groups": list(groups),
            "event_subscriptions": [SUBSCRIPTION_TOPIC],
        }
    )


async def retried_once(app: App, vm: str, found_by: Source = Source.ALERT) -> None:
    """The machine's failure was retried without anybody asking, once, and has recovered."""

    async def look() -> bool | None:
        return True if await app.posts(vm) else None

    await app.until(look)
    incident = await app.closed(vm)
    assert (incident.outcome, incident.found_by) == (Outcome.RECOVERED, found_by)
    assert len(await app.posts(vm)) == 1


@pytest.mark.parametrize(
    ("notices", "kind", "vm"),
    [
        (["built_in"], "webhook", "vm-11"),
        (["built_in"], "runbook", "vm-12"),
        (["metric"], "webhook", "vm-13"),
        (["metric_multi"], "webhook", "vm-14"),
        (["log"], "webhook", "vm-15"),
        (["built_in", "metric", "metric_multi", "log"], "webhook", "vm-16"),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
async def test_a_failure_that_azure_tells_of_is_retried_once(
    app: App, notices: list[str], kind: str, vm: str
) -> None:
    """Whichever alert it is, whether it is wrapped, and however many tell of it."""
    await azure_tells(app, *notices, kind=kind)
    await app.fail(vm)
    await retried_once(app, vm)


async def test_a_log_alert_may_name_the_machine_only(app: App) -> None:
    """Resource Graph tells what protects it."""
    vm = "vm-17"
    await azure_tells(app)
    await app.fail(vm)
    alert = payload("log_alert_machine")
    machine = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/RG-App/providers/Microsoft.Compute/virtualMachines/{vm}"
    alert["data"]["alertContext"]["condition"]["allOf"][1]["dimensions"][0]["value"] = machine
    assert (await app.alert(alert)).result["decision"] == "triggered"
    await retried_once(app, vm)


@pytest.mark.parametrize(
    ("notice", "vm", "found_by"),
    [("activity", "vm-18", Source.ALERT), ("resource_action_failure", "vm-19", Source.EVENT)],
)
async def test_somebodys_refused_backup_leads_to_the_failure_before_it(
    app: App, notice: str, vm: str, found_by: Source
) -> None:
    """Nobody told of the failed job; that somebody's call was refused makes the app look at the item."""
    await azure_tells(app, notice, deaf=found_by is Source.EVENT)
    await app.fail(vm)
    assert await refused_call(app, vm) == HTTPStatus.BAD_REQUEST
    await app.until(lambda: looked_at(app, vm))
    incident = await app.closed(vm)
    assert (incident.outcome, incident.found_by) == (Outcome.RECOVERED, found_by)
    assert len(await app.retries(vm)) == 1


async def looked_at(app: App, vm: str) -> bool | None:
    """True once a retry's job has appeared."""
    return True if await app.retries(vm) else None


async def refused_call(app: App, vm: str) -> int:
    """An on-demand backup with a body that Azure does not take; the answer's status."""
    run = app.stack.run
    url = f"{run.arm}{item_id(vm)}/backup?api-version=2026-10-01"
    bearer = {"Authorization": f"Bearer {await app.token('https://management.azure.com')}"}
    trust = ssl.create_default_context(cafile=run.ca_file)
    async with app.http.post(url, json={"properties": {}}, headers=bearer, ssl=trust) as response:
        return response.status
