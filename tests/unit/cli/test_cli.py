"""The commands on fakes: what they show, what they change, and how they end."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden
from backup_retry.domain.jobs import Pause, Source
from backup_retry.engine.vault_access import whole
from backup_retry.policy import decide as policy
from backup_retry.ports.access_inspection import FoundVault, Permission
from backup_retry.ports.ledger import Beat
from cli.policy_questions import QUESTIONS
from tests.builders import NEEDS_PERSON, NOW, SUBSCRIPTION, item, job, minutes, vault
from tests.cli_sessions import Terminal
from tests.status_world import unreadable

NO_ROLE = Forbidden("403 AuthorizationFailed", code="AuthorizationFailed", status=403)
PROFILES = json.dumps(
    [
        {"name": "hourly", "schedule": "0 0 * * * *"},
        {"name": "past", "schedule": "0 0 * * * *", "expires": "2026-11-01T00:00:00Z"},
        {"name": "later", "schedule": "0 0 * * * *", "starts": "2026-12-01T00:00:00Z"},
    ]
)


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


def row(number: int = 1) -> dict[str, str]:
    """A row of the sweep's query."""
    backed_up = item(number)
    ids = {"id": f"{vault().id}/backupJobs/job-{number}", "backupInstance": backed_up.id}
    return {**ids, "startTime": (NOW - minutes(40)).isoformat()}


# ---- status and incidents --------------------------------------------------------------------------------------


def test_nothing_open_and_the_app_at_work_is_well(terminal: Terminal) -> None:
    """Exit code 0, in one sentence."""
    result = terminal.types("status")
    assert (result.exit_code, "Nothing needs a person." in result.stdout) == (0, True)


def test_an_item_that_needs_a_person_makes_status_fail(terminal: Terminal) -> None:
    """Its remedy stands there, and the exit code is 1."""
    terminal.does(terminal.handle(terminal.fails(error=NEEDS_PERSON)))
    result = terminal.types("status")
    assert result.exit_code == 1
    assert "vm-01" in result.stdout
    found = terminal.json("status")
    assert [each["outcome"] for each in found["needs_a_person"]] == ["needs_action"]
    assert found["closed"]["needs_action"] == 1


def test_an_open_incident_that_a_person_was_told_of_makes_status_fail(terminal: Terminal) -> None:
    """A vault without the app's role: it is called by its name, and goes on by itself."""
    terminal.vaults.read_error = NO_ROLE
    terminal.does(terminal.handle(terminal.fails()))
    result = terminal.types("status")
    assert result.exit_code == 1
    assert "no_permission" in result.stdout
    found = terminal.json("status")
    assert [(each["item"], each["name"]) for each in found["waits_for_a_person"]] == [(vault().id, "vault-1")]
    assert [each["name"] for each in terminal.json("incidents", "--needs-person")] == ["vault-1"]


def test_a_vault_that_cannot_be_read_is_explained(terminal: Terminal) -> None:
    """By its ARM id: what Azure answers there, and no decision as about an item."""
    terminal.vaults.read_error = NO_ROLE
    terminal.does(terminal.handle(terminal.fails()))
    result = terminal.types("explain", vault().id)
    assert result.exit_code == 0
    assert result.stdout.startswith("Vault vault-1")
    assert "403 AuthorizationFailed" in " ".join(result.stdout.split())
    found = terminal.json("explain", vault().id)
    assert (found["incident"]["reason"], found["now"], found["questions"]) == ("no_permission", None, [])


def test_a_sweep_that_was_missed_makes_status_fail(terminal: Terminal) -> None:
    """Two days ago is too long for a daily one."""
    terminal.does(terminal.ledger.beat(Beat.SWEEP, NOW - timedelta(days=2)))
    assert terminal.types("status").exit_code == 1
    assert terminal.json("status")["runs"]["sweep"]["late"]


