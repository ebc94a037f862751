"""Between a worker and everything else: requests and answers that take their time, get lost, or come too late.

A request goes on without its sender: a worker that is killed after it has sent one does not call it back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from tests.model.agenda import Agenda
from tests.model.faults import Fault, Faults
from tests.model.worker_loop import WorkerLoop

Result = TypeVar("Result")
#: the slowest way there or back, in seconds
SLOWEST = 30.0
#: how long after its sender gave up a request may still take effect
LATEST = 60.0


@dataclass
class Network:
    """What all workers share; `down` names what does not answer at the moment."""

    agenda: Agenda
    random: Random
    faults: Faults
    down: set[str] = field(default_factory=set)
    #: vaults on which this app has no role at the moment
    denied: set[str] = field(default_factory=set)
    #: vaults whose subscription or group Azure does not find at the moment
    missing: set[str] = field(default_factory=set)
    #: vaults that Resource Graph hides from this app meanwhile
    hidden: set[str] = field(default_factory=set)

    def latency(self) -> float:
        """Seconds one way."""
        if self.faults.strikes(Fault.SLOW_ANSWER):
            return self.random.uniform(0, SLOWEST)
        return self.random.choice((0.0, 0.0, 0.01, 0.1, 1.0))


@dataclass(frozen=True)
class Link:
    """One worker's way out."""

    network: Network
    loop: WorkerLoop
    die: Callable[[], None]

    async def call(
        self, effect: Callable[[], Result], *, instead: Exception | None = None, lost: Exception | None = None
    ) -> Result:
        """Send a request and wait for its answer.

        Args:
            effect: what it does when it arrives; its exceptions are answers too.
            instead: the answer of a request that has no effect.
            lost: what the caller sees although the request took effect.
        """
        answer: asyncio.Future[Result] = self.loop.create_future()
        if self.loop.dead or self._dies_here():  # clean-up code of a process that is gone sends nothing
            return await answer
        self.network.agenda.after(self.network.latency(), lambda: self._arrive(answer, effect, instead, lost))
        return await answer

    def send_late(self, effect: Callable[[], object]) -> None:
        """A request that takes effect when nobody waits for it any more."""
        self.network.agenda.after(self.network.random.uniform(0, LATEST), effect)

    def _arrive(
        self,
        answer: "asyncio.Future[Any]",
        effect: Callable[[], Any],
        instead: Exception | None,
        lost: Exception | None,
    ) -> None:
        result, error = None, instead
        if error is None:
            try:
                result = effect()
            except AssertionError:
                raise
            except Exception as refused:  # noqa: BLE001  # it is the answer
                error = refused
            error = lost or error
        self.network.agenda.after(self.network.latency(), lambda: self._return(answer, result, error))

    def _return(self, answer: "asyncio.Future[Any]", result: object, error: Exception | None) -> None:
        if self.loop.dead or self._dies_here() or answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)
        self.loop.run_ready()

    def _dies_here(self) -> bool:
        dies = self.network.faults.strikes(Fault.DIED_AT_AWAIT)
        if dies:
            self.network.agenda.after(0.0, self.die)
        return dies
