"""What is in the envelope of Azure's errors: the code, the message, and a Backup vault's own advice.

https://learn.microsoft.com/azure/azure-resource-manager/management/common-error-format
"""

from collections.abc import Iterator, Mapping
from typing import Any

from azure.core.exceptions import HttpResponseError

from backup_retry.domain.texts import valid

#: an Azure Policy's refusal lists each assignment with its ids
_LONGEST = 1000


def service_code(error: HttpResponseError) -> str:
    """The service's own error code, or ""."""
    return valid(str(error.error.code or "")) if error.error else ""


def service_message(error: HttpResponseError) -> str:
    """What the service says besides, in one line, or ""."""
    return _line(error.error.message) if error.error and service_code(error) else ""


def service_advice(error: HttpResponseError) -> str:
    """What the service itself recommends, in one line, or ""; only Backup vaults say it apart from the message."""
    return _line(" ".join(_recommended(error)))


def _recommended(error: HttpResponseError) -> Iterator[str]:
    for each in getattr(error.error, "additional_info", None) or ():
        info: Any = each.info
        actions = info.get("recommendedAction") if isinstance(info, Mapping) else None
        yield from (str(action) for action in actions if action) if isinstance(actions, list) else ()


def _line(text: object) -> str:
    """The text in one line, cut where it is endless."""
    line = " ".join(valid(str(text or "")).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
