"""A setting that is a JSON array of entries, each with a name of its own."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError


class NamedEntry(BaseModel):
    """What all of them have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str


Entry = TypeVar("Entry", bound=NamedEntry)


def entries_of(kind: type[Entry]) -> Callable[[object], object]:
    """A reader of such a setting; it leaves what is not text to pydantic.

    It raises ValueError when one or more entries are wrong; the message names each entry and field.
    """

    def read(value: object) -> object:
        if not isinstance(value, str):
            return value
        problems: list[str] = []
        entries = [_read(kind, entry, number, problems) for number, entry in enumerate(_array(value))]
        names = [entry.name for entry in entries if entry]
        problems += [
            f"profile {name}: the name is used twice" for name in sorted(set(names)) if names.count(name) > 1
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return tuple(entries)

    return read


def _array(text: str) -> list[Any]:
    try:
        entries = json.loads(text) if text.strip() else []
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise ValueError("is not a JSON array of profiles")  # noqa: TRY004 (pydantic reports ValueErrors)
    return entries


def _read(kind: type[Entry], entry: object, number: int, problems: list[str]) -> Entry | None:
    label = entry.get("name") if isinstance(entry, Mapping) else None
    try:
        return kind.model_validate(entry)
    except ValidationError as error:
        problems += [f"profile {label or number + 1}: {_problem(detail)}" for detail in error.errors()]
        return None


def _problem(detail: Any) -> str:  # noqa: ANN401 (pydantic's ErrorDetails)
    field = ".".join(str(part) for part in detail["loc"])
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{field}: {message}" if field else message
