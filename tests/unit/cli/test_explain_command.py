"""`backup-retry explain`: what happened to an item, and what would now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import FailedJob
from backup_retry.policy import decide as policy
from backup_retry.policy.storm import storm_key
from backup_retry.ports.ledger import Beat
from cli.policy_questions import QUESTIONS
from tests.builders import NEEDS_PERSON, NOW, PASSES, item, job, minutes, vault
from tests.cli_sessions import Terminal

GUID = "0f0f0f0f-1111-2222-3333-444444444444"


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


def two_incidents(terminal: Terminal) -> tuple[str, str]:
    """The ids of an incident and of a later one of the same item."""
    ids = []
    for number, error in enumerate((NEEDS_PERSON, PASSES), start=1):
        terminal.does(
            terminal.handle(
                terminal.fails(f"job-{number}", error=error, started_at=terminal.clock() - minutes(40))
            )
        )
        ids.append(terminal.does(terminal.incident()).id)
        terminal.clock.move(days=3)
    return ids[0], ids[1]


def test_an_incidents_id_names_that_incident(terminal: Terminal) -> None:
    """And not the item's latest; of the earlier one the journal has what is left."""
    earlier, latest = two_incidents(terminal)
    found = {guid: terminal.json("explain", guid) for guid in (earlier, latest)}
    assert [found[guid]["incident"]["incident"] for guid in found] == [earlier, latest]
    assert {step["incident"] for step in found[earlier]["steps"]} == {earlier}
    assert (found[earlier]["incident"]["outcome"], found[earlier]["now"]) == ("needs_action", None)
    assert earlier in terminal.types("explain", earlier).stdout


def test_an_item_that_was_deleted_since_is_known_by_its_name(terminal: Terminal) -> None:
    """As long as the journal is kept, and as far back as was asked for."""
    terminal.does(terminal.handle(terminal.fails(error=NEEDS_PERSON)))
    terminal.clock.move(days=40)
    assert terminal.json("explain", "VM-01")["item"] == item().id
    refused = terminal.types("explain", "vm-01", "--days", "30")
    assert (refused.exit_code, "vm-01" in refused.stderr) == (2, True)


def test_a_job_that_its_vault_has_forgotten_is_known(terminal: Terminal) -> None:
    """By the bare id and by the ARM id, whose vault answers 404 after two weeks."""
    terminal.does(terminal.handle(terminal.fails(GUID, error=NEEDS_PERSON)))
    terminal.clock.move(days=40)
    terminal.vaults.shown_jobs.clear()
    for text in (GUID, f"{vault().id}/backupJobs/{GUID}"):
        assert terminal.json("explain", text)["incident"]["outcome"] == "needs_action"


def test_a_failed_restore_is_explained_as_itself(terminal: Terminal) -> None:
    """By its job and by its name: it is not the item's backups."""
    restore = replace(job("restore-1"), operation="Restore")
    terminal.vaults.protect(item())
    terminal.vaults.shown_jobs.append(restore)
    terminal.does(terminal.handle(FailedJob.of(restore, item())))
    for text in (f"{vault().id}/backupJobs/restore-1", "vm-01 (restore)"):
        found = terminal.json("explain", text)
        assert (found["item"], found["incident"]["reason"]) == (
            f"{item().id}/restores/restore-1",
            "unsupported",
        )


@pytest.mark.parametrize("command", [["explain", "vm-01"], ["status"], ["incidents"]], ids=" ".join)
def test_days_go_as_far_as_the_journal_is_kept(terminal: Terminal, command: list[str]) -> None:
    """The sentence names the option that was wrong."""
    terminal.settings["keep_days"] = "120"
    terminal.shows()
    assert terminal.types(*command, "--days", "120").exit_code == 0
    refused = terminal.types(*command, "--days", "121")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "backup-retry: --days 121: closed incidents are kept for 120 days.\n",
    )
