"""Deliberate faults in what is made of signals, and in the inbox of those that wait."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, JobError, JobStatus, Source
from backup_retry.engine import unit_of_work as work
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.policy.scope import Scope
from backup_retry.ports.inbox import DeferredSignal, Inbox
from reactor import dead_letters, deferred_signals
from reactor.dead_letters import Contents
from reactor.resolve import Resolved, Resolver
from reactor.signal_handler import SignalHandler, SignalResult
from reactor.signals import Signal
from tests.model import worker
from tests.model.mutation import Mutation


def _believe_the_alert() -> AbstractContextManager[Any]:
    """What an alert says is taken for a fact."""

    async def believed(self: Resolver, _: Vault, signal: Signal, *__: Any) -> Resolved:
        if signal.item is None:
            return Resolved(why="names no item")
        now = self._clock()
        failed = FailedJob(
            id=signal.job_id,
            item=signal.item,
            workload="VM",
            operation="Backup",
            status=JobStatus.FAILED,
            started_at=now,
            ended_at=now,
            error=JobError(title="CloudInternalError"),
        )
        return Resolved(failures=[failed])

    return patch.object(Resolver, "_by_job", believed)


def _ignore_the_scope() -> AbstractContextManager[Any]:
    """A signal of a foreign subscription is looked into."""
    return patch.object(Scope, "allows_vault", lambda *_: True)


def _answer_before_storing() -> AbstractContextManager[Any]:
    """A signal is answered with success although the ledger did not take it."""
    handle = Engine.handle

    async def careless(self: Engine, failed: FailedJob, source: Source, **named: Any) -> Any:
        try:
            return await handle(self, failed, source, **named)
        except AzureUnavailable:
            return work.already_handled(Incident.open(failed, source, self._clock()))

    return patch.object(Engine, "handle", careless)


def _take_a_lost_race_for_handled() -> AbstractContextManager[Any]:
    """Whoever was second leaves, although the winner need not know of its failure."""

    async def once(self: Engine, failed: FailedJob, source: Source, act: Callable[[UnitOfWork], Any]) -> Any:
        noted = await self._noted(failed, source)
        return await act(noted) if isinstance(noted, UnitOfWork) else noted

    return patch.object(Engine, "_note_and_act", once)


def _forget_before_looking() -> AbstractContextManager[Any]:
    """A kept signal is taken out of the inbox, and only then looked into."""
    look = deferred_signals.look_into

    async def hasty(waiting: Sequence[DeferredSignal], inbox: Inbox, *arguments: Any, **named: Any) -> Any:
        for signal in waiting:
            await inbox.forget(signal)
        return await look(waiting, inbox, *arguments, **named)

    return patch.object(deferred_signals, "look_into", hasty)


def _forget_what_nobody_could_say() -> AbstractContextManager[Any]:
    """A kept signal counts as looked into although the vault did not answer once more."""
    handle_signals = SignalHandler.handle_signals

    async def optimistic(self: SignalHandler, *arguments: Any, **named: Any) -> Sequence[SignalResult]:
        reactions = await handle_signals(self, *arguments, **named)
        return [SignalResult(reports=each.reports, why=each.why) for each in reactions]

    return patch.object(SignalHandler, "handle_signals", optimistic)


def _answer_without_keeping() -> AbstractContextManager[Any]:
    """A signal that nobody has time for is answered with success and thrown away."""

    async def careless(self: SignalHandler, signal: Any, error: Exception, **_: Any) -> SignalResult:
        return SignalResult(why=str(error), deferred=True)

    return patch.object(SignalHandler, "_deferred", careless)


def _never_process_the_deferred() -> AbstractContextManager[Any]:
    """The timer does nothing."""

    async def idle(*_: Any) -> None: ...

    return patch.object(worker, "process_deferred", idle)


def _delete_dead_letters_unread() -> AbstractContextManager[Any]:
    """What Event Grid could not deliver is deleted as if somebody had handled it."""
    return patch.object(dead_letters, "read", lambda *_: Contents())


def _never_look_for_dead_letters() -> AbstractContextManager[Any]:
    """Nobody ever looks into the container."""
    return patch.object(dead_letters, "_is_due", lambda *_: False)


def mutations_of_signals() -> Sequence[Mutation]:
    """All of them, made anew."""
    return [
        Mutation("believe the alert", _believe_the_alert()),
        Mutation("ignore the scope", _ignore_the_scope()),
        Mutation("answer before storing", _answer_before_storing(), seed=12),
        Mutation("take a lost race for handled", _take_a_lost_race_for_handled(), seed=26),
        Mutation("forget the kept signal before looking into it", _forget_before_looking(), seed=5),
        Mutation("forget the kept signal of which nobody could say", _forget_what_nobody_could_say(), seed=9),
        Mutation("answer without keeping", _answer_without_keeping(), seed=5),
        Mutation("never process the deferred", _never_process_the_deferred(), seed=3),
        Mutation("delete dead letters unread", _delete_dead_letters_unread(), seed=48),
        Mutation("never look for dead letters", _never_look_for_dead_letters(), seed=9),
    ]
