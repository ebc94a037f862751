"""Time zones by the names that Azure and people use: IANA's, or Windows' own."""

from contextlib import suppress
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tzlocal.windows_tz import win_tz


def time_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name ("Europe/Berlin") or a Windows name ("W. Europe Standard Time").

    Raises:
        ValueError: neither knows the name.
    """
    for key in (name.strip(), win_tz.get(name.strip())):
        if key:
            with suppress(ZoneInfoNotFoundError, ValueError, OSError):
                return ZoneInfo(key)
    raise ValueError(f"{name!r} is not a time zone such as UTC, Europe/Berlin or W. Europe Standard Time")
