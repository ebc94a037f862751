"""The admin API, over plain http."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from simulator.server import PortTakenError, ServerConfig, serve
from tests.simulated import SUBSCRIPTION, Simulated, simulated

ESTATE: dict[str, Any] = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-backup",
            "name": "vault-1",
            "items": [
                {"vm": "vm-01", "resource_group": "rg-app"},
                {"vm": "vm-02", "resource_group": "rg-app"},
                {"workload": "SQLDataBase", "name": "orders", "server": "sql-1", "instance": "MSSQLSERVER"},
            ],
        }
    ],
    "settings": {"alert_delay_seconds": 0},
}
FAILED = {"status": "Failed", "seconds": 0, "error": "SnapshotTimedOut"}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, ESTATE) as running:
        yield running


async def call(
    world: Simulated, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
) -> tuple[int, Any]:
    """Status and JSON of an admin call."""
    url = f"{world.server.admin_url}/_sim/{path}"
    async with world.http.request(method, url, json=body, params=query or {}) as answer:
        return answer.status, await answer.json() if answer.status != 204 else None


async def test_the_state_shows_items_jobs_and_alerts(world: Simulated) -> None:
    """A failed backup stands there with its error, and its alert beside it."""
    status, started = await call(
        world, "POST", "backups", {"item": "VM-01", "outcome": FAILED, "age_seconds": 60}
    )
    await world.server.monitor.idle()
    state = (await call(world, "GET", "state"))[1]
    assert status == 201
    job = state["jobs"][0]
    assert (job["name"], job["id"], job["status"]) == (started["job"], started["id"], "Failed")
    assert (job["error"]["title"], job["user_triggered"]) == ("SnapshotTimedOut", False)
    assert [alert["job"] for alert in state["alerts"]] == [started["job"]]
    assert [item["last_status"] for item in state["items"]] == ["Failed", None, None]
    assert {"subscriptions", "vaults", "deliveries", "dead_letters", "events"} <= state.keys()


async def test_a_backup_of_a_database_is_of_a_kind(world: Simulated) -> None:
    """Of the usual one if nothing is said."""
    for options in ({}, {"kind": "Log"}):
        await call(world, "POST", "backups", {"item": "ORDERS", **options})
    state = (await call(world, "GET", "state"))[1]
    assert [(job["operation"], job["kind"]) for job in state["jobs"]] == [
        ("Backup", "Full"),
        ("Backup", "Log"),
    ]
    assert [item["workload"] for item in state["items"]] == ["VM", "VM", "SQLDataBase"]


async def test_a_list_of_backups_starts_all_or_none(world: Simulated) -> None:
    """One that cannot be run leaves all of them out."""
    status, answer = await call(world, "POST", "backups", [{"item": "vm-01"}, {"item": "vm-99"}])
    assert (status, answer) == (400, {"error": "[1].item: there is no item 'vm-99'"})
    assert world.server.azure.jobs == []
    status, answer = await call(world, "POST", "backups", [{"item": "vm-01"}, {"item": "vm-02"}])
    assert (status, len(answer)) == (201, 2)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"item": "vm-01", "outcome": {"status": "Broken"}}, "outcome.status: "),
        ({"item": "vm-01", "outcome": {"error": "X"}}, "outcome: "),
        ({"vm": "vm-01"}, "item: Field required"),
        ({"item": "vm-01", "kind": "Full"}, "kind: the kinds of a Backup of VM: none"),
        (
            {"item": "orders", "kind": "Fast"},
            "kind: the kinds of a Backup of SQLDataBase: Full, Differential, ",
        ),
        ({"item": "orders", "kind": "Full", "operation": "Register"}, "kind: the kinds of a Register of "),
        ("vm-01", "the document: "),
    ],
)
async def test_a_malformed_backup_is_refused_with_the_place(
    world: Simulated, body: object, error: str
) -> None:
    """400 says where it is wrong and what is."""
    status, answer = await call(world, "POST", "backups", body)
    assert status == 400
    assert error in answer["error"]


async def test_a_reset_brings_another_estate_and_forgets_all_else(world: Simulated) -> None:
    """Jobs, faults, requests, alerts: nothing is left."""
    await call(world, "POST", "backups", {"item": "vm-01", "outcome": FAILED})
    await call(world, "PUT", "faults", [{"name": "latency"}])
    await world.server.monitor.idle()
    status, summary = await call(world, "POST", "reset", ESTATE | {"vaults": []})
    state = (await call(world, "GET", "state"))[1]
    assert (status, summary) == (200, {"subscriptions": 1, "vaults": 0, "items": 0})
    assert (state["jobs"], state["alerts"], state["items"]) == ([], [], [])
    assert (await call(world, "GET", "faults"))[1] == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            {"vaults": [{"subscription": SUBSCRIPTION, "name": "v"}]},
            "vaults[0].resource_group: Field required",
        ),
        ({"vaults": [ESTATE["vaults"][0] | {"subscription": "s"}]}, "there is no subscription 's'"),
        ({"settings": {"speed": 3}}, "settings.speed: "),
        ({"action_groups": [{"webhook": "http://x"}]}, "action_groups[0]: an action group needs a name"),
        ({"event_subscriptions": [{"schema": "none"}]}, "event_subscriptions[0]: "),
        ({"subscriptions": [{"id": "not-a-guid"}], "vaults": []}, "subscriptions[0].id: "),
    ],
)
async def test_a_malformed_estate_is_refused_and_changes_nothing(
    world: Simulated, change: dict[str, Any], error: str
) -> None:
    """400 says where it is wrong and what is."""
    status, answer = await call(world, "POST", "reset", ESTATE | change)
    assert status == 400
    assert error in answer["error"]
    assert len(list(world.server.azure.items)) == 3


async def test_faults_are_armed_counted_and_disarmed(world: Simulated) -> None:
    """GET shows how often each struck."""
    await call(world, "PUT", "faults", [{"name": "throttle", "match": "backupJobs"}], {"seed": "7"})
    world.server.faults.strike("throttle", "GET /backupjobs")
    assert [fault["struck"] for fault in (await call(world, "GET", "faults"))[1]] == [1]
    assert (await call(world, "DELETE", "faults"))[0] == 204
    assert (await call(world, "GET", "faults"))[1] == []


async def test_an_unknown_fault_is_refused_with_the_known_ones(world: Simulated) -> None:
    """The list saves a look into the documentation."""
    status, answer = await call(world, "PUT", "faults", [{"name": "earthquake"}])
    assert status == 400
    assert "drop_answer" in answer["error"]


async def test_requests_can_be_searched_and_forgotten(world: Simulated) -> None:
    """By a regular expression on the path, and by method; the admin's own calls are not among them."""
    await world.trigger("vm-01")
    found = (
        await call(world, "GET", "requests", None, {"path": "protectedItems/.*/backup$", "method": "POST"})
    )[1]
    assert [(entry["method"], entry["status"]) for entry in found] == [("POST", 202)]
    assert all("_sim" not in entry["path"] for entry in (await call(world, "GET", "requests"))[1])
    assert (await call(world, "GET", "requests", None, {"path": "("}))[0] == 400
    assert (await call(world, "DELETE", "requests"))[0] == 204
    assert (await call(world, "GET", "requests"))[1] == []


