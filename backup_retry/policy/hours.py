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
            raise ValueError(f"{text!r} is not a time window such as 20:00-06:00")
        return cls(start=time_of_day(match["start"]), end=time_of_day(match["end"]))

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Windows on the clock of a time zone; none: always."""

    windows: tuple[Window, ...] = ()
    zone: ZoneInfo

    @property
    def in_words(self) -> str:
        """The windows as they are written in the settings."""
        return ", ".join(str(window) for window in self.windows) or "at any hour"

    def open_at(self, now: datetime) -> datetime:
        """`now` where retries are allowed now, else the time (UTC) at which they next are."""
        local = now.astimezone(self.zone)
        if not self.windows or any(window.holds(local.time()) for window in self.windows):
            return now
        days = (local.date(), local.date() + _DAY)
        starts = (datetime.combine(day, window.start, self.zone) for day in days for window in self.windows)
        return min(at.astimezone(UTC) for at in starts if at.astimezone(UTC) > now)


def time_of_day(text: str) -> time:
    """The time in 06:00; 24:00 is midnight.

    Raises:
        ValueError: it is none.
    """
    try:
        hours, minutes = (int(part) for part in text.split(":"))
        return time(hours % 24 if (hours, minutes) == (24, 0) else hours, minutes)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a time of day such as 06:00") from error