def test_an_incomplete_sweep_of_a_profile_makes_status_fail(terminal: Terminal) -> None:
    """It is said with its age, and the profile that is over is not called late."""
    terminal.settings["sweep_profiles"] = PROFILES
    terminal.does(terminal.ledger.beat("sweep-hourly", NOW - minutes(60)))
    assert terminal.types("status").exit_code == 0
    terminal.does(terminal.ledger.beat("incomplete-sweep-hourly", NOW - minutes(5)))
    result = terminal.types("status")
    assert result.exit_code == 1
    lines = [line.split(maxsplit=3) for line in result.stdout.splitlines()]
    said = {words[2]: words[3] for words in lines if words[:2] == ["Last", "sweep"] and len(words) > 3}
    assert said["hourly"] == "1 h ago, INCOMPLETE 5 min ago: `backup-retry check` says what to do"
    assert said["past"] == "never, its time is over"
    assert said["later"] == "never, its time begins 2026-12-01 00:00Z"
    runs = terminal.json("status")["runs"]
    assert {name: run["state"] for name, run in runs.items()} == {
        "sweep": "well",
        "follow_up": "well",
        "sweep_hourly": "incomplete",
        "sweep_past": "over",
        "sweep_later": "not_yet",
    }
    assert runs["sweep_hourly"]["incomplete"] == (NOW - minutes(5)).isoformat()


def test_signals_that_wait_are_shown_where_there_are_any(terminal: Terminal) -> None:
    """With the oldest's age; Azure is slow, nobody has to act."""
    assert "Signals" not in terminal.types("status").stdout
    assert terminal.json("status")["signals"] == {"waiting": 0, "or_more": False, "since": None}
    for number in range(2):
        terminal.does(terminal.inbox.keep({"label": f"alert {number}"}))
    terminal.clock.move(minutes=4)
    result = terminal.types("status")
    assert (result.exit_code, "2 signals wait, the oldest for 4 min" in result.stdout) == (0, True)
    assert terminal.json("status")["signals"] == {"waiting": 2, "or_more": False, "since": NOW.isoformat()}


def test_a_pause_is_shown_until_it_is_over(terminal: Terminal) -> None:
    """By whom and why."""
    terminal.does(terminal.ledger.set_pause(Pause(by="eve", why="network change", until=NOW + minutes(5))))
    assert [each["by"] for each in terminal.json("status")["pauses"]] == ["eve"]
    terminal.clock.move(minutes=5)
    assert terminal.json("status")["pauses"] == []


def test_incidents_are_filtered(terminal: Terminal) -> None:
    """By state, outcome, reason, vault, subscription and text, and all of them together."""
    terminal.does(terminal.handle(terminal.fails("job-1", of=item(1), error=NEEDS_PERSON)))
    terminal.does(terminal.handle(terminal.fails("job-2", of=item(2, of=vault("other")))))

    def names(*filters: str) -> set[str]:
        return {each["name"] for each in terminal.json("incidents", *filters)}

    assert names() == {"vm-01", "vm-02"}
    assert names("--open") == names("--vault", "OTHER") == names("--reason", "attempt_running") == {"vm-02"}
    assert names("--closed") == names("--needs-person") == names("--outcome", "needs_action") == {"vm-01"}
    assert names("--text", "vm-01") == names("--text", NEEDS_PERSON.upper()) == {"vm-01"}
    assert names("--subscription", SUBSCRIPTION) == {"vm-01", "vm-02"}
    assert names("--subscription", "another") == names("--open", "--text", "vm-01") == set()
    assert len(terminal.json("incidents", "--limit", "1")) == 1


def test_filters_that_exclude_each_other_are_refused(terminal: Terminal) -> None:
    """Exit code 2 and a sentence."""
    result = terminal.types("incidents", "--open", "--closed")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


def test_hostile_names_are_shown_and_not_obeyed(terminal: Terminal) -> None:
    """Neither markup nor escape sequences reach the terminal."""
    terminal.does(terminal.handle(terminal.fails(error="\x1b[2J[red]boo\nboo")))
    shown = terminal.types("incidents").stdout
    assert "\x1b" not in shown
    assert "[red]" in shown


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
    terminal.opt_outs.tagged.add(vault().id)
    terminal.fails()
    asked = terminal.json("explain", item().id)["questions"]
    assert [each["decided"] for each in asked] == [False, True]


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


def test_a_sweep_that_could_not_look_everywhere_fails(terminal: Terminal) -> None:
    """Exit code 1, with the problem."""
    terminal.rows_of_graph = [{"id": "x"}]
    result = terminal.types("sweep")
    assert (result.exit_code, "Not looked at" in result.stdout) == (1, True)


