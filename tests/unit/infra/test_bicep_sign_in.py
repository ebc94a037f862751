"""How people and Azure Monitor sign in to the app, with every combination of the two switches."""

import json
from typing import Any

import pytest

from backup_retry.settings.sign_in import SignIn
from tests.bicep_files import BICEP, asked
from tools.compiled_bicep import OPERATORS, READERS, SECURE_WEBHOOK, SIGN_IN

#: a snapshot with each combination, and its applications, that of the sign-in page first
COMBINATIONS = {
    "main": [],
    "main-sign-in": [SIGN_IN],
    "main-private": [SECURE_WEBHOOK],
    "main-everything": [SIGN_IN, SECURE_WEBHOOK],
}


def config(snapshot: str, kind: str) -> Any:
    """Settings, or how callers sign in."""
    [found] = [each for each in asked(snapshot, "Microsoft.Web/sites/config") if each["name"].endswith(kind)]
    return found["properties"]


@pytest.mark.parametrize(("snapshot", "applications"), COMBINATIONS.items())
def test_the_platform_signs_in_where_there_is_an_application(snapshot: str, applications: list[str]) -> None:
    """It is deployed with every combination: what is switched off is on no longer, and nobody gets its 401."""
    found = config(snapshot, "authsettingsV2")
    assert found["platform"]["enabled"] is bool(applications)
    providers = found["identityProviders"]
    assert list(providers) == (["azureActiveDirectory"] if applications else [])
    for entra in providers.values():
        assert entra["registration"]["clientId"] == applications[0]
        assert entra["registration"]["openIdIssuer"].startswith("[format('{0}{1}/v2.0', environment()")
        assert entra["validation"] == {
            "allowedAudiences": [each for client in applications for each in (client, f"api://{client}")]
        }


@pytest.mark.parametrize("snapshot", COMBINATIONS)
def test_the_platform_refuses_nobody_by_itself(snapshot: str) -> None:
    """It could let /admin and an incident's page through by their exact addresses only; the app itself asks."""
    found = config(snapshot, "authsettingsV2")
    assert found["globalValidation"] == {
        "requireAuthentication": False,
        "unauthenticatedClientAction": "AllowAnonymous",
        "excludedPaths": [],
    }
    assert "allowedApplications" not in json.dumps(found)


@pytest.mark.parametrize(("snapshot", "applications"), COMBINATIONS.items())
def test_the_app_is_told_who_may_come_in(snapshot: str, applications: list[str]) -> None:
    """By the names that it reads; that the platform is on, it hears from the platform alone."""
    settings = config(snapshot, "appsettings")
    assert not any(name.startswith("WEBSITE_AUTH") for name in settings)
    sign_in = SignIn.of(settings | {"WEBSITE_AUTH_ENABLED": "True"})
    assert [each for each in (sign_in.page, sign_in.webhook) if each] == applications


def test_operators_and_readers_see_the_page() -> None:
    """Those who have the ledger's roles; whoever installs among them, unless that is switched off."""
    assert SignIn.of(config("main-everything", "appsettings")).people == {OPERATORS, READERS}
    assert "toLower(deployer().objectId)" in config("main-sign-in", "appsettings")["SIGN_IN_OPERATORS"]


def test_a_secret_is_not_asked_for() -> None:
    """The sign-in page answers with an id token; there is nothing to keep, and nothing that runs out."""
    text = (BICEP / "modules" / "function-app.bicep").read_text(encoding="utf-8")
    assert "clientSecret" not in text
