"""`backup-retry protection`: items by their state."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.estate import Estate
from backup_retry.domain.protected_days import VaultDay, mark_of
from tests.builders import NOW, item, vault
from tests.cli_sessions import Terminal
from tests.status_world import backups

GOOD = backups(good=[0, 1, 2], of=item(1))
OLD = replace(backups(good=[12], of=item(2)), point_at=NOW - timedelta(days=12))
FIRST = backups(of=item(3, vault("other")))
STOPPED = replace(backups(good=[12], of=item(4)), stopped=True)


@pytest.fixture
def terminal() -> Terminal:
    """An estate in which one item of four has a recovery point that is too old."""
    found = Terminal()
    found.estate.estate = Estate(items=[GOOD, OLD, FIRST, STOPPED], policies_unread={vault().key: "403"})
    return found


def test_items_are_listed_by_their_state_worst_first(terminal: Terminal) -> None:
    """With the one number, and since when each is overdue."""
    found = terminal.json("protection")
    assert [(each["name"], each["protection"]) for each in found["items"]] == [
        ("vm-02", "overdue"),
        ("vm-03", "in_progress"),
        ("vm-04", "stopped"),
        ("vm-01", "protected"),
    ]
    assert (found["unprotected"], found["states"]["overdue"]) == (1, 1)
    assert [each["overdue_since"] is None for each in found["items"]] == [False, True, True, True]


def test_an_unprotected_item_makes_it_fail(terminal: Terminal) -> None:
    """The first line says how many of how many."""
    result = terminal.types("protection")
    assert (result.exit_code, result.stdout.partition("\n")[0]) == (
        1,
        "1 of 4 items is unprotected: 1 overdue, 1 in progress, 1 stopped, 1 protected.",
    )
    assert "The policies of vault-1 cannot be read" in result.stdout
    terminal.estate.estate = Estate(items=[GOOD])
    assert terminal.types("protection").exit_code == 0


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["--state", "overdue"], ["vm-02"]), (["--vault", "OTHER"], ["vm-03"]), (["--limit", "1"], ["vm-02"])],
)
def test_the_list_can_be_narrowed(terminal: Terminal, options: list[str], expected: list[str]) -> None:
    """The counts stay those of the whole estate."""
    found = terminal.json("protection", *options)
    assert ([each["name"] for each in found["items"]], found["unprotected"]) == (expected, 1)


def test_where_azure_does_not_tell_nothing_is_called_protected(terminal: Terminal) -> None:
    """Exit code 3 and one sentence; `status` says that nobody knows."""
    terminal.estate.error = AzureUnavailable("Resource Graph: no answer")
    result = terminal.types("protection")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1)


def test_an_item_that_is_known_for_long_without_a_point_is_never_backed_up(terminal: Terminal) -> None:
    """Since when it is known stands in the history; without that its first turn may be still to come."""
    days_ago = NOW - timedelta(days=11)
    known = VaultDay(vault=FIRST.item.vault, day=days_ago.date(), waiting={mark_of(FIRST.item): days_ago})
    terminal.does(terminal.history.keep([known]))
    assert terminal.json("protection")["states"]["never"] == 1


def test_an_open_incident_of_which_a_person_was_told_is_action_required(terminal: Terminal) -> None:
    """As the page says it; without that it is in progress."""
    terminal.does(terminal.handle(terminal.fails("job-1", of=item(1))))
    assert terminal.json("protection")["states"]["action_required"] == 0
    opened = terminal.does(terminal.incident(item(1)))
    terminal.does(terminal.ledger.save(replace(opened, told_of=("approval",))))
    assert terminal.json("protection")["states"]["action_required"] == 1
