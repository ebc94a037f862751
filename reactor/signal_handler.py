"""What a signal sets off: resolve it, then let the engine handle each failed job behind it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, BackupRetryError, Throttled
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report
from backup_retry.policy.refusals import blocks_the_vault
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
from reactor.handling import Handling
from reactor.resolve import Resolved, Resolver
from reactor.signals import Ignored, Signal

#: stores a signal that nobody has time to process
Defer = Callable[[Signal], Awaitable[None]]
#: has a stored one processed in an invocation of its own, within seconds
HandOn = Callable[[Signal], Awaitable[None]]
#: remembers that an alert of that kind has arrived for a vault
Note = Callable[[Vault, AlertKind], Awaitable[None]]
_AT_ONCE = 8
_PLENTY = 10_000
#: what of its time a signal may wait for its turn
_SHARE_TO_WAIT = 0.2
_SECONDS_TO_STORE = 2.5
#: for Azure's answers to triggers that are under way when the time is over
_SECONDS_TO_HEAR = 4.0
_SECONDS_TO_NOTE = 0.5


@dataclass(frozen=True, kw_only=True)
class SignalResult:
    """What became of a signal: one report per failed job, or why there is none."""

    reports: Sequence[Report] = ()
    why: str = ""
    #: it could not be understood: it is stored, and processed later
    deferred: bool = False
    #: the incident of its vault notifies operators of it, or the notice about unknown vaults
    told: bool = False
    #: the vault that refuses to say it, where only signals have ever named that vault
    unknown_vault: Vault | None = None
    #: when Azure may be asked again, where it was not asked since few calls are left
    retry_after: timedelta | None = None


class NoTime(AzureUnavailable):
    """Nobody has processed a signal, or not to its end: whoever has time may do so at once."""


class SignalHandler:
    """Handles signals in bounded time: what does not fit is stored and handed on. Nothing is left running.

    The host drops the log lines of an invocation that has ended, and the mails that hang on them.
    """

    def __init__(
        self,
        *,
        resolver: Resolver,
        engine: Engine,
        defer: Defer | None = None,
        hand_on: HandOn | None = None,
        places: asyncio.Semaphore | None = None,
        note: Note | None = None,
        stored: bool = False,
        clock: Callable[[], datetime] | None = None,
        reads_are_low: Callable[[Vault], bool] = lambda _: False,
    ) -> None:
        self._resolver = resolver
        self._engine = engine
        #: None: what cannot be processed is the caller's to send again
        self._defer = defer
        #: None: what is kept waits for the timer
        self._hand_on = hand_on
        #: how many signals may be processed at once; all of too many would be late
        self._places = places or asyncio.Semaphore(_PLENTY)
        #: called when a vault has answered what a signal that has just arrived means
        self._note = note
        #: True: every signal is in the inbox already
        self._stored = stored
        #: None: what is read of a vault is shared in runs over many signals only
        self._clock = clock
        #: whether one signal alone is not worth a read: the timer reads once for all that are deferred
        self._reads_are_low = reads_are_low

    def for_deferred(self) -> "SignalHandler":
        """The same for signals that are stored already: one that cannot be processed stays where it is."""
        return SignalHandler(
            resolver=self._resolver,
            engine=self._engine,
            places=self._places,
            stored=True,
            reads_are_low=self._reads_are_low,
        )

    async def handle_signals(
        self,
        signals: Sequence[Signal | Ignored],
        *,
        seconds: float,
        run_began: datetime | None = None,
        to_hear: float = _SECONDS_TO_HEAR,
    ) -> Sequence[SignalResult]:
        """React to many signals within about so many seconds; they share what is read of a vault.

        `to_hear`: the seconds after those for Azure's answers to triggers that are under way.

        Raises:
            AzureUnavailable: of one of them nothing is stored; the others have been dealt with.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        at_once = asyncio.Semaphore(_AT_ONCE)
        began = run_began or (self._clock() if self._clock else None)

        async def one(signal: Signal | Ignored) -> SignalResult:
            async with at_once:
                left = max(0.0, deadline - asyncio.get_running_loop().time())
                return await self.handle_signal(signal, seconds=left, run_began=began, to_hear=to_hear)

        done = await asyncio.gather(*(one(each) for each in signals), return_exceptions=True)
        for each in done:
            if isinstance(each, BaseException):
                raise each
        return [each for each in done if isinstance(each, SignalResult)]

    async def handle_signal(
        self,
        signal: Signal | Ignored,
        *,
        seconds: float,
        run_began: datetime | None = None,
        to_hear: float = _SECONDS_TO_HEAR,
    ) -> SignalResult:
        """Resolve and handle a signal within about so many seconds, or keep it for later, whatever is in the way.

        Raises:
            BackupRetryError: nothing of the signal is stored.
        """
        if isinstance(signal, Ignored):
            _log_ignored(signal)
            return SignalResult(why=signal.why)
        _log_received(signal)
        if signal.vault is not None and self._reads_are_low(signal.vault):
            few = f"few reads of subscription {signal.vault.subscription} are left in this hour"
            return await self._deferred(signal, Throttled(few, retry_after=timedelta(0)), level=logging.INFO)
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout(seconds * _SHARE_TO_WAIT):
                await self._places.acquire()
        except TimeoutError:
            return await self._deferred(signal, NoTime("busy with other alerts"))
        try:
            return await self._process(signal, deadline, run_began, to_hear)
        finally:
            self._places.release()

    async def _process(
        self, signal: Signal, deadline: float, run_began: datetime | None, to_hear: float
    ) -> SignalResult:
        try:
            resolved = await self._resolved(signal, deadline, run_began)
            handling = Handling(self._engine, signal.source, run_began)
            handled = await handling.of_all(resolved.failures, deadline, to_hear)
            await self._note_arrival(signal, resolved)
        except AzureRefused as error:
            return await self._refused(signal, error, deadline)
        except BackupRetryError as error:
            return await self._deferred(signal, error)
        except Exception as error:  # noqa: BLE001 (it ends this signal's turn and no other's)
            item = signal.item.id if signal.item else ""
            log_failure(LogEvent.SIGNAL_FAILED, error, signal=signal.label, job=signal.job_id, item=item)
            return await self._deferred(signal, error)
        if resolved.undecided:
            return await self._deferred(signal, AzureUnavailable(resolved.why), level=logging.INFO)
        if not handled.all_in_time:
            deferred = await self._deferred(signal, NoTime("not all failures were evaluated in time"))
            return replace(deferred, reports=handled.reports)
        if not handled.reports:
            log_event(LogEvent.SIGNAL_IGNORED, signal=signal.label, why=resolved.why)
        return SignalResult(reports=handled.reports, why=resolved.why)

    async def _note_arrival(self, signal: Signal, resolved: Resolved) -> None:
        """It is known then that alerts of its vault arrive; whatever is in the way, the next one notes that."""
        vaults = [signal.vault] if signal.vault else [each.item.vault for each in resolved.failures[:1]]
        if self._note is None or signal.kind is None or not vaults:
            return
        with suppress(TimeoutError, BackupRetryError):
            async with asyncio.timeout(_SECONDS_TO_NOTE):
                await self._note(vaults[0], signal.kind)

    async def _resolved(self, signal: Signal, deadline: float, run_began: datetime | None) -> Resolved:
        try:
            async with asyncio.timeout_at(deadline):
                return await self._resolver.resolve(signal, run_began)
        except TimeoutError as error:
            raise NoTime(f"{_asked(signal)} did not answer in time") from error

    async def _refused(self, signal: Signal, error: AzureRefused, deadline: float) -> SignalResult:
        """The signal waits until Azure lets us look, and operators are notified of a vault in scope."""
        known, vault = True, signal.vault or error.vault
        with suppress(TimeoutError, AzureUnavailable):  # a later look has more time
            async with asyncio.timeout_at(deadline):
                vault_incidents = self._engine.vault_incidents
                known = await vault_incidents.signal_refused(vault, signal.item, error, signal.source)
        result = await self._deferred(signal, error)
        told = vault is not None and (not known or blocks_the_vault(error))
        return replace(result, told=told, unknown_vault=None if known else vault)

    async def notify_unknown_vaults(self, vaults: Collection[Vault]) -> None:
        """Notify operators of vaults that deny access and that only signals have named, once a day for all of them."""
        await self._engine.vault_incidents.notify_unknown_vaults(vaults)

    async def _deferred(
        self, signal: Signal, error: Exception, *, level: int = logging.WARNING
    ) -> SignalResult:
        """The signal in the inbox, for a timer to process: the sender need not call again."""
        why = str(error) or type(error).__name__
        retry_after = error.retry_after if isinstance(error, Throttled) else None
        if self._stored:
            return SignalResult(why=why, deferred=True, retry_after=retry_after)
        if self._defer is None:
            raise error
        try:
            async with asyncio.timeout(_SECONDS_TO_STORE):
                await self._defer(signal)
        except TimeoutError as late:
            raise AzureUnavailable(f"the ledger did not answer in {_SECONDS_TO_STORE:g} s") from late
        log_event(LogEvent.SIGNAL_KEPT, level=level, signal=signal.label, problem=why)
        if self._hand_on is not None and isinstance(error, NoTime):
            await self._hand_on(signal)
        return SignalResult(why=why, deferred=True)


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
