"""`backup-retry pause` and `unpause`: retries are held back until it is over."""

from datetime import timedelta

import pytest

from backup_retry.ports.ledger import Beat
from tests.builders import NOW, item, minutes, vault
from tests.cli_sessions import Terminal


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


def test_a_pause_holds_retries_back_until_it_is_taken_back(terminal: Terminal) -> None:
    """What waited for its end is due at once."""
    assert terminal.types("pause", "--why", "network change", "--until", "4h", "--by", "eve").exit_code == 0
    terminal.fails()
    assert terminal.json("retry", item().id)["reason"] == "paused"
    assert terminal.does(terminal.incident()).due == NOW + timedelta(hours=4)
    assert terminal.types("resume").exit_code == 0
    assert terminal.does(terminal.incident()).due == NOW
    assert terminal.types("retry", item().id).exit_code == 0


def test_a_pause_of_a_vault_is_taken_back_by_its_scope(terminal: Terminal) -> None:
    """Or with all the others."""
    terminal.types("pause", "--why", "x", "--scope", vault().id)
    assert terminal.json("resume") == {
        "resumed": [],
        "still_paused": terminal.json("status")["pauses"],
    }
    assert len(terminal.json("resume", "--all")["resumed"]) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--until", "yesterday"],
        ["--until", "2020-01-01"],
        ["--until", "0h"],
        ["--scope", "vault-1"],
        ["--scope", item().id],
    ],
)
def test_a_pause_that_means_nothing_is_refused(terminal: Terminal, options: list[str]) -> None:
    """Exit code 2; nothing is paused."""
    assert terminal.types("pause", "--why", "x", *options).exit_code == 2
    assert terminal.types("pause").exit_code == 2
    assert terminal.does(terminal.ledger.pauses()) == []
