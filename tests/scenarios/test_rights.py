"""The role in infra/bicep has exactly the rights that the app uses."""

import json
import ssl
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.settings import Settings
from simulator.azurite import DEFAULT_DIRECTORY
from simulator.azurite.install import is_installed
from tests.bicep_files import BICEP
from tests.rights import needed_actions
from tests.running_app import App

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not is_installed(DEFAULT_DIRECTORY), reason="Azurite is not installed: make"),
]


async def test_the_role_allows_what_the_app_calls_and_nothing_else(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert, a lost answer, a follow-up and a sweep: every call they make is covered, every action is used."""
    await app.arm({"name": "drop_answer", "match": "POST .*;vm-01/backup", "count": 1})
    await app.failed_and_alerted("vm-01")
    await app.failed_and_alerted("vm-02")
    await ask_for_the_operation(app, "vm-02", monkeypatch)
    await app.fail("vm-03")
    await app.sweep()
    for vm in ("vm-01", "vm-02", "vm-03"):
        assert (await app.closed(vm)).outcome == "recovered"
    granted = set(json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8")))
    assert needed_actions(await calls(app)) == granted


async def ask_for_the_operation(app: App, vm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a follow-up asks when a retry's job has not appeared, which the simulated vault never lets happen."""
    run = app.stack.run
    monkeypatch.setenv("IDENTITY_ENDPOINT", run.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", run.identity_header)
    settings = Settings(ledger_endpoint=run.table_endpoint, arm_endpoint=run.arm)
    trust = ssl.create_default_context(cafile=run.ca_file)
    incident = await app.incident(vm)
    async with AzureClients(settings, ssl_context=trust) as clients:
        vaults = RecoveryServicesVaults(clients, lambda: datetime.now(UTC))
        assert await vaults.operation(incident.item, incident.attempts[-1].operation_id)


async def calls(app: App) -> list[dict[str, Any]]:
    """What Azure saw of the app."""
    async with (
        aiohttp.ClientSession(app.stack.run.admin) as session,
        session.get("/_sim/requests") as response,
    ):
        found: list[dict[str, Any]] = await response.json()
    return found
