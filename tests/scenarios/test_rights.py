"""The role in infra/bicep has exactly the rights that the app uses."""

import json
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from backup_retry.azure.client import AzureClients
from backup_retry.azure.vaults import AzureVaults
from backup_retry.settings.settings import Settings
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.bicep_files import BICEP
from tests.rights import needed_actions
from tests.running_app import App, running
from tests.vm_estate import estate

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


def everything() -> dict[str, Any]:
    """VMs, a file share, and a disk in a backup vault."""
    azure = estate(vms=3)
    [vault] = azure["vaults"]
    share = {"workload": "AzureFileShare", "name": "share-1", "account": "stone"}
    disk = {"workload": "Microsoft.Compute/disks", "name": "disk-1"}
    backup_vault = {**vault, "kind": "backup", "name": "backup-1", "items": [disk]}
    return {**azure, "vaults": [{**vault, "items": [*vault["items"], share]}, backup_vault]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app on a stack with everything that it has rights for."""
    async with running(tmp_path_factory.mktemp("stack"), azure=everything()) as started:
        yield started


async def test_the_role_allows_what_the_app_calls_and_nothing_else(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert, a lost answer, a follow-up and a sweep: every call they make is covered, every action is used."""
    await app.arm({"name": "drop_answer", "match": "POST .*;vm-01/backup", "count": 1})
    await app.failed_and_alerted("vm-01")
    await app.failed_and_alerted("vm-02")
    await ask_for_the_operation(app, "vm-02", monkeypatch)
    others = [await fail(app, name) for name in ("share-1", "disk-1")]
    await app.fail("vm-03")
    await app.sweep()
    await ask_for_the_operation(app, others[-1], monkeypatch)
    for item in ("vm-01", "vm-02", "vm-03", *others):
        assert (await app.closed(item)).outcome == "recovered"
    granted = set(json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8")))
    assert needed_actions(await calls(app)) == granted


async def fail(app: App, name: str) -> str:
    """Let a scheduled backup fail; the item's ARM id."""
    job = await app.fail(name)
    async with aiohttp.ClientSession(app.stack.run.admin) as session, session.get("/_sim/state") as response:
        state = await response.json()
    return str(next(each["item"] for each in state["jobs"] if each["name"] == job))


async def ask_for_the_operation(app: App, item: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a follow-up asks when a retry's job has not appeared, which the simulated vault never lets happen."""
    run = app.stack.run
    monkeypatch.setenv("IDENTITY_ENDPOINT", run.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", run.identity_header)
    settings = Settings(ledger_endpoint=run.table_endpoint, arm_endpoint=run.arm)
    trust = ssl.create_default_context(cafile=run.ca_file)
    incident = await app.incident(item)
    async with AzureClients(settings, ssl_context=trust) as clients:
        vaults = AzureVaults(clients, lambda: datetime.now(UTC))
        assert await vaults.operation(incident.item, incident.attempts[-1].operation_id)


async def calls(app: App) -> list[dict[str, Any]]:
    """What Azure saw of the app."""
    async with (
        aiohttp.ClientSession(app.stack.run.admin) as session,
        session.get("/_sim/requests") as response,
    ):
        found: list[dict[str, Any]] = await response.json()
    return found
