"""Which cloud the app is in: by name, and by its Azure Resource Manager; and that no other place knows one."""

import re
from pathlib import Path

import pytest

from backup_retry.settings.clouds import CLOUDS
from backup_retry.settings.loading import settings_of
from status.package import own_files
from tests.documents import REPOSITORY

LEDGER = {"LEDGER_ENDPOINT": "https://ledger.test"}
OWN_ARM = "https://management.stamp.test"
#: hosts of services that each cloud has under its own name; documentation and schemas are the world's
_OF_A_CLOUD = re.compile(
    r"(?<!schema\.management)\.azure\.(com|net|us|cn)\b"
    r"|windows\.net|microsoftonline|graph\.microsoft|usgovcloudapi|chinacloudapi|loganalytics\.io"
)


@pytest.mark.parametrize(
    ("chosen", "cloud"),
    [
        ({}, "AzurePublic"),
        ({"AZURE_CLOUD": "AzurePublic"}, "AzurePublic"),
        ({"AZURE_CLOUD": "AzureUSGovernment"}, "AzureUSGovernment"),
        ({"AZURE_CLOUD": " azurechina "}, "AzureChina"),
        # as Resource Manager and the az CLI call them
        ({"AZURE_CLOUD": "AzureCloud"}, "AzurePublic"),
        ({"AZURE_CLOUD": "AzureChinaCloud"}, "AzureChina"),
        # Version 0.1 took the address alone.
        ({"ARM_ENDPOINT": "https://management.usgovcloudapi.net/"}, "AzureUSGovernment"),
        ({"ARM_ENDPOINT": "https://Management.ChinaCloudAPI.cn"}, "AzureChina"),
        (
            {"AZURE_CLOUD": "AzureChina", "ARM_ENDPOINT": "https://management.usgovcloudapi.net"},
            "AzureUSGovernment",
        ),
    ],
)
def test_a_cloud_is_named_or_known_by_its_resource_manager(chosen: dict[str, str], cloud: str) -> None:
    """Where both are given and differ, the address counts: it is where the app goes."""
    assert settings_of(LEDGER | chosen).cloud == CLOUDS[cloud]


def test_another_resource_manager_takes_tokens_for_itself_and_the_rest_is_the_clouds() -> None:
    """A private endpoint, Azure Stack, the simulator."""
    found = settings_of(LEDGER | {"AZURE_CLOUD": "AzureUSGovernment", "ARM_ENDPOINT": f"{OWN_ARM}/"}).cloud
    assert (found.resource_manager, found.resource_manager_scope) == (OWN_ARM, f"{OWN_ARM}/.default")
    assert found.portal == CLOUDS["AzureUSGovernment"].portal
    assert found.authority == CLOUDS["AzureUSGovernment"].authority


def test_the_clouds_have_no_address_in_common() -> None:
    """A line that was copied and half changed would send one cloud's tokens to another."""
    addresses = [address for cloud in CLOUDS.values() for address in set(vars(cloud).values())]
    assert len(addresses) == len(set(addresses))


def product_files() -> list[Path]:
    """What is deployed, and what an administrator runs: the command line, the scripts, the templates' sources."""
    beside = [file for name in ("cli", "infra") for file in (REPOSITORY / name).rglob("*") if file.is_file()]
    compiled = REPOSITORY / "infra" / "arm"
    found = [*(REPOSITORY / name for name in own_files(REPOSITORY)), *beside]
    return [file for file in found if file.parent != compiled and file.suffix != ".pyc"]


def test_no_address_of_a_cloud_stands_outside_the_table() -> None:
    """It would send what belongs to one cloud to another."""
    table = REPOSITORY / "backup_retry" / "settings" / "clouds.py"
    found = {
        f"{file.relative_to(REPOSITORY)}:{number}"
        for file in product_files()
        if file != table
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
        if _OF_A_CLOUD.search(line)
    }
    assert found == set()
    assert _OF_A_CLOUD.search(table.read_text(encoding="utf-8"))
