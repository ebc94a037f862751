"""NCRONTAB expressions: cron with a seconds field first, as the host's own parser reads them.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

import re
from datetime import datetime

from croniter import CroniterError, croniter

_FIELDS = 6
_NAMES = {
    name: number
    for names, first in (
        ("jan feb mar apr may jun jul aug sep oct nov dec", 1),
        ("sun mon tue wed thu fri sat", 0),
    )
    for number, name in enumerate(names.split(), first)
}
#: nothing of other crons: no L, ?, #, W, R
_PART = re.compile(r"(\*|(\w+)(?:-(\w+))?)(/\d+)?", re.ASCII)


def next_occurrence(expression: str, after: datetime) -> datetime:
    """The first time after `after` that the expression names.

    Unlike cron, a time has to match the day of the month *and* the day of the week.

    Raises:
        ValueError: no NCRONTAB expression, or one that never comes.
    """
    fields = expression.split()
    if len(fields) == _FIELDS - 1:  # without seconds: at second 0
        fields.insert(0, "0")
    if len(fields) != _FIELDS or "\n" in expression:
        raise ValueError(f"{expression!r} is no NCRONTAB expression: it needs six fields, seconds first")
    try:
        read = " ".join(",".join(map(_read, field.split(","))) for field in fields)
        times = croniter(read, after, ret_type=datetime, day_or=False, second_at_beginning=True)
        found: datetime = times.get_next()
    except (CroniterError, ValueError) as error:
        raise ValueError(f"{expression!r} is no NCRONTAB expression: {error}") from error
    return found


def _read(part: str) -> str:
    """A part of a field; a range that falls has its ends swapped, and one of a single number is that number."""
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is not understood")
    whole, first, last, step = match.groups("")
    ends = sorted({_number(end) for end in (first, last) if end})
    return "-".join(map(str, ends)) + step if ends else whole + step


def _number(text: str) -> int:
    number = int(text) if text.isdecimal() else _NAMES.get(text.lower())
    if number is None:
        raise ValueError(f"{text!r} is not understood")
    return number
