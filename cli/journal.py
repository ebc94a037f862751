"""Reads the journal of closed incidents, day by day."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from backup_retry.ports.reports import Closed
from cli.session import Session


async def closed_within(session: Session, days: int) -> Sequence[Closed]:
    """The incidents that were closed today and on the days before it, newest first."""
    today = session.clock().date()
    wanted = [today - timedelta(days=back) for back in range(days)]
    found = await asyncio.gather(*(session.reports.closed(day) for day in wanted))
    return sorted((each for day in found for each in day), key=lambda each: each.closed_at, reverse=True)
