"""What a signal sets off: resolve it, then let the engine handle each failed job behind it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, BackupRetryError, Forbidden, NotFound
from backup_retry.domain.jobs import FailedJob, Source
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
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
    #: the incident of its vault tells a person of it, or the notice about vaults that nobody knows
    told: bool = False
    #: the vault that refuses to say it, where only signals have ever named that vault
    unknown_vault: Vault | None = None


class SignalHandler:
    """Handles signals in bounded time: what does not fit is stored and left to the follow-up."""

    def __init__(
        self,
        *,
        resolver: Resolver,
        engine: Engine,
        keep: Keep | None = None,
        places: asyncio.Semaphore | None = None,
        stored: bool = False,
    ) -> None:
        self._resolver = resolver
        self._engine = engine
        #: None: what cannot be looked into is the caller's to send again
        self._keep = keep
        #: how many signals may be looked into at once; all of too many would be late
        self._places = places or asyncio.Semaphore(_PLENTY)
        #: True: every signal is in the inbox already
        self._stored = stored
        self._left_running: set[asyncio.Task[Report]] = set()

    def of_kept(self) -> "SignalHandler":
        """The same for signals that are stored already: one that cannot be looked into stays where it is."""
        return SignalHandler(resolver=self._resolver, engine=self._engine, stored=True)

    async def handle_signals(
        self, signals: Sequence[Signal | Ignored], *, seconds: float, run_began: datetime | None = None
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
        """Resolve and handle a signal within about so many seconds, or keep it for later, whatever is in the way.

        Raises:
            BackupRetryError: nothing of the signal is stored.
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
            left = deadline - asyncio.get_running_loop().time()
            reports = await self._handle_all(resolved.failures, signal.source, left, run_began)
        except AzureRefused as error:
            return await self._refused(signal, error, deadline)
        except BackupRetryError as error:
            return await self._kept(signal, error)
        except Exception as error:  # noqa: BLE001 (it ends this signal's turn and no other's)
            item = signal.item.id if signal.item else ""
            log_failure(LogEvent.SIGNAL_FAILED, error, signal=signal.label, job=signal.job_id, item=item)
            return await self._kept(signal, error)
        if resolved.undecided:
            return await self._kept(signal, AzureUnavailable(resolved.why), level=logging.INFO)
        if not reports:
            log_event(LogEvent.SIGNAL_IGNORED, signal=signal.label, why=resolved.why)
        return SignalResult(reports=reports, why=resolved.why)

    async def _resolved(self, signal: Signal, deadline: float, run_began: datetime | None) -> Resolved:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._resolver.resolve(signal, run_began)
        except TimeoutError as error:
            raise AzureUnavailable(f"{_asked(signal)} did not answer in time") from error

    async def _refused(self, signal: Signal, error: AzureRefused, deadline: float) -> SignalResult:
        """The signal waits until Azure lets us look, and a person is told of a vault that is ours."""
        known, vault = True, signal.vault or error.vault
        with suppress(TimeoutError, AzureUnavailable):  # a later look has more time
            async with asyncio.timeout_at(deadline):
                access = self._engine.access
                known = await access.signal_refused(vault, signal.item, error, signal.source)
        reaction = await self._kept(signal, error)
        told = vault is not None and isinstance(error, Forbidden | NotFound)
        return replace(reaction, told=told, unknown_vault=None if known else vault)

    async def tell_of_unknown(self, vaults: Collection[Vault]) -> None:
        """Tell a person of vaults that refuse and that only signals have ever named, once a day for all of them."""
        await self._engine.access.tell_of_unknown(vaults)

    async def _kept(self, signal: Signal, error: Exception, *, level: int = logging.WARNING) -> SignalResult:
        """The signal in the inbox, for a timer to look into: the sender need not call again."""
        why = str(error) or type(error).__name__
        if self._stored:
            return SignalResult(why=why, kept=True)
        if self._keep is None:
            raise error
        try:
            async with asyncio.timeout(_SECONDS_TO_STORE):
                await self._keep(signal)
        except TimeoutError as late:
            raise AzureUnavailable(f"the ledger did not answer in {_SECONDS_TO_STORE:g} s") from late
        log_event(LogEvent.SIGNAL_KEPT, level=level, signal=signal.label, problem=why)
        return SignalResult(why=why, kept=True)

    async def _handle_all(
        self, failures: Sequence[FailedJob], source: Source, seconds: float, run_began: datetime | None
    ) -> Sequence[Report]:
        if not failures:
            return ()
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
