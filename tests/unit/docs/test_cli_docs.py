"""docs/cli.md names every command, option and exit code, and none that does not exist."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from cli.app import app
from cli.exit_codes import DEBUG, Exit

DOCUMENT = (Path(__file__).parents[3] / "docs" / "cli.md").read_text(encoding="utf-8")
COMMANDS = {
    name: {option for parameter in command.params for option in parameter.opts if option.startswith("--")}
    for name, command in typer.main.get_group(app).commands.items()
}
EVERYWHERE = {"--help", "--json"}
TYPED = [shlex.split(line) for line in re.findall(r"^\$ backup-retry (.+)$", DOCUMENT, re.MULTILINE)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented_and_shown(name: str) -> None:
    """In the table, and run with its output."""
    assert f"`{name}" in DOCUMENT
    assert any(words[0] == name for words in TYPED)


@pytest.mark.parametrize("words", TYPED, ids=" ".join)
def test_every_command_that_is_shown_exists(words: list[str]) -> None:
    """With its options."""
    options = {word for word in words if word.startswith("--")}
    assert options <= COMMANDS[words[0]] | EVERYWHERE


@pytest.mark.parametrize("option", sorted(set().union(*COMMANDS.values())))
def test_every_option_is_documented(option: str) -> None:
    """Somewhere in the document."""
    assert f"`{option}" in DOCUMENT or f" {option}" in DOCUMENT


def test_every_option_that_is_named_exists() -> None:
    """Of this program; those of az stand in its command lines."""
    named = set(re.findall(r"`(--[a-z-]+)", DOCUMENT))
    assert named <= set().union(*COMMANDS.values()) | EVERYWHERE


@pytest.mark.parametrize("code", Exit)
def test_every_exit_code_is_documented(code: Exit) -> None:
    """In the table."""
    assert f"| {code.value} |" in DOCUMENT
    assert DEBUG in DOCUMENT
