"""Fields of Azure's JSON, any of which may be missing, null or "unset"."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backup_retry.domain.texts import valid, valid_json

Fields = Mapping[str, Any]

#: the service writes "unset" as year 1, and as 2001 on machines that were never backed up
_NEVER = datetime(2001, 1, 1, tzinfo=UTC)


def properties_of(resource: Any) -> Fields:  # noqa: ANN401 (any of the SDKs' resources)
    """A resource's properties with valid texts; empty where it has none."""
    found: Fields = valid_json(resource.properties or {})
    return found


def name_of(resource: Any) -> str:  # noqa: ANN401 (any of the SDKs' resources)
    """A resource's name."""
    return valid(str(resource.name))


def text(fields: Fields, name: str) -> str:
    """A field as text; "" where it is missing or null."""
    return str(fields.get(name) or "")


def time_of(value: str | None) -> datetime | None:
    """An aware UTC time, or None for a time that the service calls unset."""
    if not value:
        return None
    at = datetime.fromisoformat(value)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return at if at > _NEVER else None


def part(fields: Fields, name: str) -> Fields:
    """A field that holds fields of its own; empty where it is missing or null."""
    return fields.get(name) or {}
