"""The Bicep files: their syntax, what is described, who composes, and what must never stand in them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backup_retry.azure.table_ledger import TABLES
from backup_retry.domain.failure_batches import FAILURE_FOUND
from tests.bicep_files import BICEP, MODULES, REPOSITORY, BicepFile, Declaration, bicep_files, text

FILES = bicep_files()
ENTRIES = [file for file in FILES if file.path.parent == BICEP]
CHECKER = REPOSITORY.parent / "shared" / "tools" / "bicep_check.py"


def each_file(file: BicepFile) -> str:
    return file.path.name


def described(file: BicepFile) -> list[Declaration]:
    kinds = ("param", "output", "type")
    return [each for kind in kinds for each in file.declared(kind).values()]


def resources(file: BicepFile) -> list[Declaration]:
    return [each for each in file.declared("resource").values() if not each.is_existing]


@pytest.mark.parametrize("file", FILES, ids=each_file)
def test_every_file_is_bicep(file: BicepFile) -> None:
    """The grammar finds no error."""
    assert file.errors == []


@pytest.mark.parametrize("file", FILES, ids=each_file)
def test_every_parameter_and_output_is_described(file: BicepFile) -> None:
    """A parameter's description says first whether it has to be given."""
    assert [each.name for each in described(file) if not each.description] == []
    for each in file.declared("param").values():
        assert each.description.startswith(("Optional. ", "Required. ")), each.name
        # Even where a default exists, an administrator has to think about the names that others find it by.
        assert each.is_optional or each.description.startswith("Required."), each.name


@pytest.mark.parametrize("file", [file for file in ENTRIES if file.declared("module")], ids=each_file)
def test_entry_files_only_compose(file: BicepFile) -> None:
    """Resources stand in modules, but for the resource group."""
    kinds = {each.target.split("@")[0] for each in resources(file)}
    assert kinds <= {"Microsoft.Resources/resourceGroups"}


@pytest.mark.parametrize("file", FILES, ids=each_file)
def test_modules_are_called_with_their_parameters(file: BicepFile) -> None:
    """Every required one, and none that does not exist."""
    for call in file.declared("module").values():
        module = BicepFile((file.path.parent / call.target).resolve())
        given = set(call.keys("params"))
        known = module.declared("param")
        assert given <= set(known), f"{call.name}: {given - set(known)}"
        required = {name for name, param in known.items() if not param.is_optional}
        assert required <= given, f"{call.name}: {required - given}"


def test_no_module_is_left_over() -> None:
    """Each is called by an entry file."""
    called = {
        (file.path.parent / call.target).resolve()
        for file in FILES
        for call in file.declared("module").values()
    }
    assert set(MODULES.glob("*.bicep")) == called


@pytest.mark.parametrize("file", FILES, ids=each_file)
def test_a_second_deployment_changes_nothing(file: BicepFile) -> None:
    """No name and no value depends on when or how often it is deployed."""
    assert not re.search(r"\b(utcNow|newGuid|dateTimeAdd)\(", file.source)


@pytest.mark.parametrize("file", FILES, ids=each_file)
def test_no_key_leaves_a_file(file: BicepFile) -> None:
    """Keys are listed only to be handed on as a secure parameter, never as an output or a setting."""
    for output in file.declared("output").values():
        assert "list" not in text(output.node).replace("list-flexconsumption", ""), output.name
    assert file.source.count("listKeys(") == (1 if file.path.name == "connect.bicep" else 0)


def test_a_webhook_address_is_a_secure_parameter() -> None:
    """It holds a key."""
    found = [file.declared("param")["webhookUri"] for file in FILES if "webhookUri" in file.declared("param")]
    assert [each.is_secure for each in found] == [True, True]


def test_role_assignments_stand_in_the_role_files() -> None:
    """One file for the app's own resource group, one for each scope of the vaults' role."""
    with_roles = {
        file.path.name for file in FILES if any("roleAssignments" in each.target for each in resources(file))
    }
    assert with_roles == {"roles.bicep", "backup-role.bicep", "backup-role-management-group.bicep"}


def test_both_scopes_give_the_same_role() -> None:
    """A subscription's role and a management group's list their actions in one place."""
    for name in ("backup-role.bicep", "backup-role-management-group.bicep"):
        assert "objectKeys(loadJsonContent('../backup-actions.json'))" in BicepFile(MODULES / name).source


def test_every_right_says_why() -> None:
    """The list is what an administrator reads before granting it; it neither changes nor deletes anything."""
    granted = json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8"))
    assert all(why.strip() for why in granted.values())
    assert not any("*" in action or action.endswith(("/write", "/delete")) for action in granted)


def test_nothing_opens_with_a_key() -> None:
    """Storage, topic, telemetry and workspace take Entra tokens only; publishing with a password is off."""
    sources = {file.path.name: file.source for file in FILES}
    assert "allowSharedKeyAccess: false" in sources["storage.bicep"]
    assert "allowBlobPublicAccess: false" in sources["storage.bicep"]
    assert "disableLocalAuth: true" in sources["topic.bicep"]
    assert "DisableLocalAuth: true" in sources["monitoring.bicep"]
    assert sources["function-app.bicep"].count("allow: false") == 2
    assert "httpsOnly: true" in sources["function-app.bicep"]


