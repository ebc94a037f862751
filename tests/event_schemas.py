"""Events held to the schemas in docs/events, and to nothing beyond them: a field that is not documented is a flaw."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker

from backup_retry.domain.notices import SOURCE, Notice
from tools.event_schemas import file_of


def event_of(notice: Notice) -> Any:
    """A notice as the topic gets it."""
    written = {
        "specversion": "1.0",
        "type": notice.kind.value,
        "source": SOURCE,
        "id": notice.id,
        "time": notice.at.isoformat(),
        "subject": notice.subject,
        "data": notice.data,
    }
    return json.loads(json.dumps(written))


def flaws(event: Mapping[str, Any]) -> Sequence[str]:
    """Where an event is not as the schema of its type says."""
    return [
        f"{event['type']}: {each.json_path}: {each.message}"
        for each in _strict(event["type"]).iter_errors(event)
    ]


_formats = FormatChecker()


def _is_an_instant(value: object) -> bool:
    """A time with its difference to UTC; the library checks that only with another package."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


_formats.checks("date-time", raises=ValueError)(_is_an_instant)


@cache
def _strict(kind: str) -> Draft202012Validator:
    schema = json.loads(file_of(kind).read_text(encoding="utf-8"))
    return Draft202012Validator(_closed(schema), format_checker=_formats)


def _closed(schema: Any) -> Any:
    """A schema that allows no field beyond those that it names."""
    match schema:
        case dict():
            closed = {name: _closed(value) for name, value in schema.items()}
            return closed | ({"additionalProperties": False} if "properties" in schema else {})
        case list():
            return [_closed(each) for each in schema]
        case _:
            return schema
