"""`backup-retry ack`: somebody knows, and nobody is told again until then."""

from datetime import timedelta

import pytest

from backup_retry.domain.journal import StepKind
from tests.builders import NEEDS_PERSON, NOW, PASSES, item
from tests.cli_sessions import Terminal

WHY = ("--note", "the agent is reinstalled on Monday", "--by", "eve")


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in a world with an item that needs a person."""
    found = Terminal()
    found.fails(error=NEEDS_PERSON)
    found.types("retry", item().id)
    return found


def needing(terminal: Terminal) -> list[str]:
    """The items that a person is asked to look at."""
    listed = [each["item"] for each in terminal.json("incidents", "--needs-person")]
    assert [each["item"] for each in terminal.json("status")["needs_a_person"]] == listed
    return listed


def test_what_is_acknowledged_is_in_no_list_until_then(terminal: Terminal) -> None:
    """And comes back when the time is over."""
    assert needing(terminal) == [item().id]
    done = terminal.json("ack", item().id, *WHY, "--until", "3d")
    until = (NOW + timedelta(days=3)).isoformat()
    assert done["acknowledged"] == {"by": "eve", "note": WHY[1], "until": until}
    assert needing(terminal) == []
    terminal.clock.move(days=3)
    assert needing(terminal) == [item().id]


def test_who_and_why_stand_in_the_journal(terminal: Terminal) -> None:
    """With until when; without that it lasts until the item recovers."""
    terminal.types("ack", item().id, *WHY)
    terminal.clock.move(days=6)
    assert needing(terminal) == []
    *_, last = terminal.does(terminal.ledger.steps(item()))
    assert (last.kind, last.detail) == (StepKind.ACKNOWLEDGED, f"eve: {WHY[1]}")


@pytest.mark.parametrize(
    "options",
    [(), ("--note", " "), (*WHY, "--until", "yesterday"), (*WHY, "--until", "2020-01-01")],
    ids=["no note", "an empty note", "no time", "a time that is over"],
)
def test_what_means_nothing_is_refused(terminal: Terminal, options: tuple[str, ...]) -> None:
    """Exit code 2; nothing is acknowledged."""
    assert terminal.types("ack", item().id, *options).exit_code == 2
    assert needing(terminal) == [item().id]


def test_an_item_that_needs_nobody_cannot_be_acknowledged() -> None:
    """Nothing has failed, or its retry is under way."""
    terminal = Terminal()
    assert terminal.types("ack", item().id, *WHY).exit_code == 2
    terminal.fails(error=PASSES)
    terminal.types("retry", item().id)
    assert terminal.types("ack", item().id, *WHY).exit_code == 2
