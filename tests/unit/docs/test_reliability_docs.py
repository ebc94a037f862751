"""docs/reliability.md names tests that exist."""

import ast
import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[3]
_TEXT = (_ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
_NAMED = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", _TEXT)))
_COMMANDS = sorted(set(re.findall(r"`python -m ([\w.]+)", _TEXT)))


def _functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize(("file", "name"), _NAMED)
def test_a_named_test_exists(file: str, name: str) -> None:
    """A renamed test has to be renamed in the document too."""
    assert name in _functions(_ROOT / file)


@pytest.mark.parametrize("module", _COMMANDS)
def test_a_named_command_exists(module: str) -> None:
    """A module that can be run."""
    file = _ROOT / f"{module.replace('.', '/')}.py"
    assert 'if __name__ == "__main__"' in file.read_text(encoding="utf-8")


def test_every_situation_names_its_test() -> None:
    """A row without a test is a promise without a proof."""
    section = _TEXT.partition("## Situations")[2].partition("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")][1:]
    situations = [row for row in rows if not row[0].startswith("**")]
    assert len(situations) >= 30
    assert [row[0] for row in situations if "::test_" not in row[-1]] == []


def test_every_promise_names_its_test() -> None:
    """Nine promises, each with a test that would fail without it."""
    section = _TEXT.partition("## The promises")[2].partition("\n## ")[0]
    promises = re.split(r"\n(?=\d\. )", section)[1:]
    assert len(promises) == 9
    assert [each for each in promises if "::test_" not in each] == []


def test_every_promise_of_security_names_tests_that_exist() -> None:
    """Wherever they are; a renamed one has to be renamed there too."""
    text = (_ROOT / "SECURITY.md").read_text(encoding="utf-8")
    section = text.partition("What this project holds to:")[2].partition("\n## ")[0]
    promises = re.split(r"\n(?=- )", section)[1:]
    assert [each for each in promises if not re.search(r"Held by\s+`test_", each)] == []
    existing = set().union(*(_functions(file) for file in (_ROOT / "tests").rglob("test_*.py")))
    assert set(re.findall(r"`(test_\w+)`", text)) - existing == set()
