"""Schedules as the Functions host reads them: one grammar for the settings and for telling whether a timer is late.

The host's own parser, NCrontab, refuses some forms that other crons take, and disables the function without a word to
anybody; others it reads differently (22-4 is 4 to 22 there). So only what every parser reads alike is accepted.
https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from croniter import CroniterError, croniter

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_PART = re.compile(
    r"(?:\*|(?P<first>\d{1,2}|[a-z]{3})(?:-(?P<last>\d{1,2}|[a-z]{3}))?)(?:/(?P<step>\d{1,2}))?",
    re.ASCII | re.IGNORECASE,
)
#: any time serves to ask whether a schedule ever comes
_SOME_TIME = datetime(2024, 1, 1, tzinfo=UTC)
_EXAMPLE = "six fields, seconds first, such as 0 0 5 * * *"


@dataclass(frozen=True, kw_only=True)
class _Field:
    name: str
    least: int
    most: int
    names: Mapping[str, int] = field(default_factory=dict)

    def check(self, text: str) -> None:
        """Raise ValueError where the host would refuse the field or might read it otherwise."""
        for part in text.split(","):
            found = _PART.fullmatch(part)
            if found is None:
                raise ValueError(
                    f"{part!r} in the field {self.name} is not supported: "
                    "use numbers, names, *, lists, ascending ranges and steps"
                )
            self._check_range(part, found["first"], found["last"])
            if found["step"] and not 1 <= int(found["step"]) <= self.most:
                raise ValueError(f"{part!r} in the field {self.name} needs a step from 1 to {self.most}")

    def _check_range(self, part: str, first: str | None, last: str | None) -> None:
        if first is None:
            return
        begin, end = self._number(part, first), self._number(part, last or first)
        if last and begin >= end:
            raise ValueError(
                f"{part!r} in the field {self.name} is descending, and the Functions host would swap its ends: "
                f"write it as a list, such as {self._as_list(begin, end)}"
            )

    def _number(self, part: str, text: str) -> int:
        number = int(text) if text.isdecimal() else self.names.get(text.lower(), -1)
        if not self.least <= number <= self.most:
            names = [*self.names]
            or_named = f" and {names[0]} to {names[-1]}" if names else ""
            raise ValueError(
                f"{part!r} in the field {self.name} is outside {self.least} to {self.most}{or_named}"
            )
        return number

    def _as_list(self, begin: int, end: int) -> str:
        numbers = [*range(begin, self.most + 1), *range(self.least, end + 1)] if begin > end else [begin]
        by_number = {number: name for name, number in self.names.items()}
        return ",".join(by_number.get(number, str(number)) for number in numbers)


_FIELDS = (
    _Field(name="second", least=0, most=59),
    _Field(name="minute", least=0, most=59),
    _Field(name="hour", least=0, most=23),
    _Field(name="day", least=1, most=31),
    _Field(name="month", least=1, most=12, names={name: at for at, name in enumerate(_MONTHS, 1)}),
    _Field(name="day of week", least=0, most=6, names={name: at for at, name in enumerate(_WEEKDAYS)}),
)


def check_schedule(text: str) -> str:
    """The schedule as it is.

    Raises:
        ValueError: the host would refuse it, might read it otherwise, or it never comes; the message says which part.
    """
    if not re.fullmatch(r"[^\s]+(?: +[^\s]+)*", text):
        raise ValueError(f"is not an NCRONTAB schedule: it needs {_EXAMPLE}, with no spaces before or after")
    parts = text.split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f"is not an NCRONTAB schedule: it needs {_EXAMPLE}; this has {len(parts)}")
    for each, part in zip(_FIELDS, parts, strict=True):
        each.check(part)
    if turn_before(text, _SOME_TIME) is None:
        raise ValueError("never occurs: no month has that day")
    return text


def turn_before(schedule: str, before: datetime) -> datetime | None:
    """When a schedule came last; None for one that never comes, such as the 30th of February.

    Unlike in cron, a time has to match the day of the month and the day of the week.
    """
    try:
        turn: datetime = _turns(schedule, before).get_prev(datetime)
    except CroniterError:
        return None
    return turn


def turns_before(schedule: str, before: datetime, number: int) -> datetime | None:
    """When it came the so many-th last time; None for one that never comes."""
    turn: datetime | None = before
    for _ in range(number):
        turn = turn and turn_before(schedule, turn)
    return turn


def turn_after(schedule: str, after: datetime) -> datetime | None:
    """When a schedule comes next; None for one that never comes."""
    try:
        turn: datetime = _turns(schedule, after).get_next(datetime)
    except CroniterError:
        return None
    return turn


def _turns(schedule: str, at: datetime) -> croniter:
    return croniter(schedule, at, second_at_beginning=True, day_or=False)
