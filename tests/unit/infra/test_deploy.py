"""infra/deploy in both shells: the whole way by az alone, in its order, and what stops it before anything is made."""

import os
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.package import REPOSITORY
from status.package import own_files
from tests.hooks import shells
from tests.hooks.azure import APP, HEALTH, HOME, PRINCIPAL, STORAGE, TENANT, WELL, Answer, answer
from tests.hooks.shells import Run, both_shells

PROVIDERS = [
    "App",
    "Web",
    "Storage",
    "EventGrid",
    "Insights",
    "AlertsManagement",
    "OperationalInsights",
    "ManagedIdentity",
    "ManagedServices",
]
MADE = {
    "functionAppId": APP,
    "identityPrincipalId": PRINCIPAL,
    "topicName": "topic",
    "storageAccountId": STORAGE,
    "healthUrl": HEALTH,
}
NEW: list[Answer] = [
    answer("^version", {"azure-cli": "2.60.0"}),
    answer("^bicep version"),
    answer("account show", {"id": HOME, "tenantId": TENANT}),
    answer("list-flexconsumption-locations", [{"name": "northeurope"}]),
    answer("list-flexconsumption-runtimes", [{"version": "3.13"}]),
    answer(
        "provider list",
        [{"namespace": f"Microsoft.{each}", "registrationState": "Registered"} for each in PROVIDERS],
    ),
    answer("deployment sub create --name backup-retry"),
    answer(
        "deployment sub show --name backup-retry",
        {"properties": {"outputs": {n: {"value": v} for n, v in MADE.items()}}},
    ),
    answer("storageAccounts/st/providers/Microsoft.Authorization/roleAssignments", {"value": []}),
    answer("functionapp deployment source config-zip"),
    answer("functionapp config appsettings list", [{"name": "DRY_RUN", "value": "true"}]),
    *WELL,
]
#: what changes something, in its order
STEPS = ("deployment sub create", "functionapp deployment")


def deploy(shell: str, variables: Mapping[str, str], *arguments: str, repository: Path = REPOSITORY) -> Run:
    """A run where nothing is deployed yet."""
    return shells.run(shell, "deploy", *arguments, answers=NEW, variables=variables, repository=repository)


@both_shells
def test_it_makes_uploads_and_connects(shell: str, tmp_path: Path) -> None:
    """In this order, with the release's package; and it says how the dry run ends."""
    package = tmp_path / "app.zip"
    package.write_bytes(b"a zip")
    run = deploy(shell, {"AZURE_LOCATION": "northeurope", "PACKAGE": str(package)})
    assert run.exit_code == 0, run.output
    assert not run.called("UNEXPECTED"), run.output
    made, uploaded, connected = run.called(*STEPS)
    assert made.startswith(
        "deployment sub create --name backup-retry --location northeurope --parameters infra/bicep/main.bicepparam"
    )
    assert uploaded == (
        f"functionapp deployment source config-zip --subscription {HOME} --resource-group rg-app"
        f" --name {APP.rsplit('/', 1)[-1]} --src {package} --build-remote true"
    )
    assert connected.startswith(f"deployment sub create --subscription {HOME} --location northeurope")
    (waited,) = [call for call in run.calls if "roleAssignments" in call and STORAGE in call]
    assert run.calls.index(made) < run.calls.index(waited) < run.calls.index(uploaded)
    assert f"run infra/deploy.{'sh' if shell == 'sh' else 'ps1'} again" in run.output


@both_shells
def test_the_package_is_made_where_none_is_named(shell: str, tmp_path: Path) -> None:
    """The same files as `make package`, under the same names."""
    for name in (*own_files(REPOSITORY), "LICENSE"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    shutil.copytree(REPOSITORY / "infra", tmp_path / "infra")
    run = deploy(shell, {"AZURE_LOCATION": "northeurope"}, repository=tmp_path)
    assert run.exit_code == 0, run.output
    with zipfile.ZipFile(tmp_path / "build" / "app.zip") as package:
        assert set(package.namelist()) == {*own_files(REPOSITORY), "LICENSE"}


@both_shells
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        pytest.param({}, "AZURE_LOCATION", id="no region"),
        pytest.param({"AZURE_LOCATION": "westus"}, "Flex Consumption in westus", id="something is missing"),
        pytest.param(
            {"AZURE_LOCATION": "northeurope", "PACKAGE": f"build{os.sep}none.zip"},
            "there is no such file",
            id="no package",
        ),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_made(
    shell: str, variables: dict[str, str], said: str
) -> None:
    """Nothing changes in Azure."""
    run = deploy(shell, variables)
    assert run.exit_code != 0
    assert said in run.output
    assert run.called(*STEPS) == []


@both_shells
def test_subscription_and_deployment_can_be_chosen(shell: str, tmp_path: Path) -> None:
    """For a second installation, and for an az whose default is another subscription."""
    package = tmp_path / "app.zip"
    package.write_bytes(b"a zip")
    chosen = {
        "AZURE_SUBSCRIPTION_ID": HOME,
        "DEPLOYMENT_NAME": "backup-retry-rehearsal",
        "PACKAGE": str(package),
    }
    run = deploy(shell, {"AZURE_LOCATION": "northeurope", **chosen})
    assert run.exit_code == 0, run.output
    assert f"--subscription {HOME}" in run.called("deployment sub create --name backup-retry-rehearsal")[0]
    shown = run.called("deployment sub show")
    assert shown
    assert all("--name backup-retry-rehearsal" in each and f"--subscription {HOME}" in each for each in shown)