def test_a_lookback_that_is_none_is_refused(terminal: Terminal) -> None:
    """Azure keeps jobs for fourteen days."""
    assert terminal.types("sweep", "--dry-run", "--lookback", "99d").exit_code == 2


def alert() -> dict[str, object]:
    """An alert that names the vault only."""
    essentials = {"alertRule": "Backup Failure", "monitoringService": "Azure Backup"}
    data = {"essentials": {**essentials, "alertTargetIDs": [vault().id]}, "alertContext": {}}
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


BACKUP = "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/backup/action"
FORMS = {
    "an alert": alert(),
    "an event of ours": {"eventType": "BackupRetry.FailureFound", "data": {"itemId": item().id}},
    "a CloudEvent": {"type": "BackupRetry.FailureFound", "data": {"vaultId": vault().id}},
    "a runbook's wrapper": {"WebhookName": "w", "RequestBody": json.dumps(alert())},
    "a refused backup": {
        "eventType": "Microsoft.Resources.ResourceActionFailure",
        "subject": item().id,
        "data": {"operationName": BACKUP},
    },
    "a list of events": [{"eventType": "BackupRetry.FailureFound", "data": {"itemId": item().id}}],
    "rows of az graph query": {"count": 1, "data": [row()]},
    "rows alone": [row()],
    "a table of rows": {
        "data": {"columns": [{"name": name} for name in row()], "rows": [list(row().values())]}
    },
    "jobs as they are": [
        {
            "id": row()["id"],
            "properties": {"startTime": row()["startTime"], "backupInstanceId": item().id},
        }
    ],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_replay_says_what_would_be_decided(terminal: Terminal, tmp_path: Path, form: str) -> None:
    """Whatever form the failure comes in; nothing is stored or started."""
    terminal.fails()
    file = tmp_path / "file.json"
    file.write_text(json.dumps(FORMS[form]))
    found = terminal.json("replay", str(file))
    assert [(each["job"], each["decision"]) for each in found["would"]] == [("job-1", "triggered")]
    assert (terminal.attempts, terminal.ledger.saves) == ([], 0)


def test_a_replay_says_why_nothing_would_happen(terminal: Terminal) -> None:
    """From standard input, and without a ledger."""
    terminal.has_ledger = False
    resolved = json.loads(json.dumps(alert()))
    resolved["data"]["essentials"]["monitorCondition"] = "Resolved"
    result = terminal.types("replay", "-", stdin=json.dumps(resolved))
    assert (result.exit_code, "not Fired" in result.stdout) == (0, True)


@pytest.mark.parametrize("error", [NO_ROLE, AzureUnavailable("no answer")])
def test_a_replay_goes_on_after_a_vault_that_cannot_be_asked(
    terminal: Terminal, error: AzureRefused | AzureUnavailable
) -> None:
    """It says which signals could not be looked at, and starts and stores nothing."""
    terminal.vaults.read_error = error
    result = terminal.types("replay", "-", stdin=json.dumps([alert(), alert()]))
    assert (result.exit_code, result.stdout.count("Not looked at")) == (1, 2)
    assert (terminal.attempts, terminal.ledger.saves) == ([], 0)


def test_a_replay_knows_the_dimensions_that_are_set(terminal: Terminal) -> None:
    """As the app would read the alert."""
    terminal.fails()
    terminal.settings["log_alert_dimensions"] = "vault: Tresor"
    essentials = {"monitoringService": "Log Alerts V2"}
    dimensions = [{"name": "Tresor", "value": vault().id}]
    context = {"condition": {"allOf": [{"dimensions": dimensions}]}}
    data = {"essentials": essentials, "alertContext": context}
    result = terminal.types("replay", "-", stdin=json.dumps({"data": data}))
    assert "1 would retry" in result.stdout


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}"])
def test_a_file_that_holds_no_signal_is_refused(terminal: Terminal, text: str) -> None:
    """Exit code 2 and one sentence."""
    result = terminal.types("replay", "-", stdin=text)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)


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


