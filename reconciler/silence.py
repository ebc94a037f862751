"""After a silence of the follow-up: whoever was away has missed alerts as well, so what ended meanwhile is swept."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from backup_retry.ports.ledger import Beat, Controls
from backup_retry.settings.settings import Settings
from backup_retry.settings.sweep_profile import SweepProfile, after_silence
from backup_retry.settings.timer_status import is_silent
from reconciler.sweep import horizon

Swept = TypeVar("Swept")
#: a longer silence is the daily sweep's, which reaches back to its last complete one
_FURTHEST = timedelta(hours=72)


async def sweep_after_silence(
    controls: Controls,
    settings: Settings,
    now: datetime,
    sweep: Callable[[SweepProfile, datetime], Awaitable[Swept]],
) -> Swept | None:
    """Sweep what ended since the last follow-up, where that has missed more than two turns; None where it has not.

    A complete sweep is not repeated while the follow-up still fails: it has a heartbeat of its own.
    """
    profile, schedule = after_silence(), settings.follow_up_schedule
    last = await controls.last_beat(Beat.FOLLOW_UP)
    if not is_silent(schedule, last, now):
        return None
    last = max(filter(None, (last, await controls.last_beat(profile.beat))), default=None)
    if not is_silent(schedule, last, now):
        return None
    return await sweep(profile, _since(last, settings.sweep_lookback, now))


def _since(last: datetime | None, lookback: timedelta, now: datetime) -> datetime:
    """From the last follow-up on; where there was none, as far back as a first sweep."""
    return now - lookback if last is None else max(horizon(now, last, timedelta(0)), now - _FURTHEST)
