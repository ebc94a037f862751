"""The health answer: is it alive, and do the sweep and the follow-up run."""

import asyncio
from datetime import datetime
from typing import Any

from backup_retry import __version__
from backup_retry.ledger import Beat, Controls, Ledger


async def health(ledger: Ledger, controls: Controls) -> dict[str, Any]:
    """Version, last complete sweep and follow-up (ISO 8601 or null) and open incidents; nothing else.

    `incomplete_sweep` is when a later sweep than the last complete one began that left something out.

    Raises AzureUnavailable when the ledger does not answer.
    """
    last_sweep, incomplete, last_follow_up, opened = await asyncio.gather(
        controls.last_beat(Beat.SWEEP),
        controls.last_beat(Beat.INCOMPLETE_SWEEP),
        controls.last_beat(Beat.FOLLOW_UP),
        ledger.open_count(),
    )
    mended = incomplete is None or (last_sweep is not None and incomplete < last_sweep)
    return {
        "version": __version__,
        "last_sweep": _text(last_sweep),
        "incomplete_sweep": None if mended else _text(incomplete),
        "last_follow_up": _text(last_follow_up),
        "open_incidents": opened,
    }


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