async def test_alerts_go_to_the_target_and_can_be_replayed(world: Simulated) -> None:
    """The target is set after the simulator is up; a replay delivers the same job once more."""
    received: list[str] = []

    async def take(request: web.Request) -> web.Response:
        received.append((await request.json())["data"]["alertContext"]["extendedInfo"]["jobId"])
        return web.Response(status=202)

    app = web.Application()
    app.router.add_post("/alerts", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/alerts?code=key"
        assert (await call(world, "PUT", "targets", {"alerts_url": url}))[0] == 204
        job = (await call(world, "POST", "backups", {"item": "vm-01", "outcome": FAILED}))[1]["job"]
        await world.server.monitor.idle()
        assert (await call(world, "POST", "alerts/replay", {"job": job}))[0] == 202
        await world.server.monitor.idle()
    finally:
        await runner.cleanup()
    assert received == [job, job]


async def test_time_passes_without_calls(world: Simulated) -> None:
    """The server's own ticker ends jobs, so that alerts come by themselves."""
    world.run("vm-01")
    world.clock.move(seconds=5)
    for _ in range(100):
        if not world.server.azure.jobs[0].status.running:
            return
        await asyncio.sleep(0.05)
    pytest.fail("the job did not end")


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """So that the user knows which one to choose anew."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} "):
            await serve(ServerConfig(ca_directory=tmp_path, http_port=port))
