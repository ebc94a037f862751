"""Times and durations as recordings spell them."""

import re
from datetime import UTC, datetime, timedelta

_PARTS = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?")


def when(text: str) -> datetime:
    """A time, to the microsecond."""
    seconds, _, fraction = text.rstrip("Z").partition(".")
    micros = int(f"{fraction}000000"[:6])
    return datetime.fromisoformat(seconds).replace(microsecond=micros, tzinfo=UTC)


def length(text: str) -> timedelta:
    """An ISO duration; none where the text is no such."""
    found = _PARTS.fullmatch(text)
    hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0, 0.0, 0.0)
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)
