"""Whatever goes wrong in a command is one sentence."""

from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, item, minutes
from tests.cli_sessions import Terminal


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
