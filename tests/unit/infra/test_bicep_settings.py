"""The app's settings in Bicep are those in the code: all of them, and no others."""

import re

import pytest

from backup_retry.settings.settings import Settings
from tests.bicep_files import BICEP, asked, template

#: what main.bicep fills in from what it has made, and what is a secure parameter of its own
WIRED = {
    "HEARTBEAT_URL",
    "AZURE_CLOUD",
    "ARM_ENDPOINT",
    "LEDGER_ENDPOINT",
    "EVENTGRID_TOPIC_ENDPOINT",
    "DEAD_LETTER_CONTAINER",
}
#: what the Functions host reads: storage and telemetry are reached by the identity, so none is a secret
PLATFORM = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AZURE_CLIENT_ID",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
}
#: what main.bicep sets beside them, of its own parameters: the app reads it as it is loaded
SIGN_IN = {"SIGN_IN_CLIENT_ID", "SIGN_IN_OPERATORS", "SIGN_IN_READERS", "SECURE_WEBHOOK_CLIENT_ID"}
FIELDS = {name.upper() for name in Settings.model_fields}


def settable() -> list[str]:
    """The keys of main.bicep's type `retrySettings`."""
    return list(template("main")["definitions"]["retrySettings"]["properties"])


def test_every_setting_can_be_set() -> None:
    """A field of Settings is a key of the type `retrySettings`, or is wired by main.bicep."""
    assert set(settable()) == FIELDS - WIRED


def test_the_parameter_file_reads_every_setting_from_the_environment() -> None:
    """So that `azd env set NAME value` changes it; empty is the default, except where it means off."""
    parameters = (BICEP / "main.bicepparam").read_text(encoding="utf-8")
    read = re.findall(r"^  (\w+): readEnvironmentVariable\('(\w+)', '(.*)'\)", parameters, re.MULTILINE)
    own = {"LOOK_BACK_SCHEDULE": Settings.model_fields["look_back_schedule"].default}
    assert read == [(name, name, own.get(name, "")) for name in settable()]


@pytest.mark.parametrize("app", ["main", "main-everything"])
def test_the_app_is_given_its_settings_and_the_platforms(app: str) -> None:
    """With the endpoints of what main.bicep has made."""
    settings = asked(app, "Microsoft.Web/sites/config")[0]["properties"]
    assert set(settings) == FIELDS | PLATFORM | SIGN_IN
    assert settings["HEARTBEAT_URL"] == "[parameters('heartbeatUrl')]"
    assert settings["ARM_ENDPOINT"] == "[environment().resourceManager]"
    assert ".primaryEndpoints.table]" in settings["LEDGER_ENDPOINT"]
    assert "/Microsoft.EventGrid/topics/" in settings["EVENTGRID_TOPIC_ENDPOINT"]
    assert settings["DEAD_LETTER_CONTAINER"].endswith("dead-letters')]")


def test_empty_settings_mean_the_default() -> None:
    """What an administrator leaves empty is deployed as an empty text, which the app takes for its default."""
    assert Settings.model_config["env_ignore_empty"]
