"""`backup-retry check --app` on a simulated Azure: the deployed app, its settings, its rights, the way of an alert."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_retry.azure import client
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.ports.access_inspection import VAULT_RIGHTS, missing_rights
from cli.deployed_checks import deployed_checks
from cli.exit_codes import UsageError
from cli.wiring import AzureSessions
from tests.simulated import SUBSCRIPTION, Simulated, simulated

HOST = "func-ours.example"
SETTINGS = {
    "LEDGER_ENDPOINT": "https://ledger.invalid",
    "SCOPE_VAULTS": "vault-*",
    "DRY_RUN": "",
    "FUNCTIONS_X": "1",
}
ESTATE: dict[str, Any] = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {"subscription": SUBSCRIPTION, "resource_group": "rg-backup", "name": name, "items": []}
        for name in ("vault-1", "other-1")
    ],
    "function_apps": [
        {
            "subscription": SUBSCRIPTION,
            "resource_group": group,
            "name": name,
            "host": HOST,
            "settings": SETTINGS,
        }
        for group, name in (
            ("rg-app", "func-ours"),
            ("rg-app", "twice"),
            ("rg-b", "twice"),
            ("rg-solo", "func-solo"),
        )
    ],
    "action_groups": [{"name": "ag-ours", "webhook": f"https://{HOST}/api/alerts?code=key"}],
}


@pytest.fixture
async def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    """A simulated Azure that the command line signs in to, on a laptop whose own settings are others."""
    async with simulated(tmp_path, monkeypatch, ESTATE) as found:
        monkeypatch.setenv("ARM_ENDPOINT", found.server.arm_url)
        monkeypatch.setenv("SCOPE_VAULTS", "nothing-of-the-app")
        context = found.server.certificates.client_context()
        monkeypatch.setattr(client.AzureClients, "__init__", _trusting(client.AzureClients.__init__, context))
        yield found


def _trusting(begin: Any, context: Any) -> Any:
    def trusting(self: Any, settings: Any) -> None:
        begin(self, settings, ssl_context=context)

    return trusting


async def test_the_apps_settings_are_taken_and_not_the_persons(azure: Simulated) -> None:
    """The scope is the app's; what it left empty has its default; what is the platform's is passed over."""
    async with AzureSessions().open_app("func-ours", "") as (session, app, _):
        assert (app.host, app.name) == (HOST, "func-ours")
        assert session.settings.scope_vaults == ("vault-*",)
        assert session.settings.ledger_endpoint == SETTINGS["LEDGER_ENDPOINT"]
        assert session.settings.arm_endpoint == azure.server.arm_url


async def test_every_command_can_take_the_apps_settings(azure: Simulated) -> None:
    """By the resource group alone where it has one app; an option of the command wins over both."""
    async with AzureSessions().of_app("", "rg-solo").open(sweep_lookback="3d") as session:
        assert session.settings.scope_vaults == ("vault-*",)
        assert session.settings.arm_endpoint == azure.server.arm_url
        assert session.settings.sweep_lookback == timedelta(days=3)


async def test_the_way_of_an_alert_and_the_apps_rights_are_read(azure: Simulated) -> None:
    """Rule, action group and webhook; a vault outside the scope is not looked at; nothing is written to Azure."""
    async with AzureSessions().open_app("func-ours", "rg-app") as (session, app, deployment):
        found = {each.name: each for each in await deployed_checks(session, app, deployment)}
        [vault] = [each.vault for each in await session.inspection.vaults() if each.vault.name == "vault-1"]
        assert missing_rights(vault.kind, await session.inspection.permissions(vault)) == []
    assert found["alert route of vault-1"].verdict == "good"
    assert found["permissions on vault-1"].verdict == "good"
    assert found["webhook"].verdict == "bad"  # nobody listens at this host
    assert "alert route of other-1" not in found
    posted = azure.server.simulator.requests.find("", "POST")
    assert {each["path"].rpartition("/")[2].partition("?")[0] for each in posted} == {"resources", "list"}


async def test_a_vault_without_the_role_misses_every_right(azure: Simulated) -> None:
    """The role is asked for by who has it: another identity has none."""
    async with AzureSessions().open_app("func-ours", "") as (session, _, _):
        [vault] = [each.vault for each in await session.inspection.vaults() if each.vault.name == "vault-1"]
        session.inspection._principal = "somebody-else"  # type: ignore[attr-defined]
        missing = missing_rights(vault.kind, await session.inspection.permissions(vault))
    assert missing == list(VAULT_RIGHTS[vault.kind])


@pytest.mark.parametrize(
    ("name", "group", "said"),
    [
        ("nobody", "", "No function app named nobody"),
        ("func-ours", "rg-b", "No function app"),
        ("twice", "", "specify one with --resource-group"),
        ("", "rg-app", "specify one with --app"),
        ("", "rg-c", "in resource group rg-c is visible"),
        ("x' or 1 == 1", "", "--app .* is not a valid"),
        ("", "a'b", "--resource-group .* is not a valid"),
    ],
)
async def test_an_app_that_is_not_one_is_refused(azure: Simulated, name: str, group: str, said: str) -> None:
    """None, two, or no name at all."""
    del azure
    with pytest.raises(UsageError, match=said):
        async with AzureSessions().open_app(name, group):
            pass


@pytest.mark.parametrize("app", ["", "func-ours"])
async def test_without_a_sign_in_every_session_says_az_login(
    azure: Simulated, monkeypatch: pytest.MonkeyPatch, app: str
) -> None:
    """Before anything is asked of Azure, whether the settings are the shell's or an app's."""
    monkeypatch.setenv("LEDGER_ENDPOINT", "https://ledger.invalid")
    monkeypatch.setenv("IDENTITY_HEADER", "wrong")
    before = len(azure.server.simulator.requests.find("/providers/", ""))
    with pytest.raises(AzureUnavailable, match="az login"):
        async with (AzureSessions().of_app(app, "") if app else AzureSessions()).open():
            pass
    assert len(azure.server.simulator.requests.find("/providers/", "")) == before
