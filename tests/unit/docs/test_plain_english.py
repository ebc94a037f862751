"""What a person reads says what Azure's portal says, in plain English."""

import subprocess
from pathlib import Path

import pytest

from tests.documents import REPOSITORY
from tests.unit.docs.plain_english import phrases, stumbling

#: what is held to the list: directories and files
ROOTS = (
    ".github",
    "CONTRIBUTING.md",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "azure.yaml",
    "backup_retry",
    "bench",
    "cli",
    "demo",
    "docs",
    "function_app.py",
    "infra",
    "reactor",
    "reconciler",
    "simulator",
    "status",
    "tools",
)
_READ = frozenset({".bicep", ".bicepparam", ".csv", ".css", ".html", ".j2", ".json", ".kql", ".md", ".ps1"})
_READ |= {".py", ".sh", ".toml", ".yaml", ".yml", ""}


def tracked() -> list[Path]:
    """The files of the roots that git knows and a person reads."""
    git = ["git", "ls-files", "-z", *ROOTS]
    listed = subprocess.run(git, cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    paths = [REPOSITORY / name for name in listed.split("\0") if name]
    return [path for path in paths if path.suffix in _READ and path.is_file()]


def test_no_text_makes_an_azure_engineer_stumble() -> None:
    """No phrase of the list is in a page, a command, a notice, a log, an error, a document or a comment."""
    assert [found for path in tracked() for found in stumbling(path)] == []


@pytest.mark.parametrize(
    "text",
    [
        "3 items need a person.",
        "What no alert told",
        "a person is\n    #: told",
        '"The retry got no clear" f" answer"',
        "N failed jobs that nothing has mended",
        "Rehearsed: nothing was written or started.",
        "2 rightly left alone",
    ],
)
def test_the_list_finds_what_read_as_translated(text: str) -> None:
    """Across lines, comment marks and the parts of a text."""
    assert phrases(text)


@pytest.mark.parametrize("text", ["kept_signals", "needs_person", "Rightmost", "recommended", "last_good_at"])
def test_names_of_the_code_are_not_the_lists_matter(text: str) -> None:
    """Names of columns, functions and settings stay what they are."""
    assert phrases(text) == []
