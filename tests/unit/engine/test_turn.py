"""Turns: two starts are one, and one that died with its worker is begun again."""

import asyncio
import json
import logging
from datetime import timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.turn import REPEATS, Turn, TurnTaker
from backup_retry.ports.ledger import MemoryLedger, gave_up
from backup_retry.ports.publisher import MemoryPublisher
from backup_retry.ports.turns import Lease, MemoryTurns
from tests.builders import NOW
from tests.clock import Clock

LEASE = timedelta(minutes=1)


class Workers:
    """Workers that take turns on one ledger."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.turns = MemoryTurns()
        self.controls = MemoryLedger()
        self.publisher = MemoryPublisher()
        self.runs = 0
        #: what a run ends in; None: it completes
        self.error: BaseException | None = None

    def worker(self, lease: timedelta = LEASE) -> TurnTaker:
        """A worker of its own."""
        return TurnTaker(
            turns=self.turns,
            controls=self.controls,
            clock=self.clock,
            lease=lease,
            publisher=self.publisher,
        )

    @property
    def turn(self) -> Turn:
        """The daily sweep."""
        return Turn(name="sweep", run=self._run)

    async def _run(self) -> None:
        self.runs += 1
        await asyncio.sleep(0)
        if self.error:
            raise self.error

    async def follow_up(self) -> None:
        """The follow-up looks at what died, some minutes later."""
        self.clock.move(minutes=5)
        await self.worker().repeat_dead([self.turn])


@pytest.fixture
def workers() -> Workers:
    """On an empty ledger."""
    return Workers()


def held(starts: int = 1) -> Lease:
    """A turn that another worker has begun, and of which it has said nothing more."""
    return Lease(turn="sweep", holder="another", until=NOW + LEASE, began=NOW, starts=starts)


def events(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The events of the log."""
    return [json.loads(each.getMessage())["event"] for each in caplog.records]


async def test_two_starts_at_once_are_one_turn(workers: Workers, caplog: pytest.LogCaptureFixture) -> None:
    """The timer and a person, on two workers: the loser ends at once."""
    caplog.set_level(logging.INFO)
    taken = await asyncio.gather(workers.worker().take(workers.turn), workers.worker().take(workers.turn))

    assert (sorted(taken), workers.runs, events(caplog)) == ([False, True], 1, ["turn_held"])


async def test_a_turn_that_has_completed_may_be_started_at_once(workers: Workers) -> None:
    """It is nobody's, and nobody repeats it."""
    assert await workers.worker().take(workers.turn)
    assert await workers.worker().take(workers.turn)
    await workers.follow_up()
    assert workers.runs == 2


async def test_a_lease_is_renewed_while_its_turn_runs(workers: Workers) -> None:
    """However long that takes; nobody takes it for dead."""
    lease = timedelta(seconds=0.2)
    until = [NOW]

    async def long() -> None:
        for _ in range(3):
            await asyncio.sleep(0.1)
            workers.clock.move(seconds=0.1)
            held = await workers.turns.lease("sweep")
            assert held.is_held(workers.clock())
            until.append(held.until or NOW)

    await workers.worker(lease).take(Turn(name="sweep", run=long))
    assert until == sorted(set(until))
    assert not (await workers.turns.lease("sweep")).is_held(workers.clock())


async def test_a_turn_that_raises_has_begun_and_not_completed(workers: Workers) -> None:
    """Its lease is given back, and the next follow-up repeats it."""
    workers.error = AzureUnavailable("the ledger does not answer")
    with pytest.raises(AzureUnavailable):
        await workers.worker().take(workers.turn)
    workers.error = None

    await workers.follow_up()

    assert workers.runs == 2
    assert not (await workers.turns.lease("sweep")).has_died(workers.clock())


async def test_one_that_is_somebodys_is_not_repeated(workers: Workers) -> None:
    """While its lease holds, and where nobody can read whose it is."""
    workers.turns.leases["sweep"] = held()
    await workers.worker().repeat_dead([workers.turn])
    workers.turns.unreadable.add("sweep")
    await workers.follow_up()
    assert await workers.worker().take(workers.turn) is False
    assert workers.runs == 0


async def test_one_that_died_with_its_worker_is_done_again(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, by the first follow-up after its lease has run out."""
    workers.turns.leases["sweep"] = held()
    await workers.follow_up()
    await workers.follow_up()

    assert (workers.runs, events(caplog)) == (1, ["turn_repeated"])


async def test_one_that_dies_each_time_is_told_to_a_person_once(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    """After three repetitions, by log, page and notice; its timer's next turn counts anew."""
    workers.turns.leases["sweep"] = held()
    workers.error = MemoryError()
    for _ in range(REPEATS + 3):
        await workers.follow_up()

    assert workers.runs == REPEATS
    assert events(caplog).count("turn_given_up") == 1
    (notice,) = workers.publisher.sent
    assert (notice.kind, notice.data["reason"]) == (NoticeKind.NEEDS_PERSON, "turn_died")
    assert await workers.controls.last_beat(gave_up("sweep")) is not None

    with pytest.raises(MemoryError):
        await workers.worker().take(workers.turn)
    assert (await workers.turns.lease("sweep")).starts == 1


async def test_a_notice_that_was_not_taken_is_sent_by_the_next_follow_up(workers: Workers) -> None:
    """And by that one only."""
    workers.turns.leases["sweep"] = held(REPEATS + 1)
    workers.publisher.error = AzureUnavailable("the topic does not answer")
    await workers.follow_up()
    workers.publisher.error = None
    await workers.follow_up()
    await workers.follow_up()

    assert len(workers.publisher.sent) == 1
