"""`backup-retry check --app`: whether an alert would arrive, and what the app may do in each vault."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import AzureUnavailable, Forbidden
from backup_retry.domain.jobs import Source
from backup_retry.ports.access_inspection import FoundVault, Permission
from backup_retry.ports.deployment import ActionGroup, ProcessingRule, Webhook
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, vault
from tests.cli_sessions import Terminal
from tests.status_world import closed

SUBSCRIPTION = f"/subscriptions/{vault().subscription}"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Insights/actionGroups/ag-ours"
KEY = "not-for-anybody"
HOOK = Webhook(uri=f"https://app-1.test/api/alerts?code={KEY}")
RULE = ProcessingRule(
    id=f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.AlertsManagement/actionRules/apr-ours",
    scopes=(SUBSCRIPTION.upper(),),
    adds=(GROUP,),
    conditions=(("MonitorService", "Equals", ("Azure Backup",)),),
)
ELSEWHERE, CLOSED = GROUP.replace("ag-ours", "ag-people"), GROUP.replace("ag-ours", "ag-closed")
QUIET = replace(RULE, id="/rule-quiet", adds=(), suppresses=True)


@pytest.fixture
def terminal() -> Terminal:
    """An app that is connected and at work."""
    found = Terminal()
    found.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    found.deployment.found = [RULE]
    found.deployment.groups[GROUP] = ActionGroup(id=GROUP, webhooks=(HOOK,))
    found.deployment.groups[ELSEWHERE] = ActionGroup(id=ELSEWHERE)
    found.deployment.groups[CLOSED] = Forbidden("ag-closed: 403", status=403)
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - timedelta(minutes=5)))
    return found


def found_by(terminal: Terminal, verdict: str = "bad") -> dict[str, str]:
    """What the check says where it comes to that verdict, by the checks' names."""
    checks = terminal.json("check", "--app", "app-1")["checks"]
    return {each["name"]: each["detail"] for each in checks if each["verdict"] == verdict}


def test_an_app_that_is_connected_passes(terminal: Terminal) -> None:
    """The way of an alert is named, nothing is triggered, and no key is shown."""
    result = terminal.types("check", "--app", "app-1")
    assert (result.exit_code, "All checks passed." in result.stdout, KEY in result.stdout) == (0, True, False)
    assert "action group ag-ours" in found_by(terminal, "good")["alert route of vault-1"]
    assert terminal.attempts == []


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ([], "no alert processing rule"),
        ([replace(RULE, enabled=False)], "alert processing rule apr-ours is disabled"),
        ([replace(RULE, scheduled=True)], "has a schedule"),
        ([replace(RULE, adds=(ELSEWHERE,))], "action group ag-people: none calls"),
        ([replace(RULE, scopes=(f"{SUBSCRIPTION}/resourceGroups/another",))], "no alert processing rule"),
        ([replace(RULE, scopes=(f"{SUBSCRIPTION}0",))], "no alert processing rule"),
        ([replace(RULE, conditions=(("Severity", "Equals", ("Sev0",)),))], "no alert processing rule"),
        ([replace(RULE, conditions=(("MonitorService", "NotEquals", ("Azure Backup",)),))], "no alert"),
        ([RULE, QUIET], "suppressed by /rule-quiet"),
        ([RULE, replace(QUIET, scheduled=True)], "suppressed by /rule-quiet, on a schedule"),
        ([RULE, replace(QUIET, conditions=(("Severity", "Equals", ("Sev1",)),))], "some of them are"),
        ([RULE, replace(QUIET, conditions=(("MonitorService", "Equals", ("Platform",)),))], ""),
        ([RULE, replace(QUIET, enabled=False)], ""),
        ([replace(RULE, adds=(ELSEWHERE, GROUP))], ""),
        ([replace(RULE, adds=(CLOSED, GROUP))], ""),
        (Forbidden("actionRules: 403", status=403), ""),
    ],
)
def test_without_a_rule_for_the_vault_no_alert_arrives(
    terminal: Terminal, rules: list[ProcessingRule] | Exception, said: str
) -> None:
    """A rule that is off, elsewhere or about something else is none; one that suppresses wins."""
    terminal.deployment.found = rules
    failed = found_by(terminal)
    assert set(failed) == ({"alert route of vault-1"} if said else set())
    assert said in failed.get("alert route of vault-1", "")


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (ActionGroup(id=GROUP), "none calls https://app-1.test/api/alerts"),
        (ActionGroup(id=GROUP, webhooks=(replace(HOOK, uri="https://app-2.test/api/alerts"),)), "none calls"),
        (ActionGroup(id=GROUP, webhooks=(HOOK,), enabled=False), "disabled"),
        (ActionGroup(id=GROUP, webhooks=(replace(HOOK, common_schema=False),)), "common alert schema"),
    ],
)
def test_an_action_group_that_does_not_reach_the_app_fails(
    terminal: Terminal, group: ActionGroup, said: str
) -> None:
    """Another app's webhook, none, one that is off, or the old schema."""
    terminal.deployment.groups[GROUP] = group
    assert said in found_by(terminal)["alert route of vault-1"]


