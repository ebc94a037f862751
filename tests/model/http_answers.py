"""Azure's refusals as the SDK raises them, so that the product's own translation of them is part of the model."""

import json
from collections.abc import Mapping
from typing import Any, cast

from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)

from backup_retry.azure import client
from backup_retry.domain.errors import BackupRetryError


class _Response:
    """As much of a response as azure-core looks at."""

    def __init__(self, status: int, code: str, headers: Mapping[str, str]) -> None:
        self.status_code = status
        self.reason = code
        self.headers = headers
        self._body = json.dumps({"error": {"code": code, "message": code}})

    def text(self) -> str:
        return self._body


def refusal(status: int, code: str, retry_after: int | None = None) -> AzureError:
    """A clear answer of that status."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    return HttpResponseError(response=cast("Any", _Response(status, code, headers)))


def no_answer() -> AzureError:
    """The connection died after the request was sent."""
    return ServiceResponseError("the connection was reset")


def timed_out() -> AzureError:
    """No answer came in time."""
    return ServiceResponseTimeoutError("no answer in 30 s")


def never_connected() -> AzureError:
    """The request was never sent."""
    return ServiceRequestTimeoutError("no connection in 5 s")


def of_read(error: AzureError) -> BackupRetryError:
    """What the product makes of it for a read."""
    return client.translate(error, "model")


def of_trigger(error: AzureError) -> BackupRetryError:
    """What the product makes of it for a trigger."""
    return client.translate_trigger(error, "model")
