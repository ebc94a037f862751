"""Whom a secure webhook takes an alert from."""

from collections.abc import Mapping

import pytest

from backup_retry.settings.sign_in import SignIn
from reactor.webhook import refusal
from tests.app_service import PAGE, WEBHOOK, application, named, person, reaches

SECURE = {"WEBSITE_AUTH_ENABLED": "True", "SIGN_IN_CLIENT_ID": PAGE, "SECURE_WEBHOOK_CLIENT_ID": WEBHOOK}
ROLE = "ActionGroupsSecureWebhook"
MONITOR = named(application(ROLE))


def status(environment: Mapping[str, str], headers: Mapping[str, str]) -> int | None:
    """The status of a refusal; None: the alert is read."""
    answer = refusal(SignIn.of(environment), headers)
    return answer.status if answer else None


@pytest.mark.parametrize(
    ("session", "expected"),
    [
        (MONITOR, None),
        (named(application(ROLE, audience=f"api://{WEBHOOK}")), None),
        (None, 401),
        (named(application()), 401),
        (named(application("BackupRetry.Operator")), 401),
        (named(application(ROLE, audience=PAGE)), 401),
        (named(person(roles=["BackupRetry.Operator"])), 401),
        (named(application(ROLE), provider="google"), 401),
    ],
    ids=[
        "Azure Monitor",
        "by its URI",
        "nobody",
        "no role",
        "another role",
        "for the page",
        "a person",
        "google",
    ],
)
def test_a_secure_webhook_is_azure_monitors(session: Mapping[str, str] | None, expected: int | None) -> None:
    """Who signed in to the webhook's application and has its role there; a key alone is not enough."""
    assert status(SECURE, reaches({}, session, on=True)) == expected
    # what a caller says of itself changes nothing
    assert status(SECURE, reaches(MONITOR, session, on=True)) == expected


@pytest.mark.parametrize("platform", ["", "False"])
def test_a_forged_header_opens_no_secure_webhook(platform: str) -> None:
    """Where App Service authentication is off, the header is the caller's own word."""
    environment = SECURE | {"WEBSITE_AUTH_ENABLED": platform}
    answer = refusal(SignIn.of(environment), reaches(MONITOR, on=False))
    assert answer is not None
    assert (answer.status, "authentication is off" in answer.body["error"]) == (401, True)


@pytest.mark.parametrize("platform", ["True", ""])
def test_switched_off_again_the_key_is_enough(platform: str) -> None:
    """Nothing of a secure webhook is left, whether people still sign in or not."""
    environment = SECURE | {"WEBSITE_AUTH_ENABLED": platform, "SECURE_WEBHOOK_CLIENT_ID": ""}
    for headers in ({}, reaches({}, MONITOR, on=True), {"x-ms-client-principal": "forged"}):
        assert status(environment, headers) is None
