"""`backup-retry retry`: one item, through the engine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.jobs import Source
from backup_retry.ports.ledger import Beat
from tests.builders import NEEDS_PERSON, NOW, item, job, minutes, vault
from tests.cli_sessions import Terminal


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


# ---- retry, pause, resume --------------------------------------------------------------------------------------


def test_a_retry_goes_through_the_engine(terminal: Terminal) -> None:
    """Claimed, started once, and heard from a person."""
    terminal.fails()
    result = terminal.types("retry", item().id)
    assert (result.exit_code, len(terminal.attempts)) == (0, 1)
    assert terminal.does(terminal.incident()).found_by == Source.OPERATOR


def test_a_second_retry_is_refused_while_the_first_runs(terminal: Terminal) -> None:
    """Exit code 1; nothing is started."""
    terminal.fails()
    terminal.types("retry", item().id)
    terminal.runs(terminal.attempts[0])
    found = terminal.json("retry", item().id)
    assert (found["started"], found["reason"], len(terminal.attempts)) == (False, "attempt_running", 1)


def test_what_the_policy_refuses_is_refused(terminal: Terminal) -> None:
    """With the remedy, and again when it is closed."""
    terminal.fails(error=NEEDS_PERSON)
    for _ in range(2):
        result = terminal.types("retry", item().id)
        assert (result.exit_code, "Not retried" in result.stdout) == (1, True)
    assert terminal.attempts == []


def test_what_was_rehearsed_can_be_retried_once_dry_run_is_off(terminal: Terminal) -> None:
    """While it is on, the command says which setting to change."""
    terminal.fails()
    terminal.settings["dry_run"] = "true"
    terminal.types("retry", item().id)
    result = terminal.types("retry", item().id)
    assert (result.exit_code, "set DRY_RUN to false" in " ".join(result.stdout.split())) == (1, True)
    terminal.settings.clear()

    result = terminal.types("retry", item().id)

    assert (result.exit_code, "DRY_RUN" in result.stdout, len(terminal.attempts)) == (0, False, 1)


def test_nothing_failed_is_nothing_to_retry(terminal: Terminal) -> None:
    """Exit code 1."""
    terminal.vaults.protect(item())
    assert terminal.json("retry", item().id)["decision"] == "nothing_failed"


GUID = "0f0f0f0f-1111-2222-3333-444444444444"


@pytest.mark.parametrize("named", [True, False])
def test_the_item_that_resource_graph_names_with_a_job_is_retried(terminal: Terminal, named: bool) -> None:
    """The job is called after the node that did it; without a name a person has to find the item."""
    stand_in = ProtectedItem(vault=vault(), container="Unlisted;VM;node-2", name="vm-01")
    terminal.vaults.protect(item())
    terminal.vaults.shown_jobs.append(replace(job(GUID, of=stand_in), guessed=True))
    row = {"id": f"{vault().id}/backupJobs/{GUID}", "backupInstance": item().id if named else ""}
    terminal.rows_of_graph = [row]

    assert terminal.json("explain", GUID)["item"] == (item() if named else stand_in).id
    assert terminal.json("retry", GUID)["started"] is named


def test_a_job_of_a_rehearsal_is_not_an_item_of_the_vault(terminal: Terminal) -> None:
    """A job that completed was nothing to retry."""
    terminal.vaults.shown_jobs.append(job(names_item=False, error=""))
    assert terminal.types("explain", f"{vault().id}/backupJobs/job-1").exit_code == 2


@pytest.mark.parametrize("command", ["explain", "retry"])
def test_an_argument_that_is_no_utf_8_ends_in_a_sentence(command: str) -> None:
    """The shell hands its bytes on as halves of characters, which nothing can write."""
    result = Terminal().types(command, "vm\udcff")

    assert result.exit_code == 2
    assert "\ufffd" in result.stderr


def test_check_names_a_wrong_setting_under_its_own_name(terminal: Terminal) -> None:
    """With the exit code of wrong settings, and as a document for a program."""
    terminal.settings["max_attempts"] = "many"

    assert terminal.types("check").exit_code == 2
    document = terminal.json("check")
    (check,) = document["checks"]
    assert (document["healthy"], check["name"], check["verdict"]) == (False, "settings", "bad")
    assert "MAX_ATTEMPTS" in check["detail"]
