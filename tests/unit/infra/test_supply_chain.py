"""What is deployed and what tests it is pinned: by version, by hash, by commit; and no lock names a host."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from infra.package import REPOSITORY, deployed_files
from infra.sbom import DEPLOYED, document, pinned
from tools.constraints import CONSTRAINTS, HASHES, pins_of

REQUIREMENTS = (REPOSITORY / "requirements.txt").read_text(encoding="utf-8").splitlines()
ASKED = [Requirement(line) for line in REQUIREMENTS if line[0] not in "#-"]
LOCKS = [REPOSITORY / "simulator/azurite/npm/package-lock.json", REPOSITORY / "tests/kusto/package-lock.json"]
WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))


def pins(python: str = "3.13") -> dict[str, str]:
    """What is installed on that Python, as constraints.txt says."""
    found = {}
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines()[1:]:
        pin = Requirement(line)
        where = {**DEPLOYED, "python_version": python, "python_full_version": f"{python}.0"}
        if pin.marker is None or pin.marker.evaluate(where):
            found[pin.name] = str(pin.specifier).removeprefix("==")
    return found


def packages(lock: Path) -> dict[str, Any]:
    """What an npm lock has of packages that are fetched."""
    found: dict[str, Any] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    ours = ("node_modules/azurite/stubs/", "stubs/")
    return {name: each for name, each in found.items() if name and not name.startswith(ours)}


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_each_requirement_is_pinned_within_its_bounds(python: str) -> None:
    """On every Python that is supported; Azure has the last of them."""
    pinned_there = pins(python)
    wrong = [each for each in ASKED if not each.specifier.contains(pinned_there.get(each.name.lower(), "0"))]
    assert wrong == []


def test_the_requirements_begin_with_the_constraints_and_are_deployed_with_them() -> None:
    """Azure's build reads both from the package's root."""
    assert REQUIREMENTS[0] == f"-c {CONSTRAINTS.name}"
    assert {Path("constraints.txt"), Path("requirements.txt")} <= set(deployed_files())


def test_the_constraints_are_the_hashed_ones_without_their_hashes() -> None:
    """Two files, because pip takes no hashes from constraints; each package has hashes."""
    hashed = HASHES.read_text(encoding="utf-8")
    assert CONSTRAINTS.read_text(encoding="utf-8").splitlines()[1:] == pins_of(hashed)
    entries = re.split(r"\n(?=\S)", hashed)[1:]
    assert [each.splitlines()[0] for each in entries if "--hash=sha256:" not in each] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_each_npm_package_is_locked_by_its_hash(lock: Path) -> None:
    """What has another one is refused; our own empty packages need none."""
    found = packages(lock)
    assert len(found) > 0
    unlocked = [name for name, each in found.items() if not each.get("link") and "integrity" not in each]
    assert unlocked == []


def test_no_lock_names_a_host() -> None:
    """Who has a mirror of the index uses the same lock; that of npm names a place only for what is our own."""
    places = [each["resolved"] for lock in LOCKS for each in packages(lock).values() if "resolved" in each]
    assert {Path(place).parts[-2] for place in places} == {"stubs"}
    assert [each.name for each in (CONSTRAINTS, HASHES) if "://" in each.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda workflow: workflow.name)
def test_actions_are_pinned_by_commit(workflow: Path) -> None:
    """A tag can be moved; its name stands beside the commit."""
    used = re.findall(r"uses: (.+)", workflow.read_text(encoding="utf-8"))
    assert used != []
    assert [each for each in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", each)] == []


def test_the_package_is_installed_with_what_is_deployed() -> None:
    """A package's own metadata knows no constraints, so the list stands there as well."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [Requirement(each) for each in project["dependencies"]] == ASKED


def test_the_sbom_lists_what_azure_installs() -> None:
    """Every pinned package that counts on the deployed Python, once, by its package URL; the same each time."""
    bom = document()
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    assert {each["name"]: each["version"] for each in bom["components"]} == pins() == dict(pinned())
    assert {each.name.lower() for each in ASKED} <= set(pins())
    assert all(each["purl"] == f"pkg:pypi/{each['name']}@{each['version']}" for each in bom["components"])
    assert document() == bom


def test_the_sbom_is_of_the_python_that_is_deployed() -> None:
    """Whoever changes the runtime changes both."""
    bicep = (REPOSITORY / "infra/bicep/modules/function-app.bicep").read_text(encoding="utf-8")
    assert f"version: '{DEPLOYED['python_version']}'" in bicep
