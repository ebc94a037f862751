"""What the board, the headline and the document say of whether items are protected."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.estate import Backups
from backup_retry.domain.protected_days import VaultDay, mark_of
from backup_retry.domain.protection import Protection
from backup_retry.ports.reports import Closed, Opened
from status.as_json import page_document
from status.dashboard import Trouble
from status.filters import Filters
from status.page import page
from status.summary import headline
from tests.builders import NOW, SUBSCRIPTION, item, vault
from tests.status_world import TODAY, backups, closed, dashboard, opened, snapshot

GOOD, OLD = backups(good=[0, 1, 2]), replace(backups(good=[12]), point_at=NOW - timedelta(days=12))


@pytest.mark.parametrize(
    ("known", "text"),
    [
        pytest.param(GOOD, "Everything is protected.", id="a point of this morning"),
        pytest.param(OLD, "1 item has no recent recovery point.", id="a point twelve days old"),
        pytest.param(backups(), "1 item is waiting for its backup.", id="the first minute"),
        pytest.param(
            replace(OLD, stopped=True),
            "Everything is protected except 1 item whose backups are stopped.",
            id="stopped",
        ),
    ],
)
def test_nothing_is_called_protected_that_is_not(known: Backups, text: str) -> None:
    """Whatever else is well; an item that is not is not hidden behind one that is."""
    other = replace(GOOD, item=item(2))
    assert headline(snapshot(dashboard(known, other)), []).text == text


@pytest.mark.parametrize(
    ("incidents", "state", "trouble"),
    [
        pytest.param((opened(), None), Protection.IN_PROGRESS, Trouble.OPEN, id="looked after"),
        pytest.param(
            (replace(opened(), told="approval"), None),
            Protection.ACTION_REQUIRED,
            Trouble.NEEDS_PERSON,
            id="open, and a person has been told",
        ),
        pytest.param(
            (None, closed(Outcome.NEEDS_ACTION)), Protection.ACTION_REQUIRED, Trouble.NEEDS_PERSON, id="told"
        ),
        pytest.param(
            (None, closed(Outcome.LEFT_ALONE)), Protection.OVERDUE, Trouble.UNPROTECTED, id="left alone"
        ),
        pytest.param(
            (Opened(incident_id="i", item=item(), at=NOW), closed(Outcome.EXHAUSTED, name="i")),
            Protection.ACTION_REQUIRED,
            Trouble.NEEDS_PERSON,
            id="told, and the notice is still to be sent",
        ),
    ],
)
def test_what_is_being_done_counts(
    incidents: tuple[Opened | None, Closed | None], state: Protection, trouble: Trouble
) -> None:
    """As the ledger knows it; an incident whose notice could not be sent has ended all the same."""
    running, ended = incidents
    board = dashboard(OLD, opened=[running] if running else [], closed=[ended] if ended else [])
    [row] = board.rows
    assert (row.protection, row.trouble) == (state, trouble)


def test_what_is_unprotected_is_counted_where_it_is_known() -> None:
    """Of three one is; without Resource Graph nobody knows."""
    known = [replace(OLD, item=item(1)), replace(GOOD, item=item(2)), replace(backups(), item=item(3))]
    assert dashboard(*known).unprotected == 1
    assert dashboard(answered=False).unprotected is None


def test_compliance_is_told_of_item_vault_and_subscription() -> None:
    """With the day since when it counts; of two days of two items three were kept."""
    one, two = mark_of(item(1)), mark_of(item(2))
    days = [
        VaultDay(vault=vault(), day=TODAY - timedelta(days=1), kept=frozenset({one, two})),
        VaultDay(
            vault=vault(), day=TODAY - timedelta(days=2), kept=frozenset({one}), missed=frozenset({two})
        ),
    ]
    seen = snapshot(dashboard(GOOD, replace(GOOD, item=item(2)), days=days))
    document = page_document(page(seen, [], Filters(), {}, "https://management.azure.com"), seen)
    of_all = document["protection"]["compliance"]
    whole = {"kept": 3, "promised": 4, "percent": 75.0}
    assert of_all["since"] == (TODAY - timedelta(days=2)).isoformat()
    assert of_all["vaults"] == {vault().id: dict.fromkeys(("7", "14", "30"), whole)}
    assert of_all["subscriptions"][SUBSCRIPTION]["30"] == whole
    by_name = {each["name"]: each["compliance"]["7"]["kept"] for each in document["items"]}
    assert by_name == {"vm-01": 2, "vm-02": 1}