@pytest.mark.parametrize(
    ("status", "said"),
    [(401, "not the app's"), (404, "no function named alerts"), (503, "returned an error")],
)
def test_a_webhook_that_does_not_take_a_signal_fails(terminal: Terminal, status: int, said: str) -> None:
    """An old key, an app without functions, an app that is down."""
    terminal.deployment.status = status
    assert said in found_by(terminal)["webhook"]


def test_an_action_group_that_nobody_may_read_is_no_verdict(terminal: Terminal) -> None:
    """It may be the one that leads to the app."""
    terminal.deployment.found = [replace(RULE, adds=(CLOSED, ELSEWHERE))]
    assert (found_by(terminal), "alert route of vault-1" in found_by(terminal, "unknown")) == ({}, True)


def test_when_alerts_and_tests_last_arrived_is_said(terminal: Terminal) -> None:
    """Of each vault, by kind."""
    for kind, days in ((AlertKind.BACKUP_ALERT, 2), (AlertKind.TEST, 30)):
        terminal.does(terminal.arrivals.note(vault(), kind, NOW - timedelta(days=days)))
    said = found_by(terminal, "good")["alerts from vault-1"]
    assert said == "last backup_alert 2 days ago; last test 30 days ago"


def test_failures_that_no_alert_told_of_fail_the_check(terminal: Terminal) -> None:
    """What the sweep says once a day; the way may look whole."""
    for number in range(5):
        terminal.ledger._journal[str(number)] = replace(closed(Outcome.RECOVERED, 1), found_by=Source.SWEEP)
    said = found_by(terminal)["alerts from vault-1"]
    assert said.startswith("5 failures in vault vault-1 were found by the sweep and none by an alert.")


def test_a_webhook_that_azure_monitor_signs_in_to_is_not_tried(terminal: Terminal) -> None:
    """Only Azure Monitor may."""
    hook = replace(HOOK, signs_in=True)
    terminal.deployment.groups[GROUP] = ActionGroup(id=GROUP, webhooks=(hook,))
    terminal.deployment.status = 401
    assert (found_by(terminal), "webhook" in found_by(terminal, "unknown")) == ({}, True)


def test_the_rights_are_those_of_the_app(terminal: Terminal) -> None:
    """What is missing is to be given to its identity."""
    terminal.inspection.allowed[vault().key] = [Permission(actions=("*/read",))]
    result = terminal.types("check", "--app", "app-1")
    assert result.exit_code == 1
    assert "--assignee-object-id principal-1" in result.stdout.replace("\n", " ")


def test_tables_that_the_person_may_not_read_are_no_failure_of_the_app(terminal: Terminal) -> None:
    """The role that shows them is named."""
    terminal.inspection.absent_tables = Forbidden("ledger: 403", status=403)
    assert found_by(terminal) == {}
    assert "Storage Table Data Reader" in found_by(terminal, "unknown")["tables"]


def test_a_dry_run_is_said(terminal: Terminal) -> None:
    """In the first week nothing is started, however well all is."""
    terminal.settings["dry_run"] = "true"
    assert "no backup is started" in found_by(terminal, "good")["settings"]


def test_without_a_sign_in_nothing_is_said_of_the_app(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 and no table."""

    def nobody(*_: object) -> None:
        raise AzureUnavailable("Nobody is signed in to Azure: az login.")

    monkeypatch.setattr(terminal, "open_app", nobody)
    result = terminal.types("check", "--app", "app-1")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "az login" in result.stderr


def test_a_resource_group_finds_its_app(terminal: Terminal) -> None:
    """No name is needed where it has one app."""
    assert terminal.types("check", "--resource-group", "rg").exit_code == 0


def test_a_wrong_setting_of_the_app_is_an_answer(terminal: Terminal) -> None:
    """Under its own name, with the exit code of wrong settings."""
    terminal.settings["max_attempts"] = "many"
    assert "MAX_ATTEMPTS" in found_by(terminal)["settings"]
    assert terminal.types("check", "--app", "app-1").exit_code == 2
