"""`backup-retry explain`: what happened to an item, and what would now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.policy import decide as policy
from backup_retry.policy.storm import storm_key
from backup_retry.ports.ledger import Beat
from cli.policy_questions import QUESTIONS
from tests.builders import NEEDS_PERSON, NOW, PASSES, item, minutes, vault
from tests.cli_sessions import Terminal


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


# ---- explain ---------------------------------------------------------------------------------------------------


def test_every_row_of_the_policy_has_a_question() -> None:
    """In the same order."""
    assert list(QUESTIONS) == list(policy.ROWS)


def test_explain_tells_what_happened_and_what_would_now(terminal: Terminal) -> None:
    """The journal's steps, then the policy's questions up to the one that decides."""
    terminal.does(terminal.handle(terminal.fails()))
    terminal.runs(terminal.attempts[0])
    terminal.shows()
    found = terminal.json("explain", "vm-01")
    assert [each["kind"] for each in found["steps"]] == ["failure_noted", "retry_claimed", "retry_triggered"]
    assert (found["now"]["decision"], found["now"]["reason"]) == ("wait", "attempt_running")
    assert terminal.types("explain", "vm-01").exit_code == 0


def test_explain_of_a_failure_that_nobody_told_says_what_would_be_decided(terminal: Terminal) -> None:
    """And stores nothing of it."""
    terminal.fails()
    terminal.shows()
    found = terminal.json("explain", item().id)
    assert (found["now"]["decision"], found["known_to_the_ledger"]) == ("trigger", False)
    assert (terminal.attempts, terminal.ledger.saves) == ([], 0)


def test_explain_names_the_row_that_holds_an_item_back(terminal: Terminal) -> None:
    """Opted out by a tag: the questions after it are not asked."""
    terminal.tag_lookup.tag(vault().id, retry="off")
    terminal.fails()
    asked = terminal.json("explain", item().id)["questions"]
    assert [each["decided"] for each in asked] == [False, True]


@pytest.mark.parametrize(("recovered", "expected"), [(False, "storm"), (True, "retry")])
def test_explain_asks_the_storms_row(terminal: Terminal, recovered: bool, expected: str) -> None:
    """A canary leads it and four more fail alike: they wait until it is called off, however many fail alike."""
    terminal.rules = replace(terminal.rules, storm_size=5, backoff=(timedelta(0),))
    terminal.engine = terminal.another_engine()
    failures = [terminal.fails(f"job-{number}", of=item(number)) for number in range(1, 6)]
    for failed in failures:
        terminal.does(terminal.handle(failed))
    if recovered:
        row = terminal.does(terminal.ledger.storm(storm_key(vault(), PASSES)))
        assert row is not None
        terminal.does(terminal.ledger.save_storm(replace(row, released_at=NOW, size=0)))
    terminal.shows(*(item(number) for number in range(1, 6)))
    saves = terminal.ledger.saves
    found = terminal.json("explain", item(3).id)
    assert (found["now"]["reason"], terminal.ledger.saves) == (expected, saves)


def test_explain_takes_a_job(terminal: Terminal) -> None:
    """By its ARM id."""
    terminal.does(terminal.handle(terminal.fails(error=NEEDS_PERSON)))
    found = terminal.json("explain", f"{vault().id}/backupJobs/job-1")
    assert (found["job"], found["incident"]["outcome"]) == (
        {"id": "job-1", "status": "Failed"},
        "needs_action",
    )


def test_explain_says_when_azure_cannot_be_asked(terminal: Terminal) -> None:
    """What the ledger knows is shown all the same."""
    terminal.does(terminal.handle(terminal.fails()))
    terminal.vaults.read_error = AzureUnavailable("vault-1 does not answer")
    found = terminal.json("explain", item().id)
    assert (found["problem"], len(found["steps"])) == ("vault-1 does not answer", 3)


def test_a_name_that_several_items_bear_is_refused(terminal: Terminal) -> None:
    """The sentence names them."""
    terminal.shows(item(), item(of=vault("other")))
    result = terminal.types("explain", "vm-01")
    assert result.exit_code == 2
    assert item(of=vault("other")).id in result.stderr


@pytest.mark.parametrize("name", ["nobody", "a'b", "x\\", "aaaaaaaa-0000-0000-0000-00000000dead"])
def test_what_names_nothing_is_refused(terminal: Terminal, name: str) -> None:
    """Exit code 2; nothing that could break out of a query reaches one."""
    result = terminal.types("explain", name)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert all("a'b" not in query for query in terminal.queries)
