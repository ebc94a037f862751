"""What is wrong with a setting, in words that name it as an administrator does."""

from typing import Any

#: longest part of a wrong value that a message repeats
_REPEATED = 200


def problem(detail: Any) -> str:  # noqa: ANN401 (pydantic's ErrorDetails)
    """One of pydantic's errors as a message."""
    message = str(detail["msg"]).removeprefix("Value error, ")
    if not detail["loc"]:
        return message
    name = str(detail["loc"][0]).upper()
    if detail["type"] == "missing":
        return f"{name} is not set"
    return f"{name}={detail['input']!r:.{_REPEATED}}: {message}"
