"""A deployment in a made-up cloud: what Resource Manager would be asked for names that cloud, and no other."""

import json
import re

import pytest

from backup_retry.settings.clouds import cloud_name
from tests.bicep_files import asked, template
from tools.compiled_bicep import CASES

#: what `environment()` answers there, as Bicep reads it
MADE_UP = {
    "name": "MadeUpCloud",
    "resourceManager": "https://management.cloud.test/",
    "authentication.loginEndpoint": "https://login.cloud.test/",
    "suffixes.storage": "core.cloud.test",
}
_ASKED = re.compile(r"environment\(\)\.([\w.]+)")
_KNOWN = re.compile(r"\.azure\.(com|net|us|cn)\b|windows\.net|microsoftonline|usgovcloudapi|chinacloudapi")
#: names the language of a workflow in each cloud; nobody opens it
_LOGIC_APP_SCHEMA = "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/"
APPS = ["main", "main-everything", "main-private"]


def in_the_made_up_cloud(snapshot: str) -> str:
    """The snapshot's resources as text, with what that cloud answers; KeyError where it is asked for more."""
    resources = json.dumps(asked(snapshot)).replace(_LOGIC_APP_SCHEMA, "")
    return _ASKED.sub(lambda match: f"'{MADE_UP[match[1]]}'", resources)


@pytest.mark.parametrize("snapshot", [case.name for case in CASES])
def test_no_other_cloud_is_named(snapshot: str) -> None:
    """A suffix that is written down is wrong in every other cloud."""
    assert _KNOWN.search(in_the_made_up_cloud(snapshot)) is None


@pytest.mark.parametrize("app", APPS)
def test_the_app_is_told_of_its_cloud(app: str) -> None:
    """By its Resource Manager, and by its name where the app knows it: an unknown one would keep it from starting."""
    settings = asked(app, "Microsoft.Web/sites/config")[0]["properties"]
    assert settings["ARM_ENDPOINT"] == "[environment().resourceManager]"
    assert settings["AZURE_CLOUD"].startswith("[if(contains(createArray(")
    known = template("main")["variables"]["knownClouds"]
    assert {cloud_name(name) for name in known} == {"AzurePublic", "AzureUSGovernment", "AzureChina"}
    assert settings["AZURE_CLOUD"].count("'") == 2 * len(known) + 2


def test_the_private_zones_are_the_clouds() -> None:
    """Else the app looks for its tables under a name that nobody has."""
    zones = [each["name"] for each in asked("main-private", "Microsoft.Network/privateDnsZones")]
    named = [_ASKED.sub(lambda match: f"'{MADE_UP[match[1]]}'", zone) for zone in zones]
    assert named == [
        f"[format('privatelink.{{0}}.{{1}}', '{service}', 'core.cloud.test')]"
        for service in ("blob", "table")
    ]
