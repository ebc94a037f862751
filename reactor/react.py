"""What a signal sets off: resolve it, then let the engine handle each failed job behind it."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from backup_retry.change import Report
from backup_retry.engine import Engine
from backup_retry.errors import AzureRefused, AzureUnavailable
from backup_retry.log_events import LogEvent, log_event
from backup_retry.model import FailedJob, Source
from reactor.resolve import Resolver
from reactor.signals import Ignored, Signal

_AT_ONCE = 8
_SECONDS_TO_STORE = 1.0


@dataclass(frozen=True, kw_only=True)
class Reaction:
    """What became of a signal: one report per failed job, or why there is none."""

    reports: Sequence[Report] = ()
    why: str = ""


class Reactor:
    """Handles signals in bounded time: what does not fit is stored and left to the follow-up."""

    def __init__(self, *, resolver: Resolver, engine: Engine) -> None:
        self._resolver = resolver
        self._engine = engine
        self._left_running: set[asyncio.Task[Report]] = set()

    async def react(self, signal: Signal | Ignored, *, seconds: float) -> Reaction:
        """Resolve and handle a signal within about so many seconds.

        Raises:
            AzureUnavailable: Azure or the ledger did not answer, and nothing of the signal is stored.
        """
        if isinstance(signal, Ignored):
            log_event(LogEvent.SIGNAL_IGNORED, signal=signal.label, why=signal.why)
            return Reaction(why=signal.why)
        log_event(LogEvent.SIGNAL_RECEIVED, signal=signal.label, vault=signal.vault.id, job=signal.job_id)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                resolved = await self._resolver.resolve(signal)
        except TimeoutError as error:
            raise AzureUnavailable(f"vault {signal.vault.name} did not answer in {seconds:g} s") from error
        except AzureRefused as error:
            log_event(LogEvent.SIGNAL_FAILED, level=logging.ERROR, signal=signal.label, problem=str(error))
            return Reaction(why=f"Azure refused: {error}")
        if not resolved.failures:
            log_event(LogEvent.SIGNAL_IGNORED, signal=signal.label, why=resolved.why)
            return Reaction(why=resolved.why)
        return Reaction(
            reports=await self._handle_all(resolved.failures, signal.source, deadline - loop.time())
        )

    async def _handle_all(
        self, failures: Sequence[FailedJob], source: Source, seconds: float
    ) -> Sequence[Report]:
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def handle(failed: FailedJob) -> Report:
            async with at_once:
                return await self._engine.handle(failed, source)

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
