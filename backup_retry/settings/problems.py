"""What is wrong with settings, in one sentence that names each under the name that it is set by."""

from typing import Any

from pydantic import ValidationError

#: longest part of a wrong value that a message repeats
_REPEATED = 200
#: whose values a message, which ends in logs and in the health answer, never repeats
_SECRET = frozenset({"HEARTBEAT_URL"})


def problems(error: ValidationError) -> str:
    """All that pydantic found, as an administrator reads it."""
    return "Settings: " + "; ".join(_problem(detail) for detail in error.errors())


def _problem(detail: Any) -> str:  # noqa: ANN401 (pydantic's ErrorDetails)
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0]).upper()
    if detail["type"] == "missing":
        return f"{name} is not set"
    if name in _SECRET:
        return f"{name}: {message}"
    return f"{name}={detail['input']!r:.{_REPEATED}}: {message}"
