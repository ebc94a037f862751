"""Whether the timers have run when they should have."""

from datetime import datetime, timedelta

from croniter import croniter

from status.summary import Timing

#: a timer may start late, and a sweep is not over at once
_GRACE = timedelta(minutes=15)


def timing(name: str, schedule: str, last: datetime | None, now: datetime) -> Timing:
    """When a timer ran last; late where it missed its newest turn. `schedule` is NCRONTAB, in UTC."""
    turns = croniter(schedule, now - _GRACE, second_at_beginning=True)
    turn: datetime = turns.get_prev(datetime)
    return Timing(name=name, last=last, late=last is None or last < turn - _GRACE)
