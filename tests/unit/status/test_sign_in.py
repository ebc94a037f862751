"""Who may see the status page where people sign in."""

import base64
import json
from collections.abc import Mapping

import pytest

from backup_retry.settings.sign_in import SignIn
from status.html import Answer
from status.sign_in import refusal
from tests.app_service import ADA, PAGE, TEAM, WEBHOOK, application, named, person, reaches

READER = "BackupRetry.Reader"
OPERATOR = "BackupRetry.Operator"
ENVIRONMENT = {"WEBSITE_AUTH_ENABLED": "True", "SIGN_IN_CLIENT_ID": PAGE, "SECURE_WEBHOOK_CLIENT_ID": WEBHOOK}
#: an id as an administrator may write it
NAMED = {"SIGN_IN_READERS": f" {ADA.upper()} ,", "SIGN_IN_OPERATORS": ""}
URL = "https://app.example/api/status?vault=v&q=a"
TOO_MANY = [("hasgroups", "true"), ("_claim_names", '{"groups":"src1"}')]


def refused(
    session: Mapping[str, str] | None,
    *,
    people: Mapping[str, str] | None = None,
    forged: Mapping[str, str] | None = None,
) -> Answer | None:
    """What a program with this session, or these headers of its own, is told."""
    sign_in = SignIn.of({**ENVIRONMENT, **(people or {})})
    return refusal(sign_in, reaches(forged or {}, session, on=True), URL, as_json=True)


@pytest.mark.parametrize(
    ("session", "people"),
    [
        (person(roles=[READER]), {}),
        (person(roles=["another", OPERATOR]), {}),
        # as App Service names it where it renames the claim
        (person(("http://schemas.microsoft.com/ws/2008/06/identity/claims/role", READER)), {}),
        (person(), NAMED),
        (person(groups=["another", TEAM.upper()]), {"SIGN_IN_OPERATORS": f"x,{TEAM}"}),
        # too many groups for a token, and a role all the same
        (person(*TOO_MANY, roles=[READER]), {}),
        # a dashboard's own identity
        (application(READER, audience=PAGE, client="dashboard"), {}),
        (application(READER, audience=f"api://{PAGE}", client="dashboard"), {}),
    ],
    ids=[
        "reader",
        "operator",
        "renamed role",
        "by itself",
        "by a group",
        "too many groups, a role",
        "a dashboard",
        "by its URI",
    ],
)
def test_who_is_named_comes_in(session: list[tuple[str, str]], people: dict[str, str]) -> None:
    """By an app role, by its own id, or by a group's."""
    assert refused(named(session), people=people) is None


@pytest.mark.parametrize(
    ("session", "said"),
    [
        (person(), "can give you access"),
        (person(roles=["ActionGroupsSecureWebhook", "backupretry.reader"]), "ada@example.com"),
        (person(groups=["another group"]), "ada@example.com"),
        (person(TOO_MANY[0]), "more groups than"),
        (person(TOO_MANY[1]), "more groups than"),
        (application(audience=PAGE, client="any application of the tenant"), "any application"),
        ([("aud", PAGE), ("azp", "an application that Entra ID has no object for")], "an application that"),
        (application(READER, client="whoever owns the webhook's application"), "/.auth/logout"),
        (person(("aud", WEBHOOK), roles=[READER]), "/.auth/logout"),
        (person(roles=[READER], audience=""), "/.auth/logout"),
    ],
    ids=[
        "nobody named",
        "other roles",
        "other groups",
        "too many groups by the sign-in page",
        "too many groups",
        "an application without a role",
        "an application without an id",
        "came for the webhook",
        "came for both",
        "came for nothing",
    ],
)
def test_who_is_signed_in_and_not_named_is_told_so(session: list[tuple[str, str]], said: str) -> None:
    """403 and what would help, where it may have come for another application, or have too many groups."""
    answer = refused(named(session), people={"SIGN_IN_READERS": " ,another person,"})
    assert answer is not None
    assert (answer.status, set(json.loads(answer.body))) == (403, {"error"})
    assert said in answer.body


def _header(principal: object) -> dict[str, str]:
    return {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(principal).encode()).decode()}


@pytest.mark.parametrize(
    "session",
    [
        None,
        named(person(roles=[READER]), provider="google"),
        {
            "X-MS-CLIENT-PRINCIPAL-ID": ADA,
            "X-MS-CLIENT-PRINCIPAL-NAME": "ada",
            "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
        },
        {"X-MS-CLIENT-PRINCIPAL": "no base64 !"},
        {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"\xff{").decode()},
        {"X-MS-CLIENT-PRINCIPAL": base64.b64encode(b"[" * 40_000).decode()},
        _header([]),
        _header({"auth_typ": "aad"}),
        _header({"auth_typ": "aad", "claims": [{"typ": "roles"}]}),
        _header({"auth_typ": "aad", "claims": None}),
        _header({"userRoles": ["BackupRetry.Reader"]}),
    ],
)
def test_nobody_is_nobody(session: dict[str, str] | None) -> None:
    """No header, another provider's, or one that cannot be understood."""
    answer = refused(session)
    assert (answer and answer.status) == 401


def test_a_caller_cannot_name_itself() -> None:
    """What the request brings is taken away from it; without the platform, nobody looks at it."""
    own = named(person(roles=[READER]))
    answer = refused(None, forged=own)
    assert (answer and answer.status) == 401
    for variables in ({}, {"WEBSITE_AUTH_ENABLED": "False"}, {"WEBSITE_AUTH_ENABLED": "yes"}):
        off = SignIn.of({"SIGN_IN_CLIENT_ID": PAGE} | NAMED | variables)
        assert (off.opens_the_page, off.caller(reaches(own, on=False))) == (False, None)


def test_without_an_application_of_its_own_a_key_opens_the_page() -> None:
    """App Service authentication may be on for the webhook alone."""
    sign_in = SignIn.of(ENVIRONMENT | {"SIGN_IN_CLIENT_ID": ""})
    assert not sign_in.opens_the_page
    caller = sign_in.caller(reaches({}, named(person(roles=[READER], audience="")), on=True))
    assert caller is not None
    assert not sign_in.may_see(caller)


def test_a_person_is_sent_to_sign_in_and_back() -> None:
    """The way back is a path of this app, whatever host the request named."""
    answer = refusal(SignIn.of(ENVIRONMENT), {}, "https://evil.example/api/status?vault=v&q=a", as_json=False)
    assert answer is not None
    login = "/.auth/login/aad?post_login_redirect_uri="
    assert (answer.status, answer.headers) == (
        302,
        {"Location": f"{login}%2Fapi%2Fstatus%3Fvault%3Dv%26q%3Da"},
    )


def test_a_person_who_may_not_see_reads_why_on_a_page() -> None:
    """With her name as a text, whatever it holds, and nothing that a browser keeps."""
    session = [each for each in person() if each[0] != "preferred_username"]
    answer = refusal(SignIn.of(ENVIRONMENT), reaches({}, named(session), on=True), URL, as_json=False)
    assert answer is not None
    assert (answer.status, answer.headers["Cache-Control"]) == (403, "no-store")
    assert "Signed in as Ada &lt;b&gt;Lovelace&lt;/b&gt;." in answer.body
