"""`backup-retry check`: what a deployment lacks."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import VaultKind
from backup_retry.domain.errors import AzureUnavailable, Forbidden
from backup_retry.domain.jobs import Source
from backup_retry.engine.vault_incidents import whole
from backup_retry.ports.access_inspection import FoundVault, Permission
from backup_retry.ports.ledger import Beat
from tests.builders import NOW, item, minutes, vault
from tests.cli_sessions import Terminal
from tests.cli_world import NO_ROLE, PROFILES
from tests.status_world import unreadable


@pytest.fixture
def terminal() -> Terminal:
    """A terminal in an empty world whose app is at work."""
    found = Terminal()
    found.does(found.ledger.beat(Beat.SWEEP, NOW - timedelta(hours=9)))
    found.does(found.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40)))
    found.does(found.ledger.beat(Beat.FOLLOW_UP, NOW - minutes(5)))
    return found


# ---- check -----------------------------------------------------------------------------------------------------


def failed_checks(terminal: Terminal) -> dict[str, str]:
    """The failed checks with what mends them."""
    checks = terminal.json("check")["checks"]
    return {each["name"]: each["mend"] for each in checks if each["verdict"] == "bad"}


def test_a_healthy_deployment_passes(terminal: Terminal) -> None:
    """Exit code 0, nothing to mend."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    result = terminal.types("check")
    assert (result.exit_code, "All checks passed." in result.stdout) == (0, True)
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
    mend = failed_checks(terminal)["permissions on vault-1"]
    assert re.findall(r'--role "([^"]+)"', mend) == ["Backup Operator", "Reader"]
    assert "protectedItems/backup/action" in terminal.types("check").stdout.replace("\n", "").replace(" ", "")


def test_a_backup_vault_is_checked_by_its_own_rights(terminal: Terminal) -> None:
    """A role on Recovery Services vaults alone does not reach it."""
    backup_vault = replace(vault("backup-1"), kind=VaultKind.BACKUP)
    terminal.inspection.found = [FoundVault(vault=backup_vault, failure_alerts="Disabled")]
    permission = Permission(actions=("Microsoft.RecoveryServices/*", "Microsoft.DataProtection/*/read"))
    terminal.inspection.allowed[backup_vault.key] = [permission]
    failed = failed_checks(terminal)
    assert f"--scope {backup_vault.id}" in failed["permissions on backup-1"]
    assert f"--ids {backup_vault.id}" in failed["alerts of backup-1"]
    [missing] = [
        each for each in terminal.json("check")["checks"] if each["name"] == "permissions on backup-1"
    ]
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
    terminal.does(terminal.engine.vault_incidents.refused(whole(vault()), NO_ROLE, Source.SWEEP))
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
    assert details["sweep"] == "last complete run 9 h ago, INCOMPLETE 1 h ago; its schedule is 0 0 5 * * *"
    assert details["sweep past"] == "last complete run never, expired"


def test_without_an_identity_nothing_else_is_checked(terminal: Terminal) -> None:
    """Exit code 3, and nothing that sounds like a result."""
    terminal.inspection.identity = AzureUnavailable("identity: no credential for Azure")
    result = terminal.types("check")
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (3, "", 1)


def test_profiles_that_a_tag_names_and_nobody_knows_are_listed(terminal: Terminal) -> None:
    """With the resource that bears the tag: its items are retried by the settings alone."""
    terminal.inspection.found = [FoundVault(vault=vault(), failure_alerts="Enabled")]
    terminal.settings["retry_profiles"] = '[{"name": "night", "attempts": 2}]'
    terminal.tag_lookup.tag(vault().id, profile="Night")
    assert failed_checks(terminal) == {}
    terminal.tag_lookup.tag(item().machine_id, profile="nigth")
    assert set(failed_checks(terminal)) == {"profiles"}
    [found] = [each for each in terminal.json("check")["checks"] if each["name"] == "profiles"]
    assert found["detail"] == f"not in RETRY_PROFILES: nigth on {item().machine_id}"
    terminal.tag_lookup.error = AzureUnavailable("Resource Graph: no answer")
    assert failed_checks(terminal) == {}


def test_check_is_one_list_of_questions(terminal: Terminal) -> None:
    """Each with its answer, and what is to do under it; every name has a question of its own."""
    terminal.inspection.found = [FoundVault(vault=vault("vault-9"), failure_alerts="Disabled")]
    checks = terminal.json("check")["checks"]
    assert all(each["question"].endswith("?") and each["question"] != f"{each['name']}?" for each in checks)
    shown = terminal.types("check").stdout.splitlines()
    [row] = [at for at, line in enumerate(shown) if "Does vault-9 raise alerts for failed jobs?" in line]
    assert shown[row].startswith("FAILED")
    assert shown[row + 1].startswith("  To fix: az resource update --ids ")