def test_a_pause_holds_retries_back_until_it_is_taken_back(terminal: Terminal) -> None:
    """What waited for its end is due at once."""
    assert terminal.types("pause", "--why", "network change", "--until", "4h", "--by", "eve").exit_code == 0
    terminal.fails()
    assert terminal.json("retry", item().id)["reason"] == "paused"
    assert terminal.does(terminal.incident()).due == NOW + timedelta(hours=4)
    assert terminal.types("resume").exit_code == 0
    assert terminal.does(terminal.incident()).due == NOW
    assert terminal.types("retry", item().id).exit_code == 0


def test_a_pause_of_a_vault_is_taken_back_by_its_scope(terminal: Terminal) -> None:
    """Or with all the others."""
    terminal.types("pause", "--why", "x", "--scope", vault().id)
    assert terminal.json("resume") == {
        "resumed": [],
        "still_paused": terminal.json("status")["pauses"],
    }
    assert len(terminal.json("resume", "--all")["resumed"]) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["--until", "yesterday"],
        ["--until", "2020-01-01"],
        ["--until", "0h"],
        ["--scope", "vault-1"],
        ["--scope", item().id],
    ],
)
def test_a_pause_that_means_nothing_is_refused(terminal: Terminal, options: list[str]) -> None:
    """Exit code 2; nothing is paused."""
    assert terminal.types("pause", "--why", "x", *options).exit_code == 2
    assert terminal.types("pause").exit_code == 2
    assert terminal.does(terminal.ledger.pauses()) == []


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


# ---- check -----------------------------------------------------------------------------------------------------


def failed_checks(terminal: Terminal) -> dict[str, str]:
    """The failed checks with what mends them."""
    checks = terminal.json("check")["checks"]
    return {each["name"]: each["mend"] for each in checks if each["verdict"] == "bad"}


def test_a_healthy_deployment_passes(terminal: Terminal) -> None:
    """Exit code 0, nothing to mend."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    result = terminal.types("check")
    assert (result.exit_code, "All is well." in result.stdout) == (0, True)
    assert terminal.attempts == []


def test_an_alert_setting_that_is_absent_is_not_switched_off(terminal: Terminal) -> None:
    """Only Disabled is."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="")]
    assert failed_checks(terminal) == {}
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Disabled")]
    assert "az resource update" in failed_checks(terminal)["alerts of vault-1"]


def test_every_missing_right_is_named(terminal: Terminal) -> None:
    """A reader cannot start backups."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    terminal.inspection.allowed[vault().key] = [Permission(actions=("*/read",))]
    mend = failed_checks(terminal)["rights on vault-1"]
    assert re.findall(r'--role "([^"]+)"', mend) == ["Backup Operator", "Reader"]
    assert "protectedItems/backup/action" in terminal.types("check").stdout.replace("\n", "").replace(" ", "")


def test_a_backup_vault_is_checked_by_its_own_rights(terminal: Terminal) -> None:
    """A role on Recovery Services vaults alone does not reach it."""
    backup_vault = replace(vault("backup-1"), kind=VaultKind.BACKUP)
    terminal.inspection.found = [FoundVault(vault=backup_vault, failure_alerts="Disabled")]
    permission = Permission(actions=("Microsoft.RecoveryServices/*", "Microsoft.DataProtection/*/read"))
    terminal.inspection.allowed[backup_vault.key] = [permission]
    failed = failed_checks(terminal)
    assert f"--scope {backup_vault.id}" in failed["rights on backup-1"]
    assert f"--ids {backup_vault.id}" in failed["alerts of backup-1"]
    [missing] = [each for each in terminal.json("check")["checks"] if each["name"] == "rights on backup-1"]
    assert missing["detail"] == (
        "missing: Microsoft.DataProtection/backupVaults/backupInstances/backup/action"
    )


def test_rights_that_azure_does_not_tell_are_unknown(terminal: Terminal) -> None:
    """That alone is no failure."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    terminal.inspection.allowed[vault().key] = Forbidden("permissions: 403", status=403)
    assert failed_checks(terminal) == {}


def test_a_vault_that_cannot_be_read_is_named(terminal: Terminal) -> None:
    """Without its role the identity does not even see it, so that nothing else here could say so."""
    terminal.does(terminal.engine.access.refused(whole(vault()), NO_ROLE, Source.SWEEP))
    result = terminal.types("check")
    assert result.exit_code == 1
    found = {each["name"]: each["verdict"] for each in terminal.json("check")["checks"]}
    assert found["access to vault-1"] == "bad"


