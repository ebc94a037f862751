"""infra/preprovision and infra/predeploy in both shells: what is missing is said before anything is made."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.hooks import shells
from tests.hooks.azure import (
    CONTRIBUTOR,
    HOME,
    OTHER,
    OUTPUTS,
    OWNER,
    PRINCIPAL,
    ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR,
    STORAGE,
    TENANT,
    USER_ACCESS_ADMINISTRATOR,
    Answer,
    answer,
    rights,
)
from tests.hooks.shells import both_shells

PROVIDERS = [
    "microsoft.app",
    "Microsoft.Web",
    "Microsoft.Storage",
    "Microsoft.EventGrid",
    "Microsoft.Insights",
    "Microsoft.AlertsManagement",
    "Microsoft.OperationalInsights",
    "Microsoft.ManagedIdentity",
]
#: one screen
LINES = 24


def registered(*namespaces: str, subscription: str = "") -> Answer:
    """The providers that a subscription has, and one that it might have."""
    states = [{"namespace": each, "registrationState": "Registered"} for each in namespaces]
    other = {"namespace": "Microsoft.ManagedServices", "registrationState": "NotRegistered"}
    return answer(f"provider list --subscription {subscription}", [*states, other])


READY: list[Answer] = [
    answer("^version", {"azure-cli": "2.60.0"}),
    answer("^bicep version"),
    answer("account show", {"id": HOME, "tenantId": TENANT}),
    answer("list-flexconsumption-locations", [{"name": "northeurope"}, {"name": "East US"}]),
    answer("list-flexconsumption-runtimes", [{"version": "3.12"}, {"version": "3.13"}]),
    registered(*PROVIDERS),
    answer("permissions", {"value": [OWNER]}),
]


@dataclass(frozen=True, kw_only=True)
class Case:
    """What Azure answers before all is well, what the person chose, and what is missing then."""

    name: str
    answers: Sequence[Answer] = ()
    variables: dict[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name


CASES = [
    Case(
        name="nothing",
        variables={
            "SCOPE_SUBSCRIPTIONS": f"{OTHER}, !another",
            "SECURE_WEBHOOK_CLIENT_ID": "client",
            "SECURE_WEBHOOK_OBJECT_ID": "object",
        },
    ),
    Case(name="nothing in a region as the portal writes it", variables={"AZURE_LOCATION": "East US"}),
    Case(
        name="providers, here and where vaults are",
        answers=[
            registered(*PROVIDERS[1:], subscription=HOME),
            registered(*PROVIDERS[:4], subscription=OTHER),
        ],
        variables={"SCOPE_SUBSCRIPTIONS": f"{HOME},{OTHER}"},
        missing=[
            f"Microsoft.App: az provider register --subscription {HOME} --namespace Microsoft.App",
            f"Microsoft.Insights: az provider register --subscription {OTHER} --namespace Microsoft.Insights",
            f"Microsoft.AlertsManagement: az provider register --subscription {OTHER} --namespace",
        ],
    ),
    Case(
        name="the provider that Lighthouse needs, in a customer's subscription",
        variables={"LIGHTHOUSE": "true", "AZURE_LOCATION": ""},
        missing=["Microsoft.ManagedServices: az provider register"],
    ),
    Case(
        name="the right to write roles",
        answers=[rights(HOME, CONTRIBUTOR, ROLE_BASED_ACCESS_CONTROL_ADMINISTRATOR)],
        missing=[
            f"permission to write resources and roles in subscription {HOME}: ask an Owner to assign you Owner"
        ],
    ),
    Case(
        name="nothing for both halves of an Owner",
        answers=[rights(HOME, CONTRIBUTOR, USER_ACCESS_ADMINISTRATOR)],
    ),
    Case(
        name="a region with Flex Consumption",
        answers=[answer("list-flexconsumption-runtimes.*germanynorth", error="no such location")],
        variables={"AZURE_LOCATION": "germanynorth"},
        missing=["Flex Consumption in germanynorth: azd env set AZURE_LOCATION <region>"],
    ),
    Case(
        name="the provider that would tell of regions",
        answers=[
            answer("list-flexconsumption-runtimes", error="(MissingSubscriptionRegistration) Microsoft.Web"),
            registered(PROVIDERS[0], *PROVIDERS[2:]),
        ],
        missing=[
            (
                "information whether Flex Consumption is available in northeurope: MissingSubscriptionRegistration: "
                "register"
            ),
            f"Microsoft.Web: az provider register --subscription {HOME} --namespace Microsoft.Web",
        ],
    ),
    Case(
        name="Python 3.13 in the region",
        answers=[answer("list-flexconsumption-runtimes", [{"version": "3.12"}])],
        missing=["Python 3.13 in northeurope: azd env set AZURE_LOCATION"],
    ),
    Case(
        name="tools that are new enough, and a region",
        answers=[answer("^version", {"azure-cli": "2.9.1"}), answer("^bicep version", error="no")],
        variables={"AZURE_LOCATION": ""},
        missing=[
            "Azure CLI 2.60 or later, this is 2.9.1: az upgrade",
            "Bicep: az bicep install",
            "a region: azd env",
        ],
    ),
    Case(
        name="the other half of a secure webhook",
        variables={"SECURE_WEBHOOK_CLIENT_ID": "client"},
        missing=[
            "one of SECURE_WEBHOOK_CLIENT_ID and SECURE_WEBHOOK_OBJECT_ID, which are required together: infra/sign-in."
        ],
    ),
    Case(name="a sign-in", answers=[answer("account show", error="az login")], missing=["az login"]),
    Case(
        name="access to the subscription that azd goes to",
        answers=[answer(f"account show --subscription {HOME}", error="no")],
        missing=[f"Azure CLI access to subscription {HOME}: az login --tenant {TENANT}"],
    ),
    Case(
        name="the tenant that azd goes to",
        answers=[answer("account show$", {"id": OTHER, "tenantId": "another"})],
        missing=[f"az account set --subscription {HOME}"],
    ),
]


@both_shells
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_missing_is_said_with_its_command(shell: str, case: Case) -> None:
    """All of it on one screen, and nothing is changed."""
    answers = [*case.answers, *READY]
    run = shells.run(shell, "preprovision", answers=answers, variables={**OUTPUTS, **case.variables})
    assert not run.called("UNEXPECTED"), run.output
    found = [line for line in run.output.splitlines() if line.startswith("  - ")]
    assert len(found) == len(case.missing), run.output
    assert all(text in line for text, line in zip(case.missing, found, strict=True)), run.output
    assert run.exit_code == (1 if case.missing else 0)
    assert len(run.output.splitlines()) <= LINES


@both_shells
def test_a_machine_without_az_is_told_where_it_is_to_be_had(shell: str, tmp_path: Path) -> None:
    """And nothing else, for nothing else can be asked."""
    for tool in ("cat", "dirname", "mktemp", "rm"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    run = shells.run(shell, "preprovision", answers=[], variables={**OUTPUTS, "PATH": str(tmp_path)})
    assert (run.exit_code, run.calls) == (1, [])
    assert "  - the Azure CLI: https://learn.microsoft.com/cli/azure/install-azure-cli" in run.output


@both_shells
def test_the_checks_can_be_skipped(shell: str) -> None:
    """By who knows better: a custom role may do what the known ones do."""
    run = shells.run(shell, "preprovision", answers=[], variables={**OUTPUTS, "SKIP_CHECKS": "true"})
    assert (run.exit_code, run.calls) == (0, [])


def roles_given(ago: timedelta, *, times: int | None = None) -> Answer:
    """The identity's role on the storage account, given so long ago, and an old one of somebody else."""
    owner = "/providers/Microsoft.Authorization/roleDefinitions/b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    now = datetime.now(UTC)
    properties = [
        {
            "principalId": PRINCIPAL,
            "roleDefinitionId": owner,
            "createdOn": f"{now - ago:%Y-%m-%dT%H:%M:%S.%f}Z",
        },
        {"principalId": "x", "roleDefinitionId": owner, "createdOn": f"{now:%Y-%m-%dT%H:%M:%S.%f}Z"},
    ]
    listed = {"value": [{"properties": each} for each in properties]}
    return answer(
        f"get --url {STORAGE}/providers/Microsoft.Authorization/roleAssignments", listed, times=times
    )


@both_shells
def test_an_upload_waits_for_a_young_role(shell: str) -> None:
    """For a minute after it was given, with a line that says why; then not at all."""
    young, old = roles_given(timedelta(seconds=5), times=2), roles_given(timedelta(seconds=90))
    run = shells.run(shell, "predeploy", answers=[young, old], variables=OUTPUTS)
    assert run.exit_code == 0, run.output
    assert len(run.calls) == 3
    assert run.output.count("the upload would fail with 403") == 2


@both_shells
def test_an_upload_is_tried_where_the_role_cannot_be_read(shell: str) -> None:
    """Azd says then what is wrong; this names the cure for the one thing that passes."""
    run = shells.run(
        shell,
        "predeploy",
        answers=[answer("roleAssignments", error="(AuthorizationFailed)")],
        variables=OUTPUTS,
    )
    assert run.exit_code == 0
    assert "If it fails with 403: azd deploy" in run.output
