"""The Bicep files as the compiler reads them: the templates of infra/arm, and the resources in tests/snapshots."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from infra.package import REPOSITORY
from tools.bicep_compiler import BICEP
from tools.compiled_bicep import ARM, ENTRIES, SNAPSHOTS

MODULES = BICEP / "modules"

__all__ = [
    "BICEP",
    "ENTRIES",
    "MODULES",
    "REPOSITORY",
    "asked",
    "bicep_files",
    "declared",
    "ids",
    "nested",
    "outputs",
    "template",
]

Template = Mapping[str, Any]
Resource = Mapping[str, Any]


def bicep_files() -> Sequence[Path]:
    """All files, modules included."""
    return sorted(BICEP.rglob("*.bicep"))


@cache
def template(entry: str) -> Template:
    """What the compiler made of an entry file."""
    compiled: Template = json.loads((ARM / f"{entry}.json").read_text(encoding="utf-8"))
    return compiled


def nested(compiled: Template) -> Iterator[Template]:
    """A template, and those of the modules that it calls."""
    yield compiled
    for resource in declared(compiled):
        if resource["type"] == "Microsoft.Resources/deployments":
            yield from nested(resource["properties"]["template"])


def declared(compiled: Template) -> Sequence[Resource]:
    """A template's own resources: a list, or by symbolic names in language version 2.0."""
    found = compiled["resources"]
    return list(found.values()) if isinstance(found, dict) else found


def asked(snapshot: str, kind: str = "") -> Sequence[Resource]:
    """The resources that Resource Manager would be asked for, all or those of a type."""
    return [each for each in _snapshot(snapshot)["predictedResources"] if kind in ("", each["type"])]


def ids(snapshot: str) -> set[str]:
    """Their ids, as Resource Manager compares them."""
    return {resource["id"].lower() for resource in asked(snapshot)}


def outputs(snapshot: str) -> Mapping[str, Any]:
    """The deployment's outputs, as far as they are known without Azure."""
    found: Mapping[str, Any] = _snapshot(snapshot)["outputs"]
    return found


@cache
def _snapshot(name: str) -> Mapping[str, Any]:
    kept: Mapping[str, Any] = json.loads((SNAPSHOTS / f"{name}.json").read_text(encoding="utf-8"))
    return kept
