"""infra/sign-in in both shells: two applications, made once, and what is to be set then."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from backup_retry.settings import sign_in
from infra.package import REPOSITORY
from tests.hooks import shells
from tests.hooks.azure import HEALTH, INSTALLATION, OUTPUTS, Answer, answer
from tests.hooks.shells import Run, both_shells

ME, TEAM, ADA = (f"aaaaaaaa-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
PAGE, WEBHOOK, MONITOR = ("page-client", "webhook-client", "461e8683-5575-4561-ac7f-899cc907d62a")
GRAPH = "https://graph.example/v1.0"
CALLBACK = HEALTH.replace("/api/health", "/.auth/login/aad/callback")
READER, OPERATOR = (f"b60c4d1e-8a35-4c0e-9d0e-3f6f6a1c7e0{number}" for number in (1, 2))
CALLS_THE_WEBHOOK = "5f3a8c0e-2b1d-4c55-9a53-0d6f0d4a7b11"
PEOPLE = {"OPERATOR_PRINCIPAL_IDS": f"{TEAM.upper()}, {TEAM}", "READER_PRINCIPAL_IDS": ADA}
SET = {"SIGN_IN_CLIENT_ID": PAGE, "SECURE_WEBHOOK_CLIENT_ID": WEBHOOK}


def application(client: str, *redirects: str) -> dict[str, Any]:
    """As az shows it."""
    return {"appId": client, "id": f"{client}-object", "web": {"redirectUris": list(redirects)}}


def assigned(client: str, *roles: tuple[str, str]) -> Answer:
    """Who has which role of a service principal."""
    value = [{"principalId": who, "appRoleId": role} for who, role in roles]
    return answer(
        f"get --url {GRAPH}/servicePrincipals/{client}-principal/appRoleAssignedTo", {"value": value}
    )


#: a tenant in which neither application is there yet
NOTHING: list[Answer] = [
    answer("^cloud show", {"endpoints": {"microsoftGraphResourceId": "https://graph.example/"}}),
    answer("^ad signed-in-user show", {"id": ME}),
    answer("^ad app list", []),
    answer("^ad app create --display-name Azure Backup Retry webhook", application(WEBHOOK)),
    answer("^ad app create", application(PAGE)),
    answer(f"^ad app show --id {PAGE}", application(PAGE)),
    answer(f"^ad app show --id {WEBHOOK}", application(WEBHOOK)),
    answer("^ad app owner add"),
    answer(f"^ad sp list --filter appId eq '{MONITOR}'", [{"id": "monitor-principal"}]),
    answer("^ad sp list", []),
    answer(f"^ad sp create --id {PAGE}", {"id": f"{PAGE}-principal"}),
    answer(f"^ad sp create --id {WEBHOOK}", {"id": f"{WEBHOOK}-principal"}),
    assigned(PAGE),
    assigned(WEBHOOK),
    answer("^rest --method (patch|post)"),
]
#: the same after it has run
ALL: list[Answer] = [
    answer(
        f"^ad app show --id {PAGE}",
        application(PAGE, "https://backup.example.com/.auth/login/aad/callback", CALLBACK),
    ),
    *(
        answer(f"^ad sp list --filter appId eq '{each}'", [{"id": f"{each}-principal"}])
        for each in (PAGE, WEBHOOK)
    ),
    assigned(PAGE, (ME, OPERATOR), (TEAM, OPERATOR), (ADA, READER)),
    assigned(WEBHOOK, ("monitor-principal", CALLS_THE_WEBHOOK)),
]


def run(shell: str, *arguments: str, answers: Sequence[Answer] = (), **variables: str) -> Run:
    """Run it in this tenant."""
    found = shells.run(
        shell,
        "sign-in",
        *arguments,
        answers=[*answers, *NOTHING],
        variables={**OUTPUTS, **PEOPLE, **variables},
    )
    assert not found.called("UNEXPECTED"), found.output
    return found


def bodies(found: Run, method: str, path: str) -> list[Any]:
    """What was sent to Microsoft Graph there."""
    beginning = f"rest --method {method} --url {GRAPH}{path} --body "
    return [json.loads(call.removeprefix(beginning)) for call in found.called(beginning)]


def roles(found: Run, client: str) -> set[tuple[str, str]]:
    """Who was given which role of a service principal."""
    sent = bodies(found, "post", f"/servicePrincipals/{client}-principal/appRoleAssignedTo")
    assert {each["resourceId"] for each in sent} <= {f"{client}-principal"}
    return {(each["principalId"], each["appRoleId"]) for each in sent}


@both_shells
def test_both_applications_are_made(shell: str) -> None:
    """Each asks for tokens of version 2; people get the role of their part, Azure Monitor its own."""
    found = run(shell)
    assert found.exit_code == 0, found.output
    [page] = bodies(found, "patch", f"/applications/{PAGE}-object")
    [webhook] = bodies(found, "patch", f"/applications/{WEBHOOK}-object")
    assert [each["api"]["requestedAccessTokenVersion"] for each in (page, webhook)] == [2, 2]
    assert (page["identifierUris"], webhook["identifierUris"]) == ([f"api://{PAGE}"], [f"api://{WEBHOOK}"])
    assert page["web"]["redirectUris"] == [CALLBACK]
    assert page["web"]["implicitGrantSettings"] == {
        "enableIdTokenIssuance": True,
        "enableAccessTokenIssuance": False,
    }
    assert roles(found, PAGE) == {(ME, OPERATOR), (TEAM, OPERATOR), (ADA, READER)}
    assert roles(found, WEBHOOK) == {("monitor-principal", CALLS_THE_WEBHOOK)}
    assert bodies(found, "patch", f"/servicePrincipals/{WEBHOOK}-principal") == [
        {"appRoleAssignmentRequired": True}
    ]
    owned = [f"ad app owner add --id {each} --owner-object-id {ME}" for each in (PAGE, WEBHOOK)]
    assert found.called("ad app owner add") == owned
    for line in (
        f"SIGN_IN_CLIENT_ID {PAGE}",
        f"SECURE_WEBHOOK_CLIENT_ID {WEBHOOK}",
        f"SECURE_WEBHOOK_OBJECT_ID {WEBHOOK}-object",
    ):
        assert f"  azd env set {line}\n" in found.output
    assert "  azd up" in found.output


@both_shells
def test_a_second_run_changes_nothing(shell: str) -> None:
    """Nothing is made or given, and the way back to a domain of one's own stays."""
    found = run(shell, answers=ALL, **SET, SECURE_WEBHOOK_OBJECT_ID=f"{WEBHOOK}-object")
    assert found.exit_code == 0, found.output
    assert found.called("ad app create", "ad sp create", "ad app list", "rest --method post") == []
    [page] = bodies(found, "patch", f"/applications/{PAGE}-object")
    assert page["web"]["redirectUris"] == ["https://backup.example.com/.auth/login/aad/callback", CALLBACK]
    assert "azd env set" not in found.output
    assert "Everything is set. Status page: " in found.output


