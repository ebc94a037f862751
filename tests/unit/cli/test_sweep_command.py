"""`backup-retry sweep`: a dry run, and one that retries."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.estate import Estate
from backup_retry.domain.jobs import Source
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, item, minutes
from tests.cli_sessions import Terminal
from tests.cli_world import row
from tests.status_world import backups


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


# ---- sweep and replay ------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_it_would_do_and_does_nothing(terminal: Terminal) -> None:
    """Nothing is stored, started or told; not even the heartbeat."""
    terminal.fails("job-1", of=item(1))
    terminal.rows_of_graph = [row(1)]
    before = terminal.does(terminal.ledger.last_beat(Beat.SWEEP))
    found = terminal.json("sweep", "--dry-run")
    assert [each["decision"] for each in found["handled"]] == ["triggered"]
    assert (terminal.attempts, terminal.ledger.saves, terminal.publisher.sent) == ([], 0, [])
    assert not terminal.opened_for_writing
    assert terminal.does(terminal.ledger.last_beat(Beat.SWEEP)) == before


def test_a_dry_run_knows_what_the_ledger_knows(terminal: Terminal) -> None:
    """A failure that was handled is not retried in the rehearsal either."""
    terminal.does(terminal.handle(terminal.fails("job-1", of=item(1))))
    terminal.rows_of_graph = [row(1)]
    found = terminal.json("sweep", "--dry-run")
    assert [each["decision"] for each in found["handled"]] == ["already_handled"]


def test_a_dry_run_needs_no_ledger(terminal: Terminal) -> None:
    """A sweep does."""
    terminal.has_ledger = False
    assert terminal.types("sweep", "--dry-run").exit_code == 0
    assert terminal.types("sweep").exit_code == 2


def test_a_sweep_retries(terminal: Terminal) -> None:
    """As the app's own does."""
    terminal.fails("job-1", of=item(1))
    terminal.rows_of_graph = [row(1)]
    result = terminal.types("sweep")
    assert (result.exit_code, len(terminal.attempts)) == (0, 1)
    assert terminal.does(terminal.incident()).found_by == Source.SWEEP


@pytest.mark.parametrize(("options", "kept"), [((), True), (("--dry-run",), False)], ids=str)
def test_a_sweep_looks_whether_items_are_protected(
    terminal: Terminal, options: tuple[str, ...], kept: bool
) -> None:
    """As the daily one does: what is missing becomes an incident, and the day is kept; a dry run does neither."""
    terminal.estate.estate = Estate(items=[replace(backups(good=[12]), point_at=NOW - timedelta(days=12))])
    assert terminal.types("sweep", *options).exit_code == 0
    assert (terminal.history.counted is not None, bool(terminal.history.kept)) == (kept, kept)
    errors = [each.failure.error.label for each in terminal.does(terminal.ledger.open_incidents())]
    assert errors == (["NoBackupInTime"] if kept else [])


def test_a_sweep_that_could_not_look_everywhere_fails(terminal: Terminal) -> None:
    """Exit code 1, with the problem."""
    terminal.rows_of_graph = [{"id": "x"}]
    result = terminal.types("sweep")
    assert (result.exit_code, "Not evaluated" in result.stdout) == (1, True)


@pytest.mark.parametrize(("text", "why"), [("99d", "the 14 days"), ("soon", "duration"), ("0s", "")])
def test_a_lookback_that_is_none_is_refused(terminal: Terminal, text: str, why: str) -> None:
    """The sentence names the option, and no setting that nobody has typed."""
    result = terminal.types("sweep", "--dry-run", "--lookback", text)
    assert (result.exit_code, result.stderr.startswith(f"backup-retry: --lookback {text}: ")) == (2, True)
    assert (why in result.stderr, "SWEEP_LOOKBACK" in result.stderr) == (True, False)
