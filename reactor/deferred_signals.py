"""Signals that were kept because Azure was too slow to say what they mean, and the look into them afterwards."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.jobs import Source
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.inbox import DeferredSignal, Fields, Inbox
from backup_retry.ports.log_events import LogEvent, log_event
from reactor.signal_handler import SignalHandler
from reactor.signals import Signal

_AT_A_TIME = 500
_SECONDS = 120.0
#: less than the five minutes until the timer fires again
_TIME = timedelta(minutes=4)


def written(signal: Signal) -> Fields:
    """A signal as plain text."""
    return {
        "source": signal.source.value,
        "vault": signal.vault.id if signal.vault else "",
        "job": signal.job_id,
        "item": signal.item.id if signal.item else "",
        "resource": signal.resource_id,
        "error": signal.error_code,
        "label": signal.label,
    }


def read(fields: Fields) -> Signal:
    """The signal that was written; what is missing was not said."""
    said = {name: fields.get(name, "") for name in ("vault", "job", "item", "resource", "error", "label")}
    return Signal(
        source=Source(fields.get("source", Source.ALERT)),
        vault=Vault.parse(said["vault"]),
        job_id=said["job"],
        item=ProtectedItem.parse(said["item"]),
        resource_id=said["resource"],
        error_code=said["error"],
        label=said["label"],
    )


async def process_deferred(inbox: Inbox, reactor: SignalHandler, clock: Callable[[], datetime]) -> None:
    """React to the signals that wait, some hundreds at a time: they share what is read of a vault.

    One whose meaning is still not to be had waits on, until Azure would not know its job any more.
    """
    began = clock()
    while clock() - began < _TIME and (waiting := await inbox.kept(_AT_A_TIME)):
        if not await _process(waiting, inbox, reactor, clock()):
            return


async def _process(
    waiting: Sequence[DeferredSignal], inbox: Inbox, reactor: SignalHandler, now: datetime
) -> bool:
    """True when all of them have been dealt with, so that it is worth while to go on."""
    due = [kept for kept in waiting if now - kept.kept_at <= JOB_RETENTION]
    signals = [read(kept.fields) for kept in due]
    reactions = await reactor.handle_signals(signals, seconds=_SECONDS, run_began=now)
    done = [kept for kept, reaction in zip(due, reactions, strict=True) if not reaction.kept]
    for kept in done:
        await inbox.forget(kept)
    for kept in waiting:
        if kept not in due:
            await _give_up(inbox, kept)
    return len(done) == len(due)


async def _give_up(inbox: Inbox, kept: DeferredSignal) -> None:
    problem = "its vault could not be asked for as long as Azure keeps jobs"
    log_event(
        LogEvent.SIGNAL_FAILED, level=logging.ERROR, signal=kept.fields.get("label", ""), problem=problem
    )
    await inbox.forget(kept)