def test_the_ledgers_tables_are_made() -> None:
    """Those of the table ledger, and no others."""
    main = BicepFile(BICEP / "main.bicep").source
    [listed] = re.findall(r"tableNames: \[([^\]]*)\]", main)
    assert tuple(re.findall(r"'(\w+)'", listed)) == TABLES


def test_dead_letters_go_to_a_container_that_is_made() -> None:
    """main.bicep makes it, gives the topic its role there, and the topic's subscription names it."""
    assert "var deadLetterContainerName = 'dead-letters'" in BicepFile(BICEP / "main.bicep").source
    subscription = BicepFile(MODULES / "topic-subscription.bicep").source
    assert "param deadLetterContainerName string = 'dead-letters'" in subscription


def test_alerts_and_events_reach_functions_that_exist() -> None:
    """The webhook's route and the Event Grid trigger have the names that the Bicep files send to."""
    functions = (REPOSITORY / "reactor" / "functions.py").read_text(encoding="utf-8")
    assert 'route="alerts"' in functions
    assert "async def events(" in functions
    assert "/api/alerts?code=" in BicepFile(BICEP / "connect.bicep").source
    for name in ("topic-subscription.bicep", "failed-actions.bicep"):
        assert "'${functionAppId}/functions/events'" in BicepFile(MODULES / name).source


def test_the_common_alert_schema_is_on() -> None:
    """Azure's default is off, and the app answers the old schema with 400."""
    for name in ("alerts-in.bicep", "watch.bicep"):
        assert "useCommonAlertSchema: true" in BicepFile(MODULES / name).source


def test_the_app_is_not_told_of_its_own_announcements() -> None:
    """The topic's subscription lets through the one event type that says that a failure was found."""
    assert (
        f"concat(['{FAILURE_FOUND}'], furtherEventTypes)"
        in BicepFile(MODULES / "topic-subscription.bicep").source
    )


@pytest.mark.parametrize("entry", ["main", "connect"])
def test_parameter_files_set_what_exists(entry: str) -> None:
    """A parameter file names its entry file, and parameters of it."""
    parameters = (BICEP / f"{entry}.bicepparam").read_text(encoding="utf-8")
    assert f"using '{entry}.bicep'" in parameters
    given = set(re.findall(r"^param (\w+) =", parameters, re.MULTILINE))
    known = BicepFile(BICEP / f"{entry}.bicep").declared("param")
    assert given <= set(known)
    assert {name for name, param in known.items() if not param.is_optional} <= given


def test_azures_published_types_agree() -> None:
    """No error and no warning from the checker that knows the resource types and API versions."""
    if not CHECKER.exists():
        pytest.skip(f"the checker of resource types is not at {CHECKER}; CI runs the Bicep compiler instead")
    result = subprocess.run(
        [sys.executable, CHECKER, *(str(file.path) for file in ENTRIES)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.splitlines()[-1].endswith(" files, 0 errors, 0 warnings"), result.stdout


def test_linter_rules_are_errors() -> None:
    """The compiler's linter fails a build; only the rule that changes with the calendar is off."""
    levels = dict(re.findall(r'"([\w-]+)": \{ "level": "(\w+)" \}', (BICEP / "bicepconfig.json").read_text()))
    assert {rule for rule, level in levels.items() if level != "error"} == {"use-recent-api-versions"}


def connect(directory: Path, az: str, **environment: str) -> list[str]:
    """Run infra/connect.sh with a stand-in for az; the calls that it saw."""
    calls = directory / "calls"
    stand_in = directory / "az"
    stand_in.write_text(f'#!/bin/sh\necho "$*" >> {calls}\n{az}\n')
    stand_in.chmod(0o755)
    variables = {"PATH": f"{directory}:/usr/bin:/bin", "CONNECT_PAUSE_SECONDS": "0", **environment}
    subprocess.run([REPOSITORY / "infra" / "connect.sh"], env=variables, check=True, capture_output=True)
    return calls.read_text(encoding="utf-8").splitlines()


def test_connecting_runs_once_for_each_subscription(tmp_path: Path) -> None:
    """infra/connect.sh deploys connect.bicep to each that SCOPE_SUBSCRIPTIONS names, and tries again when refused."""
    calls = connect(
        tmp_path,
        f'[ "$(wc -l < {tmp_path}/calls)" -ne 1 ]',
        SCOPE_SUBSCRIPTIONS="one, two, !three",
        functionAppId="/subscriptions/home/resourceGroups/g/providers/Microsoft.Web/sites/f",
        identityPrincipalId="principal",
        topicName="topic",
        storageAccountId="account",
        AZURE_TENANT_ID="tenant",
    )
    assert [call.split()[4] for call in calls] == ["one", "one", "two"]
    assert all(call.startswith("deployment sub create --subscription ") for call in calls)
    assert all("--parameters infra/bicep/connect.bicepparam" in call for call in calls)


def test_connecting_without_azd_reads_the_deployments_outputs(tmp_path: Path) -> None:
    """And connects the subscription that the app is in."""
    calls = connect(tmp_path, "echo /subscriptions/home/resourceGroups/g")
    asked = [call.split("properties.outputs.")[1].split(".")[0] for call in calls if "sub show" in call]
    assert asked == ["functionAppId", "identityPrincipalId", "topicName", "storageAccountId"]
    assert set(asked) <= set(BicepFile(BICEP / "main.bicep").declared("output"))
    assert "--subscription home " in calls[-1]
