"""The hours in which retries are allowed, on the clock of a place."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WINDOW = re.compile(r"(?P<start>\d{1,2}:\d{2})\s*-\s*(?P<end>\d{1,2}:\d{2})")
_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """From a time of day to another; one that ends no later than it starts runs over midnight."""

    start: time
    end: time

    def holds(self, at: time) -> bool:
        """True when the window is open at that time of day."""
        if self.start < self.end:
            return self.start <= at < self.end
        return at >= self.start or at < self.end

    @classmethod
    def parse(cls, text: str) -> "Window":
        """The window in 20:00-06:00; 24:00 is midnight, and equal ends are the whole day.

        Raises:
            ValueError: it is none.
        """
        match = _WINDOW.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"{text!r} is no window of hours, such as 20:00-06:00")
        return cls(start=_time(match["start"]), end=_time(match["end"]))


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Windows on the clock of a time zone; none: always."""

    windows: tuple[Window, ...] = ()
    zone: ZoneInfo

    def open_at(self, now: datetime) -> datetime:
        """`now` where retries are allowed now, else the time (UTC) at which they next are."""
        local = now.astimezone(self.zone)
        if not self.windows or any(window.holds(local.time()) for window in self.windows):
            return now
        days = (local.date(), local.date() + _DAY)
        starts = (datetime.combine(day, window.start, self.zone) for day in days for window in self.windows)
        return min(at.astimezone(UTC) for at in starts if at.astimezone(UTC) > now)


def _time(text: str) -> time:
    hours, minutes = (int(part) for part in text.split(":"))
    try:
        return time(hours % 24 if (hours, minutes) == (24, 0) else hours, minutes)
    except ValueError as error:
        raise ValueError(f"{text!r} is no time of day") from error
