"""The Bicep files: what is described, who composes, and what must never stand in them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.bicep_files import (
    BICEP,
    ENTRIES,
    MODULES,
    bicep_files,
    declared,
    nested,
    template,
)

FILES = bicep_files()
#: the entry files' templates, each with those of its modules
TEMPLATES = [each for entry in ENTRIES for each in nested(template(entry))]


def undescribed(kind: str) -> list[str]:
    """Parameters, outputs or types without a description, in any template."""
    found = ((name, each) for compiled in TEMPLATES for name, each in compiled.get(kind, {}).items())
    return [name for name, each in found if not description(each)]


def named(compiled: Any) -> dict[str, Any]:
    """A template's resources by their names; none in a language version that has no names."""
    found = compiled["resources"]
    return found if isinstance(found, dict) else {}


def description(declaration: Any) -> str:
    return str(declaration.get("metadata", {}).get("description", ""))


@pytest.mark.parametrize("kind", ["parameters", "outputs", "definitions"])
def test_everything_is_described(kind: str) -> None:
    """In every file."""
    assert undescribed(kind) == []


def test_a_parameters_description_says_first_whether_it_has_to_be_given() -> None:
    """Even where a default exists, an administrator has to think about the names that others find it by."""
    for compiled in TEMPLATES:
        for name, parameter in compiled.get("parameters", {}).items():
            given = "defaultValue" in parameter or parameter.get("nullable", False)
            assert description(parameter).startswith("Optional. " if given else "Required. "), name


@pytest.mark.parametrize("entry", ["main", "connect", "connect-management-group"])
def test_entry_files_only_compose(entry: str) -> None:
    """Resources stand in modules, but for the resource group."""
    kinds = {each["type"] for each in declared(template(entry)) if not each.get("existing")}
    assert kinds <= {"Microsoft.Resources/deployments", "Microsoft.Resources/resourceGroups"}


def test_no_module_is_left_over() -> None:
    """Each is called by an entry file."""
    called = {
        (file.parent / name).resolve()
        for file in FILES
        for name in re.findall(r"^module \w+ '([^']+)'", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert set(MODULES.glob("*.bicep")) == called


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_second_deployment_changes_nothing(file: Path) -> None:
    """No name and no value depends on when or how often it is deployed."""
    assert not re.search(r"\b(utcNow|newGuid|dateTimeAdd)\(", file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_key_is_listed_in_one_place(file: Path) -> None:
    """Only to be handed to an action group: the compiler's linter sees to the outputs."""
    listed = len(re.findall(r"\blist\w*\(", file.read_text(encoding="utf-8")))
    assert listed == (1 if file.name in {"connect.bicep", "chat.bicep"} else 0)


def test_a_webhook_address_is_a_secure_parameter() -> None:
    """It holds a key; so does the address of a heartbeat."""
    found = [
        (name, each["type"])
        for compiled in TEMPLATES
        for name, each in compiled["parameters"].items()
        if re.search(r"(?i)(webhook|heartbeat)ur[il]$", name)
    ]
    assert len(found) >= 10
    assert {kind for _, kind in found} == {"securestring"}


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_is_not_deployed_is_not_asked_for(entry: str) -> None:
    """Azure works out a module's parameters even where its condition is false; only if() keeps it from that."""
    conditional = {name for name, each in named(template(entry)).items() if "condition" in each}
    for name, each in named(template(entry)).items():
        for value in each.get("properties", {}).get("parameters", {}).values():
            asks = set(re.findall(r"(?:reference|listKeys)\('(\w+)'", str(value)))
            assert not asks & conditional or "[if(" in str(value), name


def test_role_assignments_stand_in_the_role_files() -> None:
    """One for the app in its own resource group, one for people there, one for each scope of the vaults' role."""
    with_roles = {
        file.name
        for file in FILES
        if re.search(r"^resource .*/roleAssignments@", file.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert with_roles == {
        "roles.bicep",
        "person.bicep",
        "backup-role.bicep",
        "backup-role-management-group.bicep",
    }


def test_every_right_says_why() -> None:
    """The list is what an administrator reads before granting it; it neither changes nor deletes anything."""
    granted = json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8"))
    assert all(why.strip() for why in granted.values())
    assert not any("*" in action or action.endswith(("/write", "/delete")) for action in granted)


def test_no_style_fails_an_administrators_build() -> None:
    """The compiler's configuration raises nothing to an error; CI alone takes a warning for a failure."""
    levels = re.findall(r'"level": "(\w+)"', (BICEP / "bicepconfig.json").read_text(encoding="utf-8"))
    assert set(levels) == {"warning"}
