"""Where the Bicep compiler is looked for."""

from pathlib import Path

import pytest

from tools import bicep_compiler


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without a compiler."""
    monkeypatch.delenv("BICEP", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("AZURE_CONFIG_DIR", str(tmp_path / ".azure"))
    monkeypatch.setattr(bicep_compiler, "REPOSITORY", tmp_path / "repository")
    return tmp_path


def test_a_machine_may_be_without_a_compiler(bare: Path) -> None:
    """The tests that want one are skipped then."""
    assert bicep_compiler.compiler() is None


@pytest.mark.parametrize("place", ["bin/bicep", ".azure/bin/bicep", "shared/tools/bicep/bicep"])
def test_a_compiler_is_found_where_it_may_be(bare: Path, place: str) -> None:
    """On PATH, where `az bicep install` puts it, and in a folder beside the repository."""
    compiler = bare / place
    compiler.parent.mkdir(parents=True)
    compiler.touch(mode=0o755)
    assert bicep_compiler.compiler() == compiler


def test_a_compiler_that_is_named_is_not_looked_for(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong path fails the tests; it does not have them skipped."""
    monkeypatch.setenv("BICEP", "/nowhere/bicep")
    assert bicep_compiler.compiler() == Path("/nowhere/bicep")
