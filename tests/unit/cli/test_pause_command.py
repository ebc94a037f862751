"""`backup-retry pause` and `unpause`: retries are held back until it is over."""

from datetime import timedelta

import pytest

from backup_retry.domain.pauses import Pause
from backup_retry.ports.ledger import Beat
from reconciler.follow_up import FollowUp
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
    """What waited for its end is looked at by the next follow-up."""
    assert terminal.types("pause", "--why", "network change", "--until", "4h", "--by", "eve").exit_code == 0
    terminal.fails()
    assert terminal.json("retry", item().id)["reason"] == "paused"
    assert terminal.does(terminal.incident()).due == NOW + timedelta(hours=4)
    assert terminal.types("resume").exit_code == 0
    assert follow_up(terminal) == 1
    assert len(terminal.attempts) == 1


def follow_up(terminal: Terminal) -> int:
    """How many incidents a follow-up finds due."""
    run = FollowUp(
        ledger=terminal.ledger, engine=terminal.engine, controls=terminal.ledger, clock=terminal.clock
    )
    return terminal.does(run.run()).due


def test_a_freeze_can_be_booked_ahead(terminal: Terminal) -> None:
    """It holds nothing back before it begins; a duration counts from there."""
    booked = terminal.json("pause", "--why", "year's end", "--from", "2h", "--until", "4h")
    assert booked["starts"] == (NOW + timedelta(hours=2)).isoformat()
    assert booked["until"] == (NOW + timedelta(hours=6)).isoformat()
    assert "Pause scheduled" in terminal.types("status").stdout
    terminal.fails()
    assert terminal.json("retry", item().id)["started"]
    terminal.fails("job-2", of=item(2))
    terminal.clock.move(hours=2)
    assert terminal.json("retry", item(2).id)["reason"] == "paused"


@pytest.mark.parametrize(
    ("options", "answer", "code", "stands"),
    [
        ([], "y\n", 0, "second"),
        ([], "n\n", 1, "first"),
        ([], "", 1, "first"),
        (["--yes"], "", 0, "second"),
        (["--json"], "y\n", 2, "first"),
        (["--json", "--yes"], "", 0, "second"),
        (["--scope", vault().id], "", 0, "first"),
    ],
)
def test_a_second_pause_shows_the_first_and_asks(
    terminal: Terminal, options: list[str], answer: str, code: int, stands: str
) -> None:
    """Only what is of the same scope is replaced, and only by somebody who agrees; a program says --yes."""
    terminal.types("pause", "--why", "first", "--by", "eve")
    done = terminal.types("pause", "--why", "second", *options, stdin=answer)
    assert done.exit_code == code
    assert ("everything by eve: first" in done.stderr) == ({"--yes", "--scope"}.isdisjoint(options))
    everywhere = [each.why for each in terminal.does(terminal.ledger.pauses()) if not each.scope]
    assert everywhere == [stands]


def test_a_pause_that_has_run_out_is_replaced_without_a_question(terminal: Terminal) -> None:
    """There is nothing left of it."""
    terminal.does(terminal.ledger.set_pause(Pause(by="eve", why="over", until=NOW)))
    assert terminal.types("pause", "--why", "next").exit_code == 0


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
        ["--until", "999999999d"],
        ["--from", "2020-01-01"],
        ["--from", "2h", "--until", "2020-01-01"],
        ["--why", ""],
        ["--why", "  "],
        ["--scope", "vault-1"],
        ["--scope", item().id],
    ],
)
def test_a_pause_that_means_nothing_is_refused(terminal: Terminal, options: list[str]) -> None:
    """Exit code 2; nothing is paused."""
    assert terminal.types("pause", "--why", "x", *options).exit_code == 2
    assert terminal.types("pause").exit_code == 2
    assert terminal.does(terminal.ledger.pauses()) == []
