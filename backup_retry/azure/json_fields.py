"""Azure's JSON: any field may be missing, null or "unset"; one of another type than it should be is no answer at all.

Whatever is read of an answer is read by these functions. What they raise ends, where Azure is asked, as Azure not
answering (`client.azure_errors`): a half-understood answer would pass for one in which something is missing.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from backup_retry.domain.texts import valid, valid_json

Fields = Mapping[str, Any]

#: the service writes "unset" as year 1, and as 2001 on machines that were never backed up
_NEVER = datetime(2001, 1, 1, tzinfo=UTC)
#: no backup is as late, and so far on sums of times are still times
_TOO_LATE = datetime(2200, 1, 1, tzinfo=UTC)


class OddAnswer(ValueError):
    """Azure's JSON has something else where this should be."""


def fields_of(answer: object) -> Fields:
    """An answer, or a row of one, that has fields."""
    if not isinstance(answer, Mapping):
        raise OddAnswer(f"{answer!r:.60} is not a resource")
    return answer


def properties_of(resource: object) -> Fields:
    """A resource's properties, with valid texts."""
    found = fields_of(resource).get("properties")
    if not isinstance(found, Mapping):
        raise OddAnswer(f"its properties are {found!r:.60}")
    made_valid: Fields = valid_json(found)
    return made_valid


def id_of(resource: object) -> str:
    """A resource's ARM id."""
    return valid(required(fields_of(resource), "id"))


def name_of(resource: object) -> str:
    """A resource's name."""
    return valid(required(fields_of(resource), "name"))


def required(fields: Fields, name: str) -> str:
    """A field without which the others mean nothing."""
    found = text(fields, name)
    if not found:
        raise OddAnswer(f"it has no {name}")
    return found


def text(fields: Fields, name: str) -> str:
    """A field as text; "" where it is missing or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise OddAnswer(f"{name} is {value!r:.60}")
    return value or ""


def flag(fields: Fields, name: str) -> bool:
    """A field that is true or false; false where it is missing or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise OddAnswer(f"{name} is {value!r:.60}")
    return bool(value)


def time_of(fields: Fields, name: str) -> datetime | None:
    """A field as an aware UTC time; None where it is missing, or a time that the service calls unset."""
    if not (value := text(fields, name)):
        return None
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise OddAnswer(f"{name} is {value!r:.60}") from error
    if at >= _TOO_LATE:
        raise OddAnswer(f"{name} is {value!r:.60}")
    return at if at > _NEVER else None


def part(fields: Fields, name: str) -> Fields:
    """A field that holds fields of its own; empty where it is missing or null."""
    value = fields.get(name)
    if value is not None and not isinstance(value, Mapping):
        raise OddAnswer(f"{name} is {value!r:.60}")
    return value or {}


def parts(fields: Fields, name: str) -> Sequence[Fields]:
    """A field that holds a list of such; nulls among them say nothing."""
    return [fields_of(each) for each in _list(fields, name)]


def listed(fields: Fields, name: str) -> Sequence[Fields]:
    """The same where each entry counts: neither a list that is missing nor a null in it is one that says nothing."""
    if not isinstance(entries := fields.get(name), list):
        raise OddAnswer(f"{name} is {entries!r:.60}, not a list")
    return [fields_of(each) for each in entries]


def texts(fields: Fields, name: str) -> Sequence[str]:
    """A field that holds a list of texts."""
    return [text({name: each}, name) for each in _list(fields, name)]


def _list(fields: Fields, name: str) -> Sequence[Any]:
    value = fields.get(name)
    if value is not None and not isinstance(value, list | tuple):
        raise OddAnswer(f"{name} is {value!r:.60}")
    return [each for each in value or () if each is not None]
