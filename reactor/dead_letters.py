"""Dead letters: events that Event Grid could not deliver, taken like any others; what was handled is deleted.

After 400, 401 and 413 Event Grid does not try again, and a host that has just started answers 401 until it has read its
keys: https://learn.microsoft.com/azure/event-grid/delivery-and-retry
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from backup_retry.domain.alert_dimensions import DEFAULT, Dimensions
from backup_retry.domain.errors import BackupRetryError, BadSignal
from backup_retry.ports.dead_letters import DeadLetters
from backup_retry.ports.ledger import Beat, Controls
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.unreadable_rows import Unreadables, dead_letter
from backup_retry.settings.ncrontab import turns_before
from reactor.events import parse_events
from reactor.handed_on import key_in
from reactor.signal_handler import SignalHandler
from reactor.signals import Ignored, Signal

#: the others come with the next turn
_AT_A_TIME = 50
#: one turn in so many looks whether there are any
_TURNS = 6
#: for the events of one
_SECONDS = 20.0
#: for all of them: open incidents are followed up after them
_TIME = timedelta(minutes=2)


async def process_dead_letters(
    letters: DeadLetters,
    handler: SignalHandler,
    *,
    controls: Controls,
    unreadables: Unreadables,
    schedule: str,
    dimensions: Dimensions,
    clock: Callable[[], datetime],
) -> None:
    """Take what is there, some dozens at a time; where more are left, the next turn goes on.

    Each is read, handled, deleted, in this order: a death in between repeats and does not lose.
    """
    now = clock()
    if not _is_due(schedule, await controls.last_beat(Beat.DEAD_LETTERS), now):
        return
    try:
        waiting = [each.name for each in await letters.all() if not each.unreadable]
        for name in waiting[:_AT_A_TIME]:
            if clock() - now >= _TIME:
                return
            await _process(name, letters, handler, unreadables, dimensions)
    except BackupRetryError as error:  # they stay where they are; other signals are not held up
        log_event(LogEvent.DEAD_LETTERS_UNSEEN, level=logging.WARNING, problem=str(error))
        return
    if len(waiting) <= _AT_A_TIME:
        await controls.beat(Beat.DEAD_LETTERS, now)


def _is_due(schedule: str, last: datetime | None, now: datetime) -> bool:
    due = turns_before(schedule, now, _TURNS)
    return last is None or (due is not None and last < due)


async def _process(
    name: str, letters: DeadLetters, handler: SignalHandler, unreadables: Unreadables, dimensions: Dimensions
) -> None:
    """Handle what of it can be read; the whole blob is kept where something cannot."""
    found = read(await letters.read(name), dimensions)
    results = await handler.handle_signals(found.signals, seconds=_SECONDS)
    if found.problem:
        log_event(LogEvent.DEAD_LETTER_UNREADABLE, level=logging.ERROR, blob=name, problem=found.problem)
        unreadables.add(dead_letter(name, found.problem))
        await letters.keep(name)
    else:
        await letters.delete(name)
        log_event(LogEvent.DEAD_LETTER_HANDLED, blob=name, signals=len(results), **found.why)


@dataclass(kw_only=True)
class Contents:
    """What a blob holds."""

    signals: list[Signal | Ignored] = field(default_factory=list)
    #: why something of it cannot be read; "": all of it can
    problem: str = ""
    #: reason, attempts and last answer, as Event Grid gives them for the first event
    why: Mapping[str, Any] = field(default_factory=dict)


def read(content: bytes, dimensions: Dimensions = DEFAULT) -> Contents:
    """What a blob tells: an array of events, or one; nothing where it is gone."""
    try:
        found = json.loads(content) if content else []
    except (ValueError, RecursionError) as error:
        return Contents(problem=f"it is not JSON: {error}")
    events = found if isinstance(found, list) else [found]
    contents = Contents(why=_why(events[0]) if events else {})
    for event in events:
        try:
            contents.signals += _signals(event, dimensions)
        except BadSignal as error:
            contents.problem = contents.problem or str(error)
    return contents


def _signals(event: object, dimensions: Dimensions) -> Sequence[Signal | Ignored]:
    """What an event tells; a signal that was handed on waits in the inbox already.

    Raises:
        BadSignal: it is not an event, or cannot be read.
    """
    said = event if isinstance(event, Mapping) else {}
    kind = str(said.get("eventType") or said.get("type") or "")  # by either event schema
    if not kind:
        raise BadSignal("is not an event.", where="an entry of the blob", remedy="")
    if key_in(kind, said.get("data")):
        return []
    return parse_events(kind, said.get("data"), subject=str(said.get("subject") or ""), dimensions=dimensions)


def _why(event: object) -> dict[str, Any]:
    """In a CloudEvent the names are in lower case."""
    said = {name.lower(): value for name, value in event.items()} if isinstance(event, dict) else {}
    names = {"reason": "deadletterreason", "attempts": "deliveryattempts", "last": "lastdeliveryoutcome"}
    return {ours: said.get(its) for ours, its in names.items()}
