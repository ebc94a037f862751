"""Reads the journal of closed incidents, day by day, as far back as it is kept."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Annotated

import typer

from backup_retry.ports.reports import Closed
from cli.exit_codes import UsageError
from cli.session import Session

Days = Annotated[int, typer.Option(min=1, metavar="N", help="Number of days of closed incidents to include.")]
AllDays = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", help="Number of days of closed incidents to include; default: all that are kept."
    ),
]
#: where the journal is kept indefinitely: how far back it is read, and how far somebody may ask for
_USUAL, _MOST = 400, 3660
_AT_ONCE = 16


async def closed_within(session: Session, days: int | None) -> Sequence[Closed]:
    """The incidents that were closed today and on the days before it, newest first; None: on all that are kept."""
    return await closed_on(session, days_of(session, days))


async def closed_on(session: Session, wanted: Sequence[date]) -> Sequence[Closed]:
    """The incidents that were closed on these days, newest first."""
    found: list[Closed] = []
    for begin in range(0, len(wanted), _AT_ONCE):
        some = await asyncio.gather(
            *(session.reports.closed(day) for day in wanted[begin : begin + _AT_ONCE])
        )
        found += (each for day in some for each in day)
    return sorted(found, key=lambda each: each.closed_at, reverse=True)


def first_kept(session: Session) -> date:
    """The first day of which the journal is kept."""
    kept = session.settings.keep_days
    return days_of(session, None)[-1] if kept else date.min


def days_of(session: Session, days: int | None) -> Sequence[date]:
    """Today and the days before it.

    Raises:
        UsageError: the journal is not kept for so long.
    """
    kept = session.settings.keep_days
    if days is not None and days > (kept or _MOST):
        raise UsageError(f"--days {days}: closed incidents are kept for {kept or _MOST} days.")
    today = session.clock().date()
    return [today - timedelta(days=back) for back in range(days or kept or _USUAL)]
