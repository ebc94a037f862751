"""Signals that wait: their vault could not be asked, or their job still runs; and how they are processed afterwards."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.incident_notices import of_signals
from backup_retry.domain.jobs import Source
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.inbox import DeferredSignal, Fields, Inbox, fields_of
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher
from reactor.signal_handler import SignalHandler, SignalResult
from reactor.signals import Signal

_AT_A_TIME = 500
#: for those of one vault
_SECONDS = 120.0
_VAULTS_AT_ONCE = 64
#: for all of them: less than the five minutes until the timer fires again; open incidents are followed up after it
_TIME = timedelta(minutes=4)
#: how long one waits for its next look: doubled each time, from the timer's own period on
_FIRST_WAIT, _LONGEST_WAIT, _DOUBLINGS = timedelta(minutes=5), timedelta(minutes=30), 3
#: the same where Azure names no time, or a shorter one
_LEAST_WAIT = timedelta(seconds=1)
#: after so long operators are notified, once
_NOTIFY_AFTER = timedelta(hours=24)
_NO_PLACE = SignalResult(why="other vaults took the run's time", deferred=True, retry_after=timedelta(0))


def written(signal: Signal) -> Fields:
    """A signal as plain text."""
    return fields_of(
        source=signal.source,
        vault=signal.vault,
        job_id=signal.job_id,
        item=signal.item,
        resource_id=signal.resource_id,
        error_code=signal.error_code,
        label=signal.label,
    )


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


async def process_deferred(
    inbox: Inbox,
    handler: SignalHandler,
    clock: Callable[[], datetime],
    publisher: Publisher | None = None,
    limit: timedelta = timedelta.max,
) -> bool:
    """React to the signals that are due, some hundreds at a time: they share what is read of a vault.

    One that cannot be understood yet waits on, until Azure would not know its job any more; after a day
    operators are notified. True where the time has not sufficed.
    """
    began, unknown, time = clock(), set[Vault](), min(limit, _TIME)
    seconds, late = min(_SECONDS, time.total_seconds()), False
    # one that waits on is due after this run began: no vault is asked over and over
    while not late and (due := await inbox.due(_AT_A_TIME, by=began)):
        now = clock()
        left = (began + time - now).total_seconds()
        unknown |= await look_into(due, inbox, handler, now, publisher, seconds=seconds, in_all=left)
        late = clock() - began >= time
    await handler.notify_unknown_vaults(unknown)
    return late


async def look_into(
    due: Sequence[DeferredSignal],
    inbox: Inbox,
    handler: SignalHandler,
    now: datetime,
    publisher: Publisher | None,
    *,
    seconds: float,
    in_all: float | None = None,
    run_began: datetime | None = None,
) -> set[Vault]:
    """React to these; returns the vaults that refuse, and that only signals have ever named.

    A vault has about so many seconds, and all together have `in_all`, or as many. They share what was read of a
    vault since `run_began`: since now, unless they share it with others.
    """
    young = [signal for signal in due if now - signal.kept_at <= JOB_RETENTION]
    signals = [read(signal.fields) for signal in young]
    in_all = seconds if in_all is None else in_all
    results = await _looked_into(signals, handler.for_deferred(), seconds, in_all, run_began or now)
    waiting: list[DeferredSignal] = []
    for signal, result in zip(young, results, strict=True):
        if result.deferred:
            waiting.append(_waiting_on(signal, result, now))
        else:
            await inbox.forget(signal)
    for signal in await _with_overdue_notified(waiting, now, publisher):
        await inbox.defer(signal)
    for signal in due:
        if signal not in young:
            _give_up(signal)
            await inbox.forget(signal)
    return {result.unknown_vault for result in results if result.unknown_vault}


async def _looked_into(
    signals: Sequence[Signal], handler: SignalHandler, seconds: float, in_all: float, run_began: datetime
) -> Sequence[SignalResult]:
    """React to each; those of one vault have places and a time of their own: one that hangs starves no other.

    Vaults that get no place within the seconds that there are in all wait for the next run.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + in_all
    by_vault: dict[str, list[int]] = defaultdict(list)
    for number, signal in enumerate(signals):
        by_vault[signal.vault.key if signal.vault else ""].append(number)
    results: dict[int, SignalResult] = {}
    at_once = asyncio.Semaphore(_VAULTS_AT_ONCE)

    async def one_vault(numbers: Sequence[int]) -> None:
        async with at_once:
            its = [signals[number] for number in numbers]
            left = deadline - loop.time()
            if left > 0:
                done = await handler.handle_signals(its, seconds=min(seconds, left), run_began=run_began)
            else:
                done = [_NO_PLACE for _ in its]
        results.update(zip(numbers, done, strict=True))

    await asyncio.gather(*(one_vault(numbers) for numbers in by_vault.values()))
    return [results[number] for number in range(len(signals))]


def _waiting_on(signal: DeferredSignal, result: SignalResult, now: datetime) -> DeferredSignal:
    """The same after one more look in vain; of what its vault's incident tells, no other notice is sent.

    Where Azure was not asked, or has named a time, that was no look: it is due by that time.
    """
    if result.retry_after is not None:
        wait = min(max(result.retry_after, _LEAST_WAIT), _LONGEST_WAIT)
        return replace(signal, why=result.why, due=now + wait)
    wait = min(_FIRST_WAIT * 2 ** min(signal.looks, _DOUBLINGS), _LONGEST_WAIT)
    told_at = signal.told_at or (now if result.told else None)
    return replace(signal, looks=signal.looks + 1, why=result.why, due=now + wait, told_at=told_at)


async def _with_overdue_notified(
    waiting: Sequence[DeferredSignal], now: datetime, publisher: Publisher | None
) -> Sequence[DeferredSignal]:
    """The same, after the notice about those that have waited for a day: one notice for a vault, once."""
    overdue: dict[str, list[DeferredSignal]] = defaultdict(list)
    for signal in waiting:
        if signal.told_at is None and now - signal.kept_at >= _NOTIFY_AFTER:
            overdue[signal.fields.get("vault", "").lower()].append(signal)
    told: set[str] = set()
    for together in overdue.values():
        if await _notified(together, now, publisher):
            told |= {signal.key for signal in together}
    return [replace(signal, told_at=now) if signal.key in told else signal for signal in waiting]


async def _notified(together: Sequence[DeferredSignal], now: datetime, publisher: Publisher | None) -> bool:
    """Notify operators; False where the topic did not take it, so that the next look tries again."""
    first = min(together, key=lambda signal: signal.kept_at)
    notice = of_signals(
        key=first.key, fields=first.fields, since=first.kept_at, at=now, why=first.why, number=len(together)
    )
    try:
        if publisher is not None:
            await publisher.publish([notice])
    except BackupRetryError as error:
        _log(LogEvent.NOTICE_UNSENT, first, logging.WARNING, str(error))
        return False
    for signal in together:
        _log(LogEvent.SIGNAL_OVERDUE, signal, logging.WARNING, signal.why)
    return True


def _give_up(signal: DeferredSignal) -> None:
    problem = f"it could not be processed for as long as Azure keeps jobs: {signal.why}".removesuffix(": ")
    _log(LogEvent.SIGNAL_FAILED, signal, logging.ERROR, problem)


def _log(event: LogEvent, signal: DeferredSignal, level: int, problem: str) -> None:
    named = {name: signal.fields.get(name, "") for name in ("vault", "job", "item", "resource")}
    log_event(
        event,
        level=level,
        signal=signal.fields.get("label", ""),
        since=signal.kept_at,
        problem=problem,
        **named,
    )