@dataclass(frozen=True, kw_only=True)
class Case:
    """What the tenant answers before all else, and what comes of it."""

    name: str
    arguments: Sequence[str] = ()
    answers: Sequence[Answer] = ()
    variables: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0
    made: Sequence[str] = ()
    said: Sequence[str] = ()

    def __str__(self) -> str:
        return self.name


def named(owners: Sequence[str], *clients: str) -> list[Answer]:
    """Applications of the name of ours, and who owns the first."""
    return [
        answer("^ad app list", [{"appId": each} for each in clients or (PAGE,)]),
        answer("^ad app owner list", [{"id": each} for each in owners]),
    ]


NAME = f"Azure Backup Retry {INSTALLATION}"
CASES = [
    Case(name="only the page's", arguments=["page"], made=[NAME]),
    Case(
        name="only the webhook's, without azd",
        arguments=["webhook"],
        variables={"AZURE_ENV_NAME": ""},
        made=[f"Azure Backup Retry webhook {INSTALLATION}"],
        said=["SECURE_WEBHOOK_CLIENT_ID", "az deployment sub create --name backup-retry", "infra/connect."],
    ),
    Case(name="one of one's own is found again", arguments=["page"], answers=named([ME])),
    *(
        Case(
            name=f"one of somebody else's is not trusted: {name}",
            arguments=["page"],
            answers=named(owners, *clients),
            exit_code=1,
            said=[f"Not set up: {NAME} exists and has other owners", "SIGN_IN_CLIENT_ID"],
        )
        for name, owners, clients in (
            ("another's", [ADA], ()),
            ("shared", [ME, ADA], ()),
            ("two", [ME], (PAGE, "another")),
        )
    ),
    Case(
        name="a role that cannot be given holds up nobody else",
        arguments=["page"],
        answers=[answer(f"post .*{TEAM}", error="Bad Request(Assigning a group needs Entra ID P1)")],
        made=[NAME],
        said=[f"  no role for {TEAM}: Bad Request", "SIGN_IN_CLIENT_ID"],
    ),
    Case(
        name="what is not known everywhere yet is waited for",
        arguments=["page"],
        answers=[
            answer(
                "^rest --method patch",
                error="one of its queried reference-property objects are not present",
                times=2,
            )
        ],
        made=[NAME],
        said=["waiting for the new application"],
    ),
    Case(
        name="who may not make applications is told who may",
        answers=[answer("^ad app create", error="Insufficient privileges to complete the operation.")],
        exit_code=1,
        made=[NAME],
        said=["Not set up: Insufficient privileges: run this as a user who may create applications"],
    ),
    Case(
        name="a pipeline is told that it is no person",
        answers=[
            answer(
                "^ad signed-in-user", error="/me request is only valid with delegated authentication flow."
            )
        ],
        exit_code=1,
        said=["it has to be a user"],
    ),
    Case(name="a word that it does not know", arguments=["pages"], exit_code=2, said=["[page|webhook]"]),
]


