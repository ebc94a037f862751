"""What is read of the envelope of Azure's errors."""

import json
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from azure.mgmt.core.exceptions import ARMErrorFormat

from backup_retry.azure.client import translate, translate_trigger
from backup_retry.domain.errors import (
    OF_ANOTHER_TENANT,
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
)


class Answer:
    """As much of an HTTP answer as the SDK's exceptions ask for."""

    def __init__(self, status: int, body: object) -> None:
        self.status_code, self.reason = status, "No"
        self.headers: dict[str, str] = {}
        self._text = body if isinstance(body, str) else json.dumps(body)

    def text(self, *_: object) -> str:
        """The body."""
        return self._text


def answered(status: int, body: object, kind: type[HttpResponseError] = HttpResponseError) -> Any:
    """The SDK's exception for such an answer."""
    answer: Any = Answer(status, body)
    return kind(response=answer, error_format=ARMErrorFormat)


def with_info(*actions: object) -> dict[str, Any]:
    info = {"type": "UserFacingError", "info": {"recommendedAction": list(actions), "isRetryable": False}}
    return {"error": {"code": "Busy", "message": "In use.", "additionalInfo": [info]}}


@pytest.mark.parametrize(
    ("body", "said", "advice"),
    [
        ({"error": {"code": "Busy", "message": "In use.\r\nTry later."}}, "In use. Try later.", ""),
        ({"error": {"code": "Busy", "message": None}}, "", ""),
        ({"error": {"code": "Busy", "message": "x" * 3000}}, "x" * 999 + "…", ""),
        (with_info("Wait.", None, "Call us."), "In use.", "Wait. Call us."),
        (with_info(), "In use.", ""),
        ({"error": {"message": "No code."}}, "", ""),
        ("<html>a proxy's page</html>", "", ""),
        ({"error": {"code": "Busy", "additionalInfo": [{"type": "x", "info": "no object"}]}}, "", ""),
    ],
)
def test_a_refusal_keeps_the_services_message_and_advice(body: object, said: str, advice: str) -> None:
    """In one line each; what has no code of Azure Resource Manager's says nothing."""
    refused = translate_trigger(answered(400, body), "backup of vm-01")
    assert isinstance(refused, AzureRefused)
    assert (refused.said, refused.advice) == (said, advice)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, OF_ANOTHER_TENANT, Forbidden),
        (401, "ExpiredAuthenticationToken", AzureUnavailable),
        (401, "", AzureUnavailable),
        (500, OF_ANOTHER_TENANT, AzureUnavailable),
    ],
)
def test_of_401_only_a_wrong_tenant_does_not_pass(
    status: int, code: str, kind: type[BackupRetryError]
) -> None:
    """A token is renewed by the next call; a tenant is not."""
    body = {"error": {"code": code, "message": "The access token is from the wrong issuer."}}
    assert type(translate(answered(status, body, ClientAuthenticationError), "job 1")) is kind
