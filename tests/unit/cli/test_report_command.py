"""`backup-retry report`: a month in numbers."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.estate import Backups
from backup_retry.ports.reports import Closed
from cli.exit_codes import UsageError
from cli.monthly import Month, Numbers, monthly
from tests.builders import NEEDS_PERSON, NOW, PASSES, failed, incident, item, vault
from tests.cli_sessions import Terminal
from tests.status_world import backups, closed

NOVEMBER = Month.read("2026-11", NOW)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def numbers(*ended: Closed, known: list[Backups] | None = None, month: Month = NOVEMBER) -> Numbers:
    """The month's total."""
    return monthly(month, ended, [], known or [], NOW).total


def test_each_failure_counts_once_by_how_it_ended() -> None:
    """A retry that recovered has added a recovery point; another backup has not."""
    ended = [closed(outcome, 1, item(number)) for number, outcome in enumerate(Outcome, start=1)]
    found = monthly(NOVEMBER, ended, [incident(failure=failed(of=item(9)))], [], NOW).total
    assert (found.failures, found.without_a_person, found.needed_a_person) == (6, 2, 2)
    assert (found.no_action, found.still_open, found.points_added) == (1, 1, 1)


@pytest.mark.parametrize(
    ("ended", "known", "hours"),
    [
        pytest.param([closed(Outcome.RECOVERED, minutes=90)], [], 1.5, id="until it recovered"),
        # it failed yesterday at 12:00; today at 06:00 there is a good one: 18 h
        pytest.param([closed(Outcome.NEEDS_ACTION, 1)], [backups(good=[0])], 18.0, id="until a later backup"),
        # 12:00 yesterday until now, 14:00
        pytest.param([closed(Outcome.NEEDS_ACTION, 1)], [], 26.0, id="until now"),
        # 12:00 the day before yesterday until 12:00 yesterday, and half an hour from there
        pytest.param(
            [closed(Outcome.EXHAUSTED, 2), closed(Outcome.RECOVERED, 1)], [], 24.5, id="not twice at a time"
        ),
        pytest.param(
            [closed(Outcome.NEEDS_ACTION, 1, replace(item(), restore_job="job-1"))], [], 0.0, id="a restore"
        ),
        # it failed on 30 October at 12:00 and recovered on 1 November at 06:00
        pytest.param([closed(Outcome.RECOVERED, 23, minutes=42 * 60)], [], 6.0, id="within the month only"),
    ],
)
def test_hours_go_from_a_failure_to_the_next_good_point(
    ended: list[Closed], known: list[Backups], hours: float
) -> None:
    """That an incident, or the vault itself, knows of."""
    assert numbers(*ended, known=known).hours_unprotected == hours


def test_lines_are_by_vault_and_cause() -> None:
    """The most failures first; vaults of one name are different vaults."""
    twin = replace(vault(), resource_group="rg-twin")
    ended = [
        closed(Outcome.RECOVERED, 1, item(1)),
        closed(Outcome.RECOVERED, 1, item(2)),
        replace(closed(Outcome.NEEDS_ACTION, 1, item(3)), error=NEEDS_PERSON),
        closed(Outcome.RECOVERED, 1, item(4, twin)),
    ]
    found = monthly(NOVEMBER, ended, [], [], NOW)
    assert [(line.vault, line.cause, line.numbers.failures) for line in found.lines] == [
        (vault(), PASSES, 2),
        (vault(), NEEDS_PERSON, 1),
        (twin, PASSES, 1),
    ]


@pytest.mark.parametrize(
    ("text", "now", "begins"),
    [
        ("2026-11", NOW, datetime(2026, 11, 1, tzinfo=UTC)),
        ("", NOW, datetime(2026, 10, 1, tzinfo=UTC)),
        ("", datetime(2026, 1, 31, 23, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)),
        ("2024-02", NOW, datetime(2024, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_month_is_one_of_the_calendar(text: str, now: datetime, begins: datetime) -> None:
    """In UTC; without a name the last one that is over."""
    found = Month.read(text, now)
    assert (found.begins, (found.ends - HOUR).month, found.ends.day) == (begins, begins.month, 1)


@pytest.mark.parametrize("text", ["2026-13", "2026", "november", "2026-12", "9999-99"])
def test_what_is_no_month_is_refused(text: str) -> None:
    """Or has not begun; the sentence names the option."""
    with pytest.raises(UsageError, match=f"--month .*{text}"):
        Month.read(text, NOW)


@pytest.fixture
def terminal() -> Terminal:
    """A month in which one of two failures recovered, whose causes a spreadsheet would run."""
    found = Terminal()
    found.does(found.handle(found.fails("job-1", of=item(1), error=NEEDS_PERSON)))
    odd = found.fails("job-2", of=item(2), error="=cmd|' /C calc'!A0<b>")
    found.does(found.handle(odd))
    found.clock.move(hours=2)
    return found


def test_a_report_begins_with_its_sentence(terminal: Terminal) -> None:
    """And names what it cannot know: the month is not over."""
    shown = terminal.types("report", "--month", "2026-11").stdout.splitlines()
    assert shown[0].startswith("2026-11: 2 failed, 0 recovered automatically, 1 required action; ")
    assert shown[1] == "The month is not complete: as of 2026-11-22 16:00 UTC."
    assert terminal.json("report", "--month", "2026-11")["total"]["failures"] == 2
    assert terminal.types("report", "--month", "2026-10").stdout == "2026-10: no failed backups.\n"


def test_a_spreadsheet_gets_no_formula(terminal: Terminal) -> None:
    """Names from Azure are text there; numbers are numbers."""
    written = terminal.types("report", "--month", "2026-11", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(written)))
    assert {row["failures"] for row in rows} == {"1"}
    assert [row["cause"] for row in rows if row["cause"] != NEEDS_PERSON] == ["'=cmd|' /C calc'!A0<b>"]


def test_a_page_stands_alone_and_runs_nothing(terminal: Terminal) -> None:
    """Names are escaped, and nothing is loaded from elsewhere."""
    page = terminal.types("report", "--month", "2026-11", "--format", "html").stdout
    assert page.startswith("<!doctype html>")
    assert ("A0&lt;b&gt;" in page, "A0<b>" in page, "default-src 'none'" in page) == (True, False, True)
    assert "2 failed, 0 recovered" in page


def test_what_is_no_longer_kept_is_said(terminal: Terminal) -> None:
    """A month that the journal does not reach back to is not called quiet."""
    shown = terminal.types("report", "--month", "2026-05").stdout
    assert "Incidents closed before 2026-08-25 have been deleted and are not counted." in shown
