"""Azure's errors: who answered, and which 404 says something of what was asked for."""

from typing import Any, cast

import pytest
from azure.core.exceptions import HttpResponseError

from backup_retry.azure.client import translate
from backup_retry.domain.errors import (
    AzureRefused,
    AzureUnavailable,
    BackupRetryError,
    Forbidden,
    NotFound,
    Service,
)


class Answer:
    """As much of a response as azure-core looks at."""

    reason = "no"

    def __init__(self, status: int, body: str) -> None:
        self.status_code = status
        self.headers: dict[str, str] = {}
        self._body = body

    def text(self) -> str:
        """The body."""
        return self._body


def answered(status: int, body: str, what: str = "item vm-01 of vault vault-1") -> AzureRefused:
    """What an answer means here."""
    meaning = meant(status, body, what)
    assert isinstance(meaning, AzureRefused)
    return meaning


def meant(status: int, body: str, what: str) -> BackupRetryError:
    """Our error for it."""
    return translate(HttpResponseError(response=cast("Any", Answer(status, body))), what)


def with_code(code: str) -> str:
    """Azure Resource Manager's envelope."""
    return f'{{"error": {{"code": "{code}", "message": "no"}}}}'


@pytest.mark.parametrize(
    ("body", "own"),
    [
        (with_code("BMSUserErrorDataSourceObjectNotFound"), True),
        (with_code("BMSUserErrorObjectNotFound"), True),
        (with_code("ResourceNotFound"), False),
        (with_code("RESOURCEGROUPNOTFOUND"), False),
        (with_code("SubscriptionNotFound"), False),
        ("<html><h2>Our services aren't available right now</h2></html>", False),
        ("", False),
    ],
)
def test_only_a_404_of_the_vaults_own_says_that_something_is_gone(body: str, own: bool) -> None:
    """Azure Resource Manager answers 404 for what exists, and so does a gateway."""
    error = answered(404, body)

    assert isinstance(error, NotFound)
    assert error.is_the_vaults_word is own


@pytest.mark.parametrize(
    ("what", "by"),
    [
        ("jobs of vault vault-1", Service.VAULT),
        ("Resource Graph", Service.GRAPH),
        ("ledger", Service.LEDGER),
        ("Event Grid topic", Service.TOPIC),
    ],
)
def test_an_error_names_who_answered(what: str, by: Service) -> None:
    """What the ledger or Resource Graph refuses says nothing of an item, whatever its code."""
    forbidden, missing = (
        answered(403, with_code("AuthorizationFailed"), what),
        answered(404, with_code("TableNotFound"), what),
    )

    assert (type(forbidden), forbidden.by, missing.by) == (Forbidden, by, by)
    assert isinstance(missing, NotFound)
    assert missing.is_the_vaults_word is (by is Service.VAULT)


@pytest.mark.parametrize("body", ["<html><h2>Access denied by your proxy</h2></html>", "", "{}"])
def test_a_403_without_a_code_says_nothing_of_our_rights(body: str) -> None:
    """Azure Resource Manager names its reason; a proxy's page is no answer, and the vault is asked again later."""
    assert isinstance(meant(403, body, "jobs of vault vault-1"), AzureUnavailable)
    assert isinstance(meant(403, body, "ledger"), Forbidden)
