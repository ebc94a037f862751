"""The health answer: is it alive, and do the sweeps and the follow-up run."""

import asyncio
from datetime import datetime
from typing import Any

from backup_retry.ports.ledger import Ledger
from backup_retry.ports.reports import Reports
from backup_retry.ports.unreadable_rows import Unreadables
from backup_retry.settings.settings import Settings
from backup_retry.settings.timer_status import timers


async def health(
    ledger: Ledger, reports: Reports, unreadables: Unreadables, settings: Settings, now: datetime
) -> dict[str, Any]:
    """Last complete sweep and follow-up (ISO 8601 or null), open incidents, unwell timers; nothing else.

    `incomplete_sweep` is when a later sweep than the last complete one began that left something out; `unwell_timers`
    is how many of the sweeps, those of the profiles too, and the follow-up are late or incomplete; `unreadable_rows`
    is how many rows of each kind the follow-up could not read. Names and keys are nobody's business here.

    Raises AzureUnavailable when the ledger does not answer.
    """
    beats, opened, unreadable = await asyncio.gather(
        reports.beats(), ledger.open_count(), unreadables.counts()
    )
    sweep, follow_up, *profiles = timers(settings, beats, now)
    return {
        "last_sweep": _text(sweep.last),
        "incomplete_sweep": _text(sweep.incomplete),
        "last_follow_up": _text(follow_up.last),
        "open_incidents": opened,
        "unwell_timers": sum(each.needs_a_person for each in (sweep, follow_up, *profiles)),
        "unreadable_rows": dict(unreadable),
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
