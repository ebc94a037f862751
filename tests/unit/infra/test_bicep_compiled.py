"""Microsoft's compiler on infra/bicep: it finds nothing, and makes what is kept in infra/arm and tests/snapshots."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bicep_files import BICEP, bicep_files
from tools.bicep_compiler import build, compiler, run, said
from tools.compiled_bicep import ARM, CASES, ENTRIES, Case, snapshot

pytestmark = pytest.mark.skipif(
    compiler() is None, reason="no Bicep compiler: `az bicep install`, or name one in $BICEP"
)
AGAIN = "run: python -m tools.compiled_bicep"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every file was compiled to, with what the compiler said beside it."""
    directory = tmp_path_factory.mktemp("built")
    (directory / "said").write_text("\n".join(build(directory)), encoding="utf-8")
    return directory


def without_generator(compiled: Any) -> Any:
    """A template without the compiler's own version and its hash."""
    match compiled:
        case dict():
            return {
                name: without_generator(value) for name, value in compiled.items() if name != "_generator"
            }
        case list():
            return [without_generator(value) for value in compiled]
        case _:
            return compiled


def test_the_compiler_and_its_linter_find_nothing(built: Path) -> None:
    """Neither an error nor a warning nor a hint, in any file."""
    assert (built / "said").read_text(encoding="utf-8") == ""
    assert len(list(built.rglob("*.json"))) == len(bicep_files())


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_compiled_templates_are_current(built: Path, entry: str) -> None:
    """infra/arm is what the compiler makes of infra/bicep today."""
    kept, made = (
        without_generator(json.loads((folder / f"{entry}.json").read_text(encoding="utf-8")))
        for folder in (ARM, built)
    )
    assert kept == made, AGAIN


@pytest.mark.parametrize("kind", ["bicep", "bicepparam"])
def test_the_files_are_formatted(tmp_path: Path, kind: str) -> None:
    """`bicep format` changes no file."""
    copy = shutil.copytree(BICEP, tmp_path / "bicep")
    assert said(run("format", "--pattern", f"**/*.{kind}", directory=copy)) == []
    changed = [file.name for file in BICEP.rglob(f"*.{kind}") if not _same(file, copy)]
    assert changed == []


def _same(file: Path, copy: Path) -> bool:
    return file.read_bytes() == (copy / file.relative_to(BICEP)).read_bytes()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_snapshots_are_current(tmp_path: Path, case: Case) -> None:
    """A change of what Resource Manager is asked for is a change of a snapshot, to be read before it is deployed."""
    assert list(snapshot(case, "validate", tmp_path)) == [], AGAIN


@pytest.mark.parametrize(
    ("location", "finding"),
    [
        ("", r'BCP427: .*"AZURE_LOCATION" does not exist'),
        ("germanynorth", r"BCP033: Expected a value of type .*'swedencentral'.* but .*'germanynorth'"),
    ],
)
def test_a_region_without_flex_consumption_is_refused_before_azure_is_asked(
    location: str, finding: str
) -> None:
    """The compiler reads the parameter file; there is no default that may be closed to new customers."""
    variables = {"AZURE_LOCATION": location} if location else {}
    result = run("build-params", "main.bicepparam", "--stdout", directory=BICEP, variables=variables)
    assert result.returncode != 0
    assert re.search(finding, result.stderr), result.stderr
