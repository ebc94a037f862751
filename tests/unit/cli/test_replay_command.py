"""`backup-retry replay`: what the app would make of a signal."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.jobs import JobStatus
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, STARTED, item, job, minutes, vault
from tests.cli_sessions import Terminal
from tests.cli_world import NO_ROLE, alert, row


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


#: a row of the query in Microsoft's article on retrying failed backups, which names no job
SEED = {
    "vaultSub": vault().subscription,
    "vaultId": vault().id,
    "protectedItemName": item().name,
    "startTime": STARTED.isoformat(),
    "endTime": "",
    "jobStatus": "Failed",
    "operation": "backup",
}
MILLISECONDS = f"/Date({int(STARTED.timestamp() * 1000)})/"
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
    "Microsoft's own query": [SEED],
    "Microsoft's own query in PowerShell": {"SkipToken": None, "Data": [SEED]},
    "Windows PowerShell's times": {"value": [SEED | {"startTime": MILLISECONDS}], "Count": 1},
    "jobs in other letters": [{"Id": row()["id"].upper().replace("JOB-1", "job-1"), "StartTime": None}],
    "an event hub's batch": [alert()],
    "a Logic App's trigger": {"body": alert(), "headers": {}},
    "a Logic App's run": [{"name": "manual", "outputs": {"body": [alert()]}}],
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
    assert (result.exit_code, result.stdout.count("not evaluated")) == (1, 2)
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


GUID = "0f0f0f0f-1111-2222-3333-444444444444"
POWERSHELL = {"JobId": GUID, "WorkloadName": "vm-01", "Status": "Failed", "StartTime": MILLISECONDS}


@pytest.mark.parametrize("content", [POWERSHELL, [POWERSHELL], {"value": [POWERSHELL], "Count": 1}])
def test_powershells_jobs_are_found_by_their_ids(terminal: Terminal, content: object) -> None:
    """Get-AzRecoveryServicesBackupJob names no vault: Resource Graph does."""
    terminal.fails(GUID)
    terminal.rows_of_graph = [{"id": f"{vault().id}/backupJobs/{GUID}", "backupInstance": item().id}]
    found = json.loads(terminal.types("replay", "-", "--json", stdin=json.dumps(content)).stdout)
    assert [(each["job"], each["decision"]) for each in found["would"]] == [(GUID, "triggered")]


def test_each_entry_of_a_file_has_its_line(terminal: Terminal) -> None:
    """By its number: what would become of it, or why nothing would; one that cannot be read stops no other."""
    terminal.fails()
    terminal.vaults.shown_jobs.append(job("job-2", status=JobStatus.COMPLETED))
    terminal.settings["scope_vaults"] = "!other"
    entries = [
        row(),
        {"id": f"{vault().id}/backupJobs/job-2"},
        {"id": f"{vault('other').id}/backupJobs/job-3"},
        SEED | {"protectedItemName": "VM;nobody"},
        POWERSHELL,
        {"what": "is this"},
    ]
    said = json.loads(terminal.types("replay", "-", "--json", stdin=json.dumps(entries)).stdout)
    assert [each["decisions"] for each in said["entries"]] == [["triggered"], [], [], [], [], []]
    whys = [each["why"] for each in said["entries"][1:]]
    expected = [
        "is Completed",
        "outside the configured scope",
        "no failed job of VM;nobody",
        "no job 0f0f",
        "",
    ]
    assert all(why and each in why for why, each in zip(whys, expected, strict=True))
    shown = terminal.types("replay", "-", stdin=json.dumps(entries))
    assert (shown.exit_code, "6 in the file: 1 would retry." in shown.stdout) == (1, True)
    assert [line.split()[0] for line in shown.stdout.splitlines()[1:7]] == list("123456")


SHARED = Path(__file__).parents[4] / "shared" / "cases"


@pytest.mark.parametrize("file", sorted(SHARED.glob("3[23]*.json")), ids=lambda path: path.name)
def test_what_administrators_exported_is_read(terminal: Terminal, file: Path) -> None:
    """The lists of az and PowerShell, Steampipe, an event hub's batch, a Logic App's trigger."""
    said = json.loads(terminal.types("replay", str(file), "--json").stdout)
    assert len(said["entries"]) == 1
    assert not any("alert" in each and "schema" in each for each in said["problems"])
