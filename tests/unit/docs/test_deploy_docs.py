"""docs/deploy.md names every parameter, right and alert rule that there is."""

import json
import re

import pytest

from tests.bicep_files import BICEP, REPOSITORY, asked, template
from tests.documents import blocks

DOCS = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")
#: drawn as what they are for, or as a part of their neighbour, without a name
NOT_DRAWN = {
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.Authorization/roleDefinitions",
    "Microsoft.Insights/metricAlerts",
    "Microsoft.Insights/workbooks",
    "Microsoft.Network/privateDnsZones",
    "Microsoft.Network/privateEndpoints",
}


def first_cells() -> set[str]:
    """What stands as code in the first column of a table."""
    cells = re.findall(r"^\| ([^|]*`[^|]*) \|", DOCS, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


@pytest.mark.parametrize("entry", ["main", "connect"])
def test_every_parameter_is_explained(entry: str) -> None:
    """In a table's first column."""
    assert set(template(entry)["parameters"]) - first_cells() == set()


@pytest.mark.parametrize("entry", ["main", "connect"])
def test_every_variable_is_named(entry: str) -> None:
    """What the parameter files read from the environment, but for the app's settings and main.bicep's outputs."""
    parameters = (BICEP / f"{entry}.bicepparam").read_text(encoding="utf-8")
    read = set(re.findall(r"readEnvironmentVariable\(\s*'([A-Z_]+)'", parameters))
    settings = set(re.findall(r"^  ([A-Z_]+): read", parameters, re.MULTILINE))
    named = {each.removesuffix("…") for each in first_cells()}
    known = {name for name in read if any(name.startswith(each) for each in named)}
    assert read - settings - known == {"AZURE_TENANT_ID"} & read


def test_every_right_is_explained() -> None:
    """The table of the role's actions is the role."""
    prefix = "Microsoft.RecoveryServices/vaults/"
    granted = json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8"))
    assert {action.removeprefix(prefix) for action in granted} - first_cells() == set()


def test_every_alert_rule_is_listed() -> None:
    """With its name."""
    rules = asked("main", "Microsoft.Insights/scheduledQueryRules")
    names = [rule["name"].removeprefix("backup-retry-").rsplit("-", 1)[0] for rule in rules]
    listed = re.findall(r"^\| ([\w-]+) \| [^|]+ \| every ", DOCS, re.MULTILINE)
    assert listed == names


@pytest.mark.parametrize("snapshot", ["main", "main-private", "connect-everything"])
def test_the_picture_has_every_resource(snapshot: str) -> None:
    """By the beginning of its name, with the installation left out; what only belongs to another one is none."""
    (picture,) = blocks(REPOSITORY / "docs" / "deploy.md", "mermaid")
    own = [each for each in asked(snapshot) if each["type"].count("/") == 1 and each["type"] not in NOT_DRAWN]
    named = {re.sub(r"(-health-.*|-?(bzsumi5vdp|aaaaaaaa).*)$", "", each["name"]) for each in own}
    assert named
    rules = {name for name in named if name.startswith("backup-retry-")}
    assert [name for name in named - rules if name not in picture.body] == []
    assert not rules or "alert rules" in picture.body


def test_every_linked_file_exists() -> None:
    """Relative links, without their anchors."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", DOCS):
        assert (REPOSITORY / "docs" / target).exists(), target
