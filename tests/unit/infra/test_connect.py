"""infra/connect in both shells: which subscriptions are connected, what is waited for, and what is said."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.package import REPOSITORY
from tests.bicep_files import template
from tests.hooks import shells
from tests.hooks.azure import (
    APP,
    CONTRIBUTOR,
    HOME,
    INSTALLATION,
    OTHER,
    OUTPUTS,
    PRINCIPAL,
    ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR,
    STORAGE,
    TENANT,
    THIRD,
    USER_ACCESS_ADMINISTRATOR,
    WELL,
    Answer,
    answer,
    deployed,
    rights,
    role,
    roles,
    tagged,
    vaults_in,
)
from tests.hooks.connecting import Case, check
from tests.hooks.shells import both_shells

LETTERS = "abcdefab-cdef-abcd-efab-cdefabcdefab"
#: how a script asks for an output of main.bicep
OUTPUT = re.compile(r"(?:\$\(output|Get-Output) (\w+)")


def page_of_vaults(skip: int, tenants: Sequence[str]) -> Answer:
    """A page of what Resource Graph shows of vaults, a subscription of each of the tenants."""
    rows = [{"subscriptionId": OTHER, "tenantId": each, "name": None} for each in tenants]
    return answer(rf'ResourceGraph.*skip": {skip}\b', {"data": rows})


SUBSCRIPTIONS = [
    Case(
        name="those that are named",
        variables={"SCOPE_SUBSCRIPTIONS": f"{OTHER}, {THIRD};!{HOME}"},
        connected=[OTHER, THIRD],
        said=[f"{OTHER}  connected", f"{THIRD}  connected"],
    ),
    Case(
        name="a named one that is excluded, too",
        variables={"SCOPE_SUBSCRIPTIONS": f"{OTHER},{THIRD},!{OTHER}"},
        connected=[THIRD],
    ),
    Case(
        name="one that is named twice, in capitals and not",
        answers=[
            deployed(LETTERS, [], role(LETTERS)),
            tagged(LETTERS, []),
            *roles(LETTERS),
        ],
        variables={"SCOPE_SUBSCRIPTIONS": f"{LETTERS.upper()},{LETTERS}"},
        connected=[LETTERS],
    ),
    Case(
        name="none is named: found ones are not taken without a yes",
        answers=[vaults_in(HOME, OTHER)],
        connected=[HOME],
        said=[f"{OTHER}  skipped       not confirmed: name it in SCOPE_SUBSCRIPTIONS"],
    ),
    Case(
        name="none is named: found ones with a yes",
        answers=[vaults_in(HOME, OTHER, THIRD)],
        arguments=["--yes"],
        connected=[HOME, OTHER, THIRD],
        said=[f"{OTHER}  sub 2"],
    ),
    Case(
        name="an exclusion alone leaves that one out of the found ones",
        answers=[vaults_in(HOME, OTHER, THIRD)],
        variables={"SCOPE_SUBSCRIPTIONS": f"!{HOME}"},
        arguments=["--yes"],
        connected=[OTHER, THIRD],
        said=[f"{HOME}  skipped       SCOPE_SUBSCRIPTIONS excludes it"],
    ),
    Case(
        name="nothing is left: that is a failure",
        variables={"SCOPE_SUBSCRIPTIONS": f"!{HOME}"},
        exit_code=1,
        said=["Nothing to connect"],
    ),
    Case(
        name="found ones that the person may not write to",
        answers=[
            vaults_in(HOME, OTHER, THIRD),
            rights(OTHER, CONTRIBUTOR, ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR),
            rights(THIRD, CONTRIBUTOR, USER_ACCESS_ADMINISTRATOR),
        ],
        arguments=["--yes"],
        connected=[HOME, THIRD],
        said=[
            f"{OTHER}  skipped       no permission to write resources and roles there: an Owner has to run this"
        ],
    ),
    Case(
        name="a Contributor is enough where a management group gives the role",
        answers=[vaults_in(HOME, OTHER), rights(OTHER, CONTRIBUTOR)],
        variables={"ASSIGN_ROLE": "false"},
        arguments=["--yes"],
        connected=[HOME, OTHER],
    ),
    Case(
        name="vaults of another tenant, seen through Lighthouse, are not found ones",
        answers=[vaults_in(OTHER, tenant="another")],
        arguments=["--yes"],
        connected=[HOME],
    ),
    Case(
        name="found ones beyond the thousand that Resource Graph gives at a time",
        answers=[page_of_vaults(0, [*["another"] * 1000]), page_of_vaults(1000, [TENANT])],
        arguments=["--yes"],
        connected=[OTHER],
        said=[f"{OTHER}  connected"],
    ),
    Case(
        name="Resource Graph fails at the second thousand: nobody is left out in silence",
        answers=[
            page_of_vaults(0, [*["another"] * 1000]),
            answer("ResourceGraph", error="(TooManyRequests) no"),
        ],
        arguments=["--yes"],
        connected=[HOME],
        said=["The subscriptions with vaults cannot be listed"],
    ),
    Case(
        name="Resource Graph does not answer",
        answers=[answer("ResourceGraph", error="(AuthorizationFailed) no")],
        connected=[HOME],
        said=["The subscriptions with vaults cannot be listed: AuthorizationFailed: run this as Owner"],
    ),
]


@both_shells
@pytest.mark.parametrize("case", SUBSCRIPTIONS, ids=str)
def test_subscriptions(shell: str, case: Case) -> None:
    """The named ones; else those with vaults, with a yes; else the app's own. Who is left out is said."""
    check(shell, case)


