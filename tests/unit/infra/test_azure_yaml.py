"""azure.yaml: azd accepts it, and each of its hooks has a script for either kind of machine."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from infra.package import REPOSITORY

SCHEMA = REPOSITORY.parent / "shared" / "azure" / "azure.yaml.schema.json"
AZURE_YAML: dict[str, Any] = yaml.safe_load((REPOSITORY / "azure.yaml").read_text(encoding="utf-8"))
HOOKS: dict[str, Any] = AZURE_YAML["hooks"]


@pytest.mark.skipif(not SCHEMA.exists(), reason="azd's schema is not at hand")
def test_azd_accepts_it() -> None:
    """By azd's own schema."""
    jsonschema.validate(AZURE_YAML, json.loads(SCHEMA.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", HOOKS)
def test_each_hook_has_a_script_for_either_machine(name: str) -> None:
    """The same one, with the same arguments, that the machine can start."""
    posix, windows = HOOKS[name]["posix"], HOOKS[name]["windows"]
    assert (posix.pop("shell"), windows.pop("shell")) == ("sh", "pwsh")
    script, *_ = posix["run"].split()
    assert windows == {**posix, "run": posix["run"].replace(".sh", ".ps1")}
    assert os.access(REPOSITORY / script, os.X_OK)
    assert (REPOSITORY / script).with_suffix(".ps1").exists()


@pytest.mark.parametrize("hook", ["predown", "preup", "preprovision", "predeploy"])
def test_nothing_is_removed_before_azd_has_asked(hook: str) -> None:
    """Azd runs predown before its question: a no would leave an app that hears nothing."""
    run = HOOKS.get(hook, {}).get("posix", {}).get("run", "")
    assert "disconnect" not in run or run.endswith(" --remember")


@pytest.mark.parametrize("hook", sorted(HOOKS.keys() - {"predown"}))
def test_a_hook_that_asks_or_explains_has_a_terminal(hook: str) -> None:
    """Azd gives it one only where it is interactive; predown says nothing."""
    assert HOOKS[hook]["posix"]["interactive"] is True


@pytest.mark.parametrize("hook", ["predown", "postdown"])
def test_an_app_that_was_never_connected_can_be_removed(hook: str) -> None:
    """There is nothing to note or to take back then, which fails, and azd goes on."""
    assert HOOKS[hook]["posix"]["continueOnError"] is True


@pytest.mark.skipif(not (REPOSITORY / ".git").exists(), reason="no checkout of git")
@pytest.mark.parametrize("suffix", ["sh", "kql", "tsv", "bicep", "bicepparam"])
def test_line_ends_survive_a_checkout_on_windows(suffix: str) -> None:
    """With CRLF no sh runs a script, and a template that reads a query has another hash."""
    files = sorted(REPOSITORY.glob(f"infra/**/*.{suffix}"))
    assert files
    names = [str(each.relative_to(REPOSITORY)) for each in files]
    command = ["git", "check-attr", "eol", *names]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert [line.rsplit(": ", 1)[1] for line in said.splitlines()] == ["lf"] * len(names)


@pytest.mark.parametrize("script", sorted(REPOSITORY.glob("infra/*.sh")), ids=lambda path: path.name)
def test_a_posix_script_has_its_twin(script: Path) -> None:
    """In PowerShell; neither holds a letter that Windows PowerShell 5.1 reads wrongly without a byte order mark."""
    for each in (script, script.with_suffix(".ps1")):
        assert each.read_bytes().isascii(), each.name
