"""Whatever goes wrong in a command is one sentence."""

from datetime import timedelta

import pytest
import typer.main

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.ports.ledger import Beat
from cli.app import app
from tests.builders import NOW, item, minutes
from tests.cli_sessions import Terminal

COMMANDS = sorted(typer.main.get_group(app).commands)
#: take the app themselves, and look at it from outside as well
LOOK_FROM_OUTSIDE = {"check", "drill"}
#: what a command cannot do without
NEEDED = {
    "ack": ["vm-01", "--note", "x"],
    "approve": ["vm-01"],
    "dismiss": ["vm-01"],
    "drill": ["vault-1"],
    "explain": ["vm-01"],
    "pause": ["--why", "x"],
    "replay": ["-"],
    "retry": ["vm-01"],
}


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


# ---- how every command ends ------------------------------------------------------------------------------------


def test_a_setting_that_is_missing_is_one_sentence(terminal: Terminal) -> None:
    """Exit code 2."""
    terminal.has_ledger = False
    result = terminal.types("status")
    assert (result.exit_code, result.stderr) == (
        2,
        "backup-retry: Settings: LEDGER_ENDPOINT is not set\n",
    )


def test_no_answer_is_one_sentence(terminal: Terminal) -> None:
    """Exit code 3."""
    terminal.vaults.read_error = AzureUnavailable("vault-1 does not answer")
    result = terminal.types("retry", item().id)
    assert (result.exit_code, result.stderr) == (3, "backup-retry: vault-1 does not answer\n")


def test_a_fault_of_ours_is_one_sentence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3; a variable shows the traceback."""
    terminal.ledger.pauses = None  # type: ignore[assignment]
    result = terminal.types("status")
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    monkeypatch.setenv("BACKUP_RETRY_DEBUG", "1")
    assert isinstance(terminal.types("status").exception, TypeError)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in LOOK_FROM_OUTSIDE])
def test_every_command_can_be_about_a_deployed_app(terminal: Terminal, command: str) -> None:
    """Its settings are the app's, and not those of the shell."""
    words = NEEDED.get(command, [])
    terminal.types(command, *words, "--app", "func-1", "--resource-group", "rg", stdin="{}")
    assert (terminal.app, terminal.opened) == (("func-1", "rg"), 1)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("options", [[], ["--app", "func-1"]], ids=" ".join)
def test_without_a_sign_in_every_command_says_az_login(
    terminal: Terminal, command: str, options: list[str]
) -> None:
    """Exit code 3, before anything that sounds like a result."""
    terminal.sign_in_error = AzureUnavailable("Not signed in to Azure: run az login.")
    options = options or (["--app", "func-1"] if command == "drill" else [])
    result = terminal.types(command, *NEEDED.get(command, []), *options, stdin="{}")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr == "backup-retry: Not signed in to Azure: run az login.\n"


def test_the_list_of_commands_cuts_no_help(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal of 80 columns: each begins with a sentence that has room there."""
    monkeypatch.setenv("COLUMNS", "80")
    listed = terminal.types("--help").stdout.partition("Commands:")[2]
    assert all(name in listed for name in COMMANDS)
    assert "..." not in listed


def test_an_interrupted_command_says_so(terminal: Terminal) -> None:
    """With a shell's exit code for it, not the one for something that needs a person."""
    terminal.sign_in_error = KeyboardInterrupt()
    result = terminal.types("status")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (130, "", 1)
