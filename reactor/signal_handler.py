"""What a signal sets off: resolve it, then let the engine handle each failed job behind it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backup_retry.domain.errors import AzureRefused, AzureUnavailable, RowUnreadable
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.log_events import LogEvent, log_event
from reactor.resolve import Resolved, Resolver
from reactor.signals import Ignored, Signal

#: stores a signal that nobody has time to look into
Keep = Callable[[Signal], Awaitable[None]]
_AT_ONCE = 8
_PLENTY = 10_000
#: what of its time a signal may wait for its turn
_SHARE_TO_WAIT = 0.2
_SECONDS_TO_STORE = 1.0


@dataclass(frozen=True, kw_only=True)
class SignalResult:
    """What became of a signal: one report per failed job, or why there is none."""

    reports: Sequence[Report] = ()
    why: str = ""
    #: nobody could say what it means: it is stored, and looked into later
    kept: bool = False


class SignalHandler:
    """Handles signals in bounded time: what does not fit is stored and left to the follow-up."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        engine: Engine,
        keep: Keep | None = None,
        places: asyncio.Semaphore | None = None,
    ) -> None:
        self._resolver = resolver
        self._engine = engine
        #: None: what cannot be looked into is the caller's to send again
        self._keep = keep
        #: how many signals may be looked into at once; all of too many would be late
        self._places = places or asyncio.Semaphore(_PLENTY)
        self._left_running: set[asyncio.Task[Report]] = set()

    async def handle_signals(
        self, signals: Sequence[Signal | Ignored], *, seconds: float, run_began: datetime
    ) -> Sequence[SignalResult]:
        """React to many signals within about so many seconds; they share what is read of a vault.

        Raises:
            AzureUnavailable: of one of them nothing is stored; the others have been dealt with.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def one(signal: Signal | Ignored) -> SignalResult:
            async with at_once:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                return await self.handle_signal(signal, seconds=left, run_began=run_began)

        done = await asyncio.gather(*(one(each) for each in signals), return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return [each for each in done if isinstance(each, SignalResult)]

    async def handle_signal(
        self, signal: Signal | Ignored, *, seconds: float, run_began: datetime | None = None
    ) -> SignalResult:
        """Resolve and handle a signal within about so many seconds, or keep it for later.

        Raises:
            AzureUnavailable: Azure or the ledger did not answer, and nothing of the signal is stored.
        """
        if isinstance(signal, Ignored):
            _log_ignored(signal)
            return SignalResult(why=signal.why)
        _log_received(signal)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout(seconds * _SHARE_TO_WAIT):
                await self._places.acquire()
        except TimeoutError:
            return await self._kept(signal, AzureUnavailable("busy with other signals"))
        try:
            return await self._process(signal, deadline, run_began)
        finally:
            self._places.release()

    async def _process(self, signal: Signal, deadline: float, run_began: datetime | None) -> SignalResult:
        try:
            resolved = await self._resolved(signal, deadline, run_began)
        except AzureUnavailable as error:
            return await self._kept(signal, error)
        except AzureRefused as error:
            log_event(LogEvent.SIGNAL_FAILED, level=logging.ERROR, signal=signal.label, problem=str(error))
            return SignalResult(why=f"Azure refused: {error}")
        if not resolved.failures:
            log_event(LogEvent.SIGNAL_IGNORED, signal=signal.label, why=resolved.why)
            return SignalResult(why=resolved.why)
        left = deadline - asyncio.get_running_loop().time()
        try:
            return SignalResult(
                reports=await self._handle_all(resolved.failures, signal.source, left, run_began)
            )
        except RowUnreadable as error:  # of one of them; the others have been dealt with
            return await self._kept(signal, error)

    async def _resolved(self, signal: Signal, deadline: float, run_began: datetime | None) -> Resolved:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._resolver.resolve(signal, run_began)
        except TimeoutError as error:
            raise AzureUnavailable(f"{_asked(signal)} did not answer in time") from error

    async def _kept(self, signal: Signal, error: AzureUnavailable) -> SignalResult:
        """The signal in the ledger, for a timer to look into: the sender need not call again."""
        if self._keep is None:
            raise error
        try:
            async with asyncio.timeout(_SECONDS_TO_STORE):
                await self._keep(signal)
        except TimeoutError as late:
            raise AzureUnavailable(f"the ledger did not answer in {_SECONDS_TO_STORE:g} s") from late
        log_event(LogEvent.SIGNAL_KEPT, level=logging.WARNING, signal=signal.label, problem=str(error))
        return SignalResult(why=str(error), kept=True)

    async def _handle_all(
        self, failures: Sequence[FailedJob], source: Source, seconds: float, run_began: datetime | None
    ) -> Sequence[Report]:
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def handle(failed: FailedJob) -> Report:
            async with at_once:
                return await self._engine.handle(failed, source, run_began=run_began)

        tasks = {asyncio.create_task(handle(failed)): failed for failed in failures}
        done, late = await asyncio.wait(tasks, timeout=max(0.0, seconds))
        self._let_run(late)
        stored = await self._store([tasks[task] for task in late], source)
        failed = [error for task in done if (error := task.exception())]
        if failed:
            raise failed[0]
        return [*(task.result() for task in done), *stored]

    async def _store(self, late: Sequence[FailedJob], source: Source) -> list[Report]:
        """Note the failures that there was no time for; what is known by now is in a late one's hands."""
        try:
            async with asyncio.timeout(_SECONDS_TO_STORE):
                noted = await asyncio.gather(*(self._engine.note(failed, source) for failed in late))
        except TimeoutError as error:
            raise AzureUnavailable(f"the ledger did not answer in {_SECONDS_TO_STORE:g} s") from error
        return [replace(report, decision="stored") for report in noted]

    def _let_run(self, late: set[asyncio.Task[Report]]) -> None:
        """Keep the late ones at work: whichever of them and the follow-up saves first has the item."""
        for task in late:
            self._left_running.add(task)
            task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Report]) -> None:
        self._left_running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log_event(LogEvent.SIGNAL_FAILED, level=logging.WARNING, problem=str(error))


def _log_ignored(signal: Ignored) -> None:
    came: dict[str, Any] = dict(signal.came)
    log_event(LogEvent.SIGNAL_IGNORED, signal=signal.label, why=signal.why, **came)


def _log_received(signal: Signal) -> None:
    log_event(
        LogEvent.SIGNAL_RECEIVED,
        signal=signal.label,
        vault=signal.vault.id if signal.vault else "",
        job=signal.job_id,
        item=signal.item.id if signal.item else "",
        resource=signal.resource_id,
        error=signal.error_code,
    )


def _asked(signal: Signal) -> str:
    return f"vault {signal.vault.name}" if signal.vault else "Resource Graph or a vault"
