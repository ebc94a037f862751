"""The app's settings in Bicep are those in the code: all of them, and no others."""

import re

from backup_retry.settings.settings import Settings
from tests.bicep_files import BICEP, MODULES, BicepFile

#: What main.bicep fills in from what it has made; an administrator does not set them.
WIRED = {
    "ARM_ENDPOINT": "environment().resourceManager",
    "LEDGER_ENDPOINT": "storage.outputs.tableEndpoint",
    "EVENTGRID_TOPIC_ENDPOINT": "topic.outputs.endpoint",
}
MAIN = BicepFile(BICEP / "main.bicep")
FIELDS = {name.upper() for name in Settings.model_fields}


def settable() -> list[str]:
    """The keys of main.bicep's type `retrySettings`."""
    return list(MAIN.declared("type")["retrySettings"].properties)


def test_every_setting_can_be_set() -> None:
    """A field of Settings is a key of the type `retrySettings`, or is wired by main.bicep."""
    assert set(settable()) == FIELDS - set(WIRED)


def test_the_parameter_file_reads_every_setting_from_the_environment() -> None:
    """So that `azd env set NAME value` changes it; empty stands for the default in the code."""
    parameters = (BICEP / "main.bicepparam").read_text(encoding="utf-8")
    read = re.findall(r"^  (\w+): readEnvironmentVariable\('(\w+)', ''\)$", parameters, re.MULTILINE)
    assert read == [(name, name) for name in settable()]


def test_what_bicep_knows_itself_is_wired() -> None:
    """The endpoints of what main.bicep has made reach the app."""
    for name in FIELDS & set(WIRED):
        assert f"{name}: {WIRED[name]}" in MAIN.source
    for name in set(WIRED) - FIELDS:
        assert name not in MAIN.source


def test_empty_settings_mean_the_default() -> None:
    """What an administrator leaves empty is deployed as an empty text, which the app takes for its default."""
    assert Settings.model_config["env_ignore_empty"]


def test_the_platforms_settings_hold_no_secret() -> None:
    """Storage and telemetry are reached by the identity; Flex Consumption refuses what functionAppConfig says."""
    app = BicepFile(MODULES / "function-app.bicep")
    assert set(app.declared("var")["platformSettings"].properties) == {
        "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "AZURE_CLIENT_ID",
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage__clientId",
        "AzureWebJobsStorage__credential",
    }
    assert "properties: union(platformSettings, settings)" in app.source