@both_shells
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_comes_of_a_tenant(shell: str, case: Case) -> None:
    """Only what was asked for is made, and what is wrong is said with what to do."""
    found = run(shell, *case.arguments, answers=case.answers, **case.variables)
    assert found.exit_code == case.exit_code, found.output
    made = [
        call.removeprefix("ad app create --display-name ").split(" --")[0]
        for call in found.called("ad app create")
    ]
    assert made == list(case.made), found.output
    assert [text for text in case.said if text not in found.output] == [], found.output


@both_shells
def test_whoever_installs_need_not_get_a_role(shell: str) -> None:
    """DEPLOYER_IS_OPERATOR switches it off, as in main.bicep."""
    found = run(
        shell, "page", DEPLOYER_IS_OPERATOR="false", OPERATOR_PRINCIPAL_IDS="", READER_PRINCIPAL_IDS=""
    )
    assert (found.exit_code, roles(found, PAGE)) == (0, set()), found.output


def test_the_roles_are_those_that_the_app_reads() -> None:
    """By value in the code, by id in both scripts."""
    infra = REPOSITORY / "infra"
    for file, values, ids in (
        ("page_application.json", sign_in.MAY_SEE, {READER, OPERATOR}),
        ("webhook_application.json", {sign_in.CALLS_THE_WEBHOOK}, {CALLS_THE_WEBHOOK}),
    ):
        text = (infra / file).read_text(encoding="utf-8").replace("REDIRECT_URIS", "")
        found = json.loads(text)["appRoles"]
        assert ({each["value"] for each in found}, {each["id"] for each in found}) == (values, ids)
        for script in ("sign-in.sh", "sign-in.ps1"):
            assert all(each in (infra / script).read_text(encoding="utf-8") for each in ids)
