"""docs/deploy.md names every parameter, right and alert rule that there is."""

import json
import re

import pytest

from tests.bicep_files import BICEP, REPOSITORY, asked, template

DOCS = (REPOSITORY / "docs" / "deploy.md").read_text(encoding="utf-8")


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


def test_every_linked_file_exists() -> None:
    """Relative links, without their anchors."""
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", DOCS):
        assert (REPOSITORY / "docs" / target).exists(), target
