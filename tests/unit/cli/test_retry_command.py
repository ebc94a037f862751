"""`backup-retry retry`: one item, through the engine."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.ports.ledger import Beat
from tests.builders import NEEDS_PERSON, NOW, item, job, minutes, vault
from tests.cli_sessions import Terminal

#: another one that needs a person
OTHER_CODE = "UserErrorKeyVaultPermissionsNotConfigured"


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
    """With the remedy; once it is closed a program is told which option retries it all the same."""
    terminal.fails(error=NEEDS_PERSON)
    result = terminal.types("retry", item().id)
    assert (result.exit_code, "Not retried" in result.stdout) == (1, True)
    refused = terminal.json("retry", item().id)
    assert (refused["started"], refused["decision"], terminal.attempts) == (False, "already_handled", [])


@pytest.mark.parametrize(
    ("options", "answer", "started"),
    [([], "y\n", 1), (["--yes"], "", 1), (["--json", "--yes"], "", 1), ([], "n\n", 0), ([], "", 0)],
)
def test_a_closed_one_is_retried_by_somebody_who_agrees(
    terminal: Terminal, options: list[str], answer: str, started: int
) -> None:
    """The question says why it is closed; the story says who had it retried."""
    terminal.does(terminal.handle(terminal.fails(error=NEEDS_PERSON)))
    result = terminal.types("retry", item().id, "--by", "eve", *options, stdin=answer)
    assert (result.exit_code, len(terminal.attempts)) == (0 if started else 1, started)
    assert ("is closed (Action required, needs_action)" in result.stderr) == (not options)
    assert ("Retried by eve" in terminal.types("explain", item().id).stdout) == bool(started)


OTHER = vault("vault-2")


def three_closed_and_one_open(terminal: Terminal) -> None:
    """Two of them in one vault, one in another; two with one code."""
    for number, of, error in (
        (1, item(1), NEEDS_PERSON),
        (2, item(2), OTHER_CODE),
        (3, item(3, OTHER), NEEDS_PERSON),
    ):
        terminal.does(terminal.handle(terminal.fails(f"job-{number}", of=of, error=error)))
    terminal.does(terminal.engine.note(terminal.fails("job-4", of=item(4)), Source.ALERT))
    terminal.clock.move(hours=3)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--code", NEEDS_PERSON.upper()], [1, 3]),
        (["--vault", "VAULT-2"], [3]),
        (["--vault", vault().id], [1, 2, 4]),
        (["--vault", "vault-1", "--code", NEEDS_PERSON], [1]),
        ([item(1).id, item(4).id], [1, 4]),
    ],
)
def test_many_are_retried_after_one_question(
    terminal: Terminal, arguments: list[str], expected: list[int]
) -> None:
    """By code, by vault, by both or by their names; what needs a person or is open, and nothing else."""
    three_closed_and_one_open(terminal)
    refused = terminal.types("retry", *arguments, stdin="n\n")
    assert (refused.exit_code, terminal.attempts) == (1, [])
    assert f"Retry {len(expected)} item" in refused.stderr
    assert terminal.types("retry", *arguments, stdin="y\n").exit_code == 0
    assert {key for key, _ in terminal.vaults.triggered} == {
        item(number, OTHER if number == 3 else None).key for number in expected
    }


def test_what_nobody_can_retry_from_here_is_not_opened_again(terminal: Terminal) -> None:
    """A failed restore needs a person: no question is asked, and nobody is told a second time."""
    terminal.vaults.protect(item())
    terminal.vaults.shown_jobs.append(replace(job("restore-1"), operation="Restore"))
    terminal.does(terminal.handle(FailedJob.of(terminal.vaults.shown_jobs[0], item())))
    told = len(terminal.publisher.sent)
    refused = terminal.types("retry", f"{vault().id}/backupJobs/restore-1", "--yes")
    assert (refused.exit_code, "This app cannot safely retry it" in refused.stdout) == (1, True)
    assert terminal.types("retry", "--vault", "vault-1", "--yes").exit_code == 2
    assert (terminal.attempts, len(terminal.publisher.sent)) == ([], told)


def test_a_name_that_is_given_twice_is_retried_once(terminal: Terminal) -> None:
    """As if it had been given once."""
    terminal.fails()
    found = terminal.json("retry", item().id, item().id.upper(), "--yes")
    assert ([each["decision"] for each in found["retried"]], len(terminal.attempts)) == (["triggered"], 1)


def test_a_dry_run_of_many_starts_and_stores_nothing(terminal: Terminal) -> None:
    """It asks nobody, and says what would become of each."""
    three_closed_and_one_open(terminal)
    saves = terminal.ledger.saves
    found = terminal.json("retry", "--vault", "vault-1", "--dry-run")
    assert [(each["decision"], each["started"]) for each in found["retried"]] == [("triggered", False)] * 3
    assert (found["dry_run"], terminal.attempts, terminal.ledger.saves) == (True, [], saves)


def test_what_one_of_many_meets_holds_up_no_other(terminal: Terminal) -> None:
    """It is said, and makes the command fail."""
    three_closed_and_one_open(terminal)
    del terminal.vaults.items[item(1).key]
    terminal.vaults.shown_jobs = [each for each in terminal.vaults.shown_jobs if each.item != item(2)]
    found = terminal.json("retry", "--vault", "vault-1", "--yes")
    assert len(terminal.attempts) == 1
    assert [each.partition(":")[0] for each in found["problems"]] == ["vm-02"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Specify items, --vault or --code."),
        (["vm-01", "--code", "X"], "Items cannot be combined"),
        (["--code", "Nobody'sCode"], "--code Nobody'sCode: no open incident"),
        (["--vault", "vault-9"], "--vault vault-9: no open incident"),
        (["--vault", "vault-1", "--days", "999"], "--days 999: closed incidents are kept for 90 days"),
        (["--vault", "vault-1"], "--vault vault-1: 2 vaults have that name"),
        (["--code", NEEDS_PERSON, "--json"], "Use --yes to skip the confirmation"),
    ],
)
def test_a_choice_that_is_none_names_the_option(terminal: Terminal, arguments: list[str], said: str) -> None:
    """Exit code 2, and nothing is started."""
    three_closed_and_one_open(terminal)
    twin = replace(vault(), resource_group="rg-twin")
    terminal.does(terminal.handle(terminal.fails("job-9", of=item(9, twin), error=NEEDS_PERSON)))
    result = terminal.types("retry", *arguments)
    assert (result.exit_code, said in result.stderr, terminal.attempts) == (2, True, [])


def test_what_was_rehearsed_can_be_retried_once_dry_run_is_off(terminal: Terminal) -> None:
    """While it is on, the command says which setting to change."""
    terminal.fails()
    terminal.settings["dry_run"] = "true"
    terminal.types("retry", item().id)
    result = terminal.types("retry", item().id)
    assert (result.exit_code, "DRY_RUN is on: set it to false" in " ".join(result.stdout.split())) == (
        1,
        True,
    )
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