def test_tables_topic_vaults_and_runs_are_checked(terminal: Terminal) -> None:
    """Each failure with what mends it, and exit code 1."""
    terminal.settings["eventgrid_topic_endpoint"] = "https://topic.test"
    terminal.inspection.absent_tables = ["journal"]
    terminal.inspection.topic_error = Forbidden("Event Grid topic: 403", status=403)
    terminal.does(terminal.ledger.beat(Beat.FOLLOW_UP, NOW - timedelta(hours=1)))
    failed = failed_checks(terminal)
    assert set(failed) == {"vaults", "tables", "topic", "follow-up"}
    assert "EventGrid Data Sender" in failed["topic"]
    assert terminal.types("check").exit_code == 1


def test_a_setting_that_is_raised_is_said(terminal: Terminal) -> None:
    """It is no fault of the deployment: a safe value is used."""
    terminal.settings = {"settle_after": "10m"}
    [said] = [each for each in terminal.json("check")["checks"] if each["name"] == "settings"]
    assert (said["verdict"], said["detail"].partition("=")[0]) == ("good", "SETTLE_AFTER")


def test_rows_that_cannot_be_read_are_named_by_their_keys(terminal: Terminal) -> None:
    """With what is the matter with each, ten of them at most."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    terminal.inspection.allowed[vault().key] = [Permission(actions=("*",))]
    terminal.unreadables.rows = [unreadable(key=f"pause-{number:02}") for number in range(1, 12)]
    assert "az storage entity" in failed_checks(terminal)["rows"]
    [found] = [each["detail"] for each in terminal.json("check")["checks"] if each["name"] == "rows"]
    assert found.startswith(
        "11 cannot be read by this version: control/control/pause-01: column x says 1; control/"
    )
    assert ("pause-10" in found, "pause-11" in found) == (True, False)


def test_every_sweep_is_checked(terminal: Terminal) -> None:
    """A late and an incomplete one each with what to do; a profile that is over or not yet is well."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    terminal.inspection.allowed[vault().key] = [Permission(actions=("*",))]
    terminal.settings["sweep_profiles"] = PROFILES
    terminal.does(terminal.ledger.beat(Beat.INCOMPLETE_SWEEP, NOW - minutes(60)))
    failed = failed_checks(terminal)
    assert set(failed) == {"sweep", "sweep hourly"}
    assert "sweep_incomplete" in failed["sweep"]
    assert "the function `sweep_hourly`" in failed["sweep hourly"]
    details = {each["name"]: each["detail"] for each in terminal.json("check")["checks"]}
    assert details["sweep"] == "last complete 9 h ago, INCOMPLETE 1 h ago; its schedule is 0 0 5 * * *"
    assert details["sweep past"] == "last complete never, its time is over"


def test_without_an_identity_nothing_else_is_checked(terminal: Terminal) -> None:
    """The one remedy is to sign in."""
    terminal.inspection.identity = AzureUnavailable("identity: no credential for Azure")
    assert list(failed_checks(terminal)) == ["identity"]


# ---- how every command ends ------------------------------------------------------------------------------------


def test_a_setting_that_is_missing_is_one_sentence(terminal: Terminal) -> None:
    """Exit code 2."""
    terminal.has_ledger = False
    result = terminal.types("status")
    assert (result.exit_code, result.stderr) == (
        2,
        "backup-retry: Settings: LEDGER_ENDPOINT is not set\n",
    )


def test_no_answer_is_one_sentence(terminal: Terminal) -> None:
    """Exit code 3."""
    terminal.vaults.read_error = AzureUnavailable("vault-1 does not answer")
    result = terminal.types("retry", item().id)
    assert (result.exit_code, result.stderr) == (3, "backup-retry: vault-1 does not answer\n")


def test_a_fault_of_ours_is_one_sentence(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 3; a variable shows the traceback."""
    terminal.ledger.pauses = None  # type: ignore[assignment]
    result = terminal.types("status")
    assert (result.exit_code, result.stderr.count("\n")) == (3, 1)
    monkeypatch.setenv("BACKUP_RETRY_DEBUG", "1")
    assert isinstance(terminal.types("status").exception, TypeError)


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
