"""Items, incidents and compliance as CSV."""

import csv
import io
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.protected_days import VaultDay, mark_of
from status.as_csv import cell, compliance_csv, incidents_csv, items_csv
from status.compliance_list import compliance_lines
from status.filters import Filters
from status.html import Answer
from status.place import Places
from tests.builders import NOW, item, vault
from tests.status_world import TODAY, backups, closed, dashboard


def read(answer: Answer) -> list[dict[str, str]]:
    """What a spreadsheet reads."""
    assert answer.mimetype == "text/csv"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    return list(csv.DictReader(io.StringIO(answer.body.removeprefix("\ufeff"))))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("=1+1", "'=1+1"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        (" =x", "' =x"),
        ("\t=x", "'\t=x"),
        ("vm=1", "vm=1"),
        ("", ""),
        (7, "7"),
        (None, ""),
        (NOW, "2026-11-22T14:00:00+00:00"),
    ],
)
def test_a_cell_that_would_be_a_formula_is_quoted_as_text(text: object, expected: str) -> None:
    """Anybody may call a machine =HYPERLINK(…)."""
    assert cell(text) == expected


def test_every_item_is_a_line_with_its_state_and_id() -> None:
    """Whatever it is called."""
    evil = replace(item(), name='VM;x;=cmd|"/c calc",\n1')
    made = dashboard(backups(good=[0], of=evil), closed=[closed(Outcome.NEEDS_ACTION, of=item(2))])
    needy, well = read(items_csv(made.rows, Places(made)))
    assert (needy["item"], needy["state"], needy["error"]) == ("vm-02", "needs_person", "CloudInternalError")
    assert needy["incident"] == "needs_action-0"
    assert well["item"] == '\'=cmd|"/c calc",\n1'
    assert (well["state"], well["error"], well["since"]) == ("none", "", "")


def test_every_incident_is_a_line_with_its_end() -> None:
    """And what a person should have done."""
    made = dashboard(closed=[closed(Outcome.EXHAUSTED, 1)])
    [line] = read(incidents_csv(made.closed, Places(made)))
    assert (line["outcome"], line["reason"], line["detail"]) == ("exhausted", "exhausted", "Do something.")
    assert line["failed_at"] == "2026-11-21T12:00:00+00:00"


def test_compliance_is_a_line_for_each_subscription_vault_and_item() -> None:
    """With the days kept and promised, and since when they are counted."""
    day = VaultDay(vault=vault(), day=TODAY - timedelta(days=1), missed=frozenset({mark_of(item())}))
    made = dashboard(backups(good=[0]), days=[day])
    lines = read(
        compliance_csv(compliance_lines(made, made.rows, Filters(), Places(made)), made.compliance.since)
    )
    assert [each["level"] for each in lines] == ["subscription", "vault", "item"]
    assert [each["vault"] for each in lines] == ["", "vault-1", "vault-1"]
    assert {(each["kept_7"], each["promised_14"], each["percent_30"]) for each in lines} == {
        ("0", "1", "0.0")
    }
    assert (lines[2]["name"], lines[2]["id"], lines[2]["counted_since"]) == ("vm-01", item().id, "2026-11-21")
