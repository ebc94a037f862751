"""The three processes together, with a small function app in the place of the product."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from simulator.machine.locks import InUseError
from simulator.machine.processes import ChildProcess, ProcessDiedError
from simulator.machine.tls import ensure_ca
from simulator.stack import Stack

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]

REPOSITORY = Path(__file__).parents[3]
TINY_APP = REPOSITORY / "tests" / "apps" / "tiny"
SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
ESTATE = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Test"}],
    "vaults": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-backup",
            "name": "vault-1",
            "items": [{"vm": "vm-01", "resource_group": "rg-app"}],
        }
    ],
    "settings": {"alert_delay_seconds": 0},
}
TIMEOUT_SECONDS = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    directory = tmp_path_factory.mktemp("stack")
    async with Stack({"GREETING": "hello"}, ESTATE, app_directory=TINY_APP, directory=directory) as stack:
        yield stack


async def answer(method: str, url: str, **options: Any) -> Any:
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.request(method, url, **options) as response,
    ):
        return await response.json()


async def test_the_app_reaches_everything_with_its_settings(stack: Stack) -> None:
    """Identity, Resource Manager and tables answer at the addresses that the app is given."""
    settings = await answer("GET", f"{stack.run.host}/api/settings")
    assert settings["GREETING"] == "hello"
    assert settings["ARM_ENDPOINT"] == stack.run.arm
    assert settings["LEDGER_ENDPOINT"] == stack.run.table_endpoint
    identity = settings["IDENTITY_ENDPOINT"]
    token = await answer(
        "GET",
        f"{identity}?resource=https://management.azure.com/&api-version=2019-08-01",
        headers={"X-IDENTITY-HEADER": settings["IDENTITY_HEADER"]},
    )
    trust = ensure_ca(Path(settings["SSL_CERT_FILE"]).parent).client_context()
    found = await answer(
        "GET",
        f"{settings['ARM_ENDPOINT']}/subscriptions?api-version=2022-12-01",
        headers={"Authorization": f"Bearer {token['access_token']}"},
        ssl=trust,
    )
    assert [each["subscriptionId"] for each in found["value"]] == [SUBSCRIPTION]


async def test_an_alert_reaches_the_app(stack: Stack) -> None:
    """A failed backup is delivered to the app's alerts URL."""
    failure = {"item": "vm-01", "outcome": {"status": "Failed", "seconds": 0}}
    job = await answer("POST", f"{stack.run.admin}/_sim/backups", json=failure)
    [delivery] = await _deliveries(stack)
    assert (delivery["job"], delivery["status"]) == (job["job"], 202)


async def _deliveries(stack: Stack) -> list[dict[str, Any]]:
    """The deliveries, as soon as there are any."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            deliveries: list[dict[str, Any]] = (await answer("GET", f"{stack.run.admin}/_sim/state"))[
                "deliveries"
            ]
            if deliveries:
                return deliveries
            await asyncio.sleep(0.02)


async def test_a_killed_host_comes_back_at_the_same_address(stack: Stack) -> None:
    """With the same keys, and with settings changed."""
    await stack.kill_host()
    with pytest.raises(aiohttp.ClientConnectionError):
        await answer("GET", f"{stack.run.host}/api/settings")
    await stack.restart_host({"GREETING": "again"})
    assert (await answer("GET", f"{stack.run.host}/api/settings"))["GREETING"] == "again"


async def test_a_stack_that_cannot_start_leaves_nothing_behind(tmp_path: Path) -> None:
    """The app's error is shown."""
    (tmp_path / "host.json").write_text("{}")
    (tmp_path / "function_app.py").write_text("import nothing_of_this_name")
    with pytest.raises(ProcessDiedError, match="nothing_of_this_name"):
        async with Stack({}, ESTATE, app_directory=tmp_path, directory=tmp_path / "stack"):
            pytest.fail("it started")


async def start_command(directory: Path) -> ChildProcess:
    free = dict.fromkeys(("PORT_HOST", "PORT_ARM", "PORT_ADMIN", "PORT_TABLES"), "0")
    launcher = "import os, sys; os.chdir(sys.argv[1]); os.execv(sys.executable, sys.argv[2:])"
    return await ChildProcess.start(
        "the stack",
        [sys.executable, "-c", launcher, directory, sys.executable, "-m", "simulator.stack", TINY_APP],
        log_file=directory / "stack.log",
        environment={"PATH": os.defpath, "PYTHONPATH": str(REPOSITORY), **free},
    )


async def test_the_command_writes_where_everything_is(tmp_path: Path) -> None:
    """run.json has the documented keys, the printed alert can be posted, and SIGTERM ends it all."""
    command = await start_command(tmp_path)
    await command.logged("Press Ctrl-C to stop", within=TIMEOUT_SECONDS)
    run = json.loads((tmp_path / "build" / "run.json").read_text())
    assert set(run) == {
        *("host", "alerts_url", "eventgrid_url", "function_key", "master_key", "eventgrid_key"),
        *("arm", "ca_file", "identity_endpoint", "identity_header", "table_endpoint", "admin"),
    }
    alert = json.loads((tmp_path / "build" / "alert.json").read_text())
    assert (await answer("POST", run["alerts_url"], json=alert))["received"] == "Backup Failure"
    await command.stop()
    assert await command.ended() == 0
    with pytest.raises(aiohttp.ClientConnectionError):
        await answer("GET", run["admin"])


async def test_a_directory_is_of_one_stack(stack: Stack) -> None:
    """A second demo in the same place says so, and leaves the first one alone."""
    with pytest.raises(InUseError, match="is in use by another process"):
        await Stack({}, ESTATE, app_directory=TINY_APP, directory=stack.host.log_file.parent).start()
    assert (await answer("GET", f"{stack.run.host}/api/settings"))["GREETING"]


async def test_the_command_ends_when_a_process_dies(tmp_path: Path) -> None:
    """It says which one, with the last lines of its log."""
    command = await start_command(tmp_path)
    await command.logged("Press Ctrl-C to stop", within=TIMEOUT_SECONDS)
    run = json.loads((tmp_path / "build" / "run.json").read_text())
    settings = await answer("GET", f"{run['host']}/api/settings")
    os.kill(int(settings["host_pid"]), signal.SIGKILL)
    assert await command.ended() == 1
    assert "the Functions host ended with code -9" in command.tail()
