"""When a backup policy runs next: values in, a time out.

Times of day are wall-clock times in the policy's own zone, so a run keeps its hour when daylight saving begins or ends.
A time that the clocks skip runs as much later; one that they show twice runs the first time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_WEEK_AND_A_DAY = timedelta(days=8)
_REPEATING = re.compile(r"R\d*/(?P<start>[^/]+)/(?P<period>P[^/]+)")
_PERIOD = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?"
)


@dataclass(frozen=True, kw_only=True)
class Daily:
    """At these times of day, on these days of the week (Monday is 0)."""

    times: tuple[time, ...]
    weekdays: frozenset[int] = frozenset(range(7))

    def runs(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """The runs that begin on a day."""
        if day.weekday() in self.weekdays:
            for at in self.times:
                yield datetime.combine(day, at, zone).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Hourly:
    """Every so many hours within a daily window, the first run at its start."""

    interval: timedelta
    starts: time
    window: timedelta

    def runs(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """The runs of the window that begins on a day."""
        at = datetime.combine(day, self.starts, zone).astimezone(UTC)
        end = at + self.window
        while at <= end:
            yield at
            at += self.interval


@dataclass(frozen=True, kw_only=True)
class Repeating:
    """R/<start>/<period> of a backup vault: whole days keep their hour, shorter periods count through."""

    start: datetime
    period: timedelta

    def runs(self, day: date, zone: ZoneInfo) -> Iterator[datetime]:
        """The runs on a day."""
        begin = datetime.combine(day, time(), zone).astimezone(UTC)
        if self.period % _DAY == timedelta(0):
            first = self.start.astimezone(zone)
            if day >= first.date() and (day - first.date()) % self.period == timedelta(0):
                yield datetime.combine(day, first.time(), zone).astimezone(UTC)
            return
        at = self.start + max(0, -(-(begin - self.start) // self.period)) * self.period
        while at < begin + _DAY:
            yield at.astimezone(UTC)
            at += self.period


Schedule = Daily | Hourly | Repeating


@dataclass(frozen=True, kw_only=True)
class BackupPolicy:
    """What a vault's policy says about schedule and retention."""

    #: by kind of backup: "" for policies with one kind, else "full", "differential" …
    schedules: Mapping[str, tuple[Schedule, ...]] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    #: how long the policy keeps what each run of its schedule makes (a daily recovery point; a weekly one where it runs
    #: by the week), never what it picks out for months or years; None where it says nothing
    base_retention: timedelta | None = None
    #: how often the log is backed up; None where it is not
    log_interval: timedelta | None = None
    #: a backup vault's backup rules with the retention tag of each; None: policies of this vault have no rules
    rules: Mapping[str, str] | None = None
    #: a backup vault's retention tags that are given once a month or a year only
    long_term_tags: frozenset[str] = frozenset()
    #: why its schedules are unknown; "": they are known
    problem: str = ""

    def next_run(self, after: datetime, kind: str = "") -> datetime | None:
        """The first scheduled run after a time (aware, UTC), or None when none is scheduled within a week."""
        return next(iter(self.runs(after, after + _WEEK_AND_A_DAY, kind)), None)

    def runs(self, after: datetime, until: datetime, kind: str = "") -> Sequence[datetime]:
        """The scheduled runs between two times (aware, UTC), the earliest first."""
        schedules = self.schedules.get(kind.lower()) or self.schedules.get("", ())
        day, last = (at.astimezone(self.zone).date() for at in (after - _DAY, until))
        days = [day + timedelta(days=offset) for offset in range((last - day).days + 1)]
        runs = {at for day in days for schedule in schedules for at in schedule.runs(day, self.zone)}
        return sorted(at for at in runs if after < at <= until)


def repeating(text: str) -> Repeating:
    """The schedule in an ISO 8601 repeating interval such as R/2020-04-05T13:00:00+00:00/PT4H.

    Raises:
        ValueError: it is none, or never moves on.
    """
    match = _REPEATING.fullmatch(text)
    period = _PERIOD.fullmatch(match["period"]) if match else None
    if match is None or period is None:
        raise ValueError(f"{text!r} is not a repeating interval")
    start = datetime.fromisoformat(match["start"])
    length = timedelta(**{unit: int(number) for unit, number in period.groupdict().items() if number})
    if length <= timedelta(0):
        raise ValueError(f"{text!r} never advances")
    return Repeating(start=start if start.tzinfo else start.replace(tzinfo=UTC), period=length)
