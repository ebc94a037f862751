"""Do the sweep and the follow-up run as often as they should: values in, values out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from croniter import croniter

from backup_retry.ledger import Beat
from backup_retry.settings import Settings
from cli.desk import Desk

#: how long a run may take before it counts as missed
_GRACE = {Beat.SWEEP: timedelta(hours=1), Beat.FOLLOW_UP: timedelta(minutes=10)}


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """When something last completed, and whether that is too long ago."""

    name: Beat
    schedule: str
    last: datetime | None
    late: bool


def pulse(name: Beat, schedule: str, last: datetime | None, now: datetime) -> Pulse:
    """Late: a run that should have completed by now has left no heartbeat. A beat bears the time of its run's begin."""
    due = croniter(schedule, now - _GRACE[name], second_at_beginning=True).get_prev(datetime)
    return Pulse(
        name=name, schedule=schedule, last=last, late=last is None or last < due - timedelta(minutes=1)
    )


def schedules(settings: Settings) -> dict[Beat, str]:
    """The schedule of each."""
    return {Beat.SWEEP: settings.sweep_schedule, Beat.FOLLOW_UP: settings.follow_up_schedule}


async def pulses(desk: Desk) -> list[Pulse]:
    """The sweep's and the follow-up's."""
    now = desk.clock()
    return [
        pulse(name, schedule, await desk.ledger.last_beat(name), now)
        for name, schedule in schedules(desk.settings).items()
    ]
