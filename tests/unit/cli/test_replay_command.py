"""`backup-retry replay`: what the app would make of a signal."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, item, minutes, vault
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