@both_shells
def test_at_a_terminal_the_found_ones_are_confirmed(shell: str) -> None:
    """A yes connects all that were listed."""
    answers = [vaults_in(HOME, OTHER), *WELL]
    run = shells.run_at_terminal(shell, "connect", "y\n", answers=answers, variables=OUTPUTS)
    assert "Connect all of these? (no: only the app's own, " in run.output
    assert (run.connected, run.exit_code) == ([HOME, OTHER], 0)


EACH_BY_ITSELF = Case(
    name="one fails",
    answers=[
        answer(f"create --subscription {HOME}", error="RequestDisallowedByPolicy: no"),
        answer(f"create --subscription {THIRD}", error="(AuthorizationFailed) no"),
        answer("functionapp config appsettings list", [{"name": "DRY_RUN", "value": "true"}]),
    ],
    variables={
        "SCOPE_SUBSCRIPTIONS": f"{HOME},{OTHER},{THIRD}",
        "VAULT_WORKSPACE_ID": f"/subscriptions/{OTHER.upper()}/resourceGroups/g/workspace",
        "HEALTH_WATCHED_VAULT_IDS": "/subscriptions/0000/resourceGroups/g/vault",
    },
    connected=[HOME, OTHER, THIRD],
    exit_code=1,
    said=[
        "Not monitored, its subscription is not connected: /subscriptions/0000/resourceGroups/g/vault",
        f"{HOME}  failed        RequestDisallowedByPolicy: an Azure Policy denies it: ask the owner of the policy",
        f"{OTHER}  connected",
        f"{THIRD}  failed        AuthorizationFailed: run this as Owner of the subscription",
        f"Status page: https://func-backup-retry-{INSTALLATION}.example/api/status",
        f"Would an alert arrive? backup-retry check --app func-backup-retry-{INSTALLATION}",
        "DRY RUN: the app evaluates everything and starts no backup.",
        "azd env set DRY_RUN false",
    ],
    not_said=[
        "not-for-anybody",
        f"Not monitored, its subscription is not connected: /subscriptions/{OTHER.upper()}",
    ],
)


@both_shells
def test_one_that_fails_does_not_stop_the_others(shell: str) -> None:
    """The table says who can mend it; what the app is told of and whether it only rehearses is said, the key is not."""
    check(shell, EACH_BY_ITSELF)


@both_shells
def test_a_second_run_changes_nothing(shell: str) -> None:
    """What is there is what is wanted: nothing is deleted."""
    run = check(shell, Case(name="again", connected=[HOME], not_said=["DRY RUN", "removing"]))
    assert run.removed == []


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the repository where azd is not at home."""
    shutil.copytree(REPOSITORY / "infra", tmp_path / "infra")
    return tmp_path


@both_shells
def test_without_azd_the_deployments_outputs_are_read(shell: str, checkout: Path) -> None:
    """And handed to connect.bicep; the region is the person's to name."""
    outputs = {name: {"value": value} for name, value in OUTPUTS.items()}
    answers = [
        answer("deployment sub show --name mine$", {"properties": {"outputs": outputs}}),
        answer("account show", {"tenantId": TENANT}),
        answer("functionapp config appsettings list", [{"name": "DRY_RUN", "value": "True"}]),
        *WELL,
    ]
    run = shells.run(
        shell,
        "connect",
        answers=answers,
        variables={"AZURE_LOCATION": "northeurope", "DEPLOYMENT_NAME": "mine", "EXPECTED_PACKAGE": "any"},
        repository=checkout,
    )
    assert run.exit_code == 0, run.output
    (call,) = run.called("deployment sub create")
    assert (
        f"--location northeurope --name backup-retry-connect-{INSTALLATION} --parameters infra/bicep/connect.bicepparam"
        in call
    )
    given = [
        f"functionAppId={APP}",
        f"identityPrincipalId={PRINCIPAL}",
        f"storageAccountId={STORAGE}",
        "topicName=topic",
    ]
    assert set(given) <= set(call.split())
    assert f"AZURE_TENANT_ID={TENANT}" in call
    assert f"set DRY_RUN to false and run infra/deploy.{'sh' if shell == 'sh' else 'ps1'} again" in run.output


@both_shells
def test_a_region_has_to_be_named(shell: str, checkout: Path) -> None:
    """A subscription's deployment cannot change its region later."""
    run = shells.run(shell, "connect", answers=WELL, repository=checkout)
    assert (run.exit_code != 0, run.calls) == (True, [])
    assert "AZURE_LOCATION" in run.output


@both_shells
@pytest.mark.parametrize(("script", "hook"), [("connect", "postdeploy"), ("disconnect", "postdown")])
def test_a_run_by_hand_takes_azds_settings_or_none(
    shell: str, script: str, hook: str, checkout: Path
) -> None:
    """Else a switch that is on in azd's environment would be taken for one that is off."""
    (checkout / ".azure").mkdir()
    (checkout / ".azure" / "config.json").write_text("{}")
    run = shells.run(
        shell, script, answers=WELL, repository=checkout, variables={"AZURE_LOCATION": "northeurope"}
    )
    assert (run.exit_code, run.calls) == (1, [])
    assert f"azd hooks run {hook}" in run.output


def test_the_outputs_that_are_read_exist() -> None:
    """In main.bicep, under the names by which azd hands them to a hook."""
    scripts = [*REPOSITORY.glob("infra/*.sh"), *REPOSITORY.glob("infra/*.ps1")]
    read = {name for script in scripts for name in OUTPUT.findall(script.read_text("utf-8"))}
    assert read == set(OUTPUTS) - {name for name in OUTPUTS if name.isupper()}
    assert read <= set(template("main")["outputs"])


def test_what_connecting_left_is_told_by_the_template() -> None:
    """connect.bicep names what it wants: whatever else is there is deleted, so that an empty answer must be meant."""
    assert {"resourceIds", "roleId"} <= set(template("connect")["outputs"])
