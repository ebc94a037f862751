"""`backup-retry approve` and `dismiss`: a person's answers, by item, vault or code."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from backup_retry.ports.ledger import Beat
from tests.builders import NOW, PASSES, UNKNOWN_CODE, item, minutes, vault
from tests.cli_sessions import Terminal

OTHER = vault("vault-2")
#: items by their short names: two vaults that each have a vm-01, and two codes
ITEMS = {"a": (item(1), PASSES), "b": (item(2), UNKNOWN_CODE), "c": (item(1, OTHER), PASSES)}


@pytest.fixture
def terminal() -> Terminal:
    """A terminal where three failures wait for a person, and one needs none."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    for each in (vault(), OTHER):
        found.tag_lookup.tag(each.id, retry="ask")
    for name, (of, error) in ITEMS.items():
        found.does(found.handle(found.fails(f"job-{name}", of=of, error=error)))
    return found


def waiting(terminal: Terminal) -> str:
    """The short names of what still waits."""
    opened = terminal.does(terminal.ledger.open_incidents())
    waits = {each.item.key for each in opened if each.awaits_approval}
    return "".join(name for name, (of, _) in ITEMS.items() if of.key in waits)


@pytest.mark.parametrize("command", ["approve", "dismiss"])
@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (["vm-02"], "ac"),
        (["VM-02", item(1).id.upper()], "c"),
        (["job-a"], "bc"),
        (["--vault", "vault-1"], "c"),
        (["--vault", OTHER.id], "ab"),
        (["--code", PASSES.lower()], "b"),
        (["--vault", "vault-1", "--code", PASSES], "bc"),
        (["vm-01", "--vault", "vault-2"], "ab"),
    ],
)
def test_what_is_named_is_answered_and_nothing_else(
    terminal: Terminal, command: str, arguments: Sequence[str], left: str
) -> None:
    """What is said narrows; a name without case, an ARM id, or a job's id."""
    assert terminal.types(command, *arguments, "--by", "eve").exit_code == 0
    assert waiting(terminal) == left


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Specify items, --vault or --code."),
        (["vm-09"], 2, "'vm-09' is not waiting for approval."),
        (["vm-02", "vm-09"], 2, "'vm-09' is not waiting for approval."),
        (["vm-01"], 2, "2 items named 'vm-01' are waiting; specify one by its ARM ID"),
        (["vm-02", "--vault", "vault-2"], 2, "'vm-02' is not waiting for approval."),
        (["--vault", "vault-3"], 1, "No retries are waiting for approval there."),
    ],
)
def test_what_names_nothing_or_several_changes_nothing(
    terminal: Terminal, arguments: list[str], code: int, said: str
) -> None:
    """The message says what to do."""
    done = terminal.types("approve", *arguments)
    assert (done.exit_code, waiting(terminal)) == (code, "abc")
    assert said in done.output


def test_an_approved_retry_goes_and_says_who_let_it(terminal: Terminal) -> None:
    """No longer among what needs a person; the story has the name."""
    assert terminal.types("status").exit_code == 1
    approved = terminal.json("approve", "vm-02", "--by", "eve")["approved"]
    assert [(each["name"], each["approved_by"]) for each in approved] == [("vm-02", "eve")]
    assert terminal.attempts == []
    terminal.does(terminal.follow_up(minutes=5))
    assert len(terminal.attempts) == 1
    story = terminal.types("explain", item(2).id).stdout
    assert "Retry approved" in story
    assert "Approved by eve." in story


def test_a_dismissed_one_says_who_and_why(terminal: Terminal) -> None:
    """In its incident, which is closed."""
    dismissed = terminal.json("dismiss", "vm-02", "--by", "eve", "--why", "it is rebuilt")["dismissed"]
    (found,) = dismissed
    assert (found["outcome"], found["reason"]) == ("left_alone", "dismissed")
    assert found["detail"] == "Dismissed by eve: it is rebuilt"


def test_what_waits_says_what_it_waits_for(terminal: Terminal) -> None:
    """On every screen: the commands are named, and until when."""
    for command in (["status"], ["explain", item(2).id], ["retry", item(2).id]):
        shown = " ".join(terminal.types(*command).stdout.split())
        assert 'backup-retry approve "vm-02" approves it' in shown
    answers = terminal.json("explain", item(2).id)
    assert "approval" in str(answers)
