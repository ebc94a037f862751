"""How a timer stands, on one line of a terminal."""

from datetime import UTC, datetime

from backup_retry.settings.timer_status import Timer, TimerState
from cli.output import ago


def standing(timer: Timer, now: datetime) -> str:
    """When its last complete run was, and what else there is to know."""
    incomplete = f", INCOMPLETE {ago(timer.incomplete, now)}" if timer.incomplete else ""
    starts = f"{timer.starts.astimezone(UTC):%Y-%m-%d %H:%M}Z" if timer.starts else ""
    more = {
        TimerState.LATE: ", OVERDUE",
        TimerState.DIED: ", KEEPS FAILING",
        TimerState.STOPPED: f", timer STOPPED {ago(timer.stopped, now)}; an alert rule starts it instead",
        TimerState.NOT_YET: f", starts {starts}",
        TimerState.OVER: ", expired",
    }
    return f"{ago(timer.last, now)}{incomplete}{more.get(timer.state, '')}"
