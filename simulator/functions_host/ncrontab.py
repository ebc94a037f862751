"""NCRONTAB expressions: cron with a seconds field first.

https://learn.microsoft.com/azure/azure-functions/functions-bindings-timer#ncrontab-expressions
"""

from datetime import datetime

from croniter import CroniterError, croniter

_FIELDS = 6


def next_occurrence(expression: str, after: datetime) -> datetime:
    """The first time after `after` that the expression names.

    Unlike cron, a time has to match the day of the month *and* the day of the week.

    Raises:
        ValueError: no NCRONTAB expression, or one that never comes.
    """
    fields = expression.split()
    if len(fields) == _FIELDS - 1:  # without seconds: at second 0
        fields.insert(0, "0")
    if len(fields) != _FIELDS:
        raise ValueError(f"{expression!r} is no NCRONTAB expression: it needs six fields, seconds first")
    try:
        times = croniter(" ".join(fields), after, ret_type=datetime, day_or=False, second_at_beginning=True)
        found: datetime = times.get_next()
    except CroniterError as error:
        raise ValueError(f"{expression!r} is no NCRONTAB expression: {error}") from error
    return found
