"""At most one attempt of a storm's items is in flight until its canary has recovered, wherever two workers meet.

And a person is told once.

Two workers move one storm on. Each of them is stopped before every call that it makes, whatever the other has done
by then, and afterwards they run to their ends in either order.
"""

import itertools
import logging
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.domain.notices import NoticeKind
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import Storm
from tests.builders import ENDED, NOW, PASSES, attempt, item, minutes, vault
from tests.model.faults import dice
from tests.world import World

Work = Coroutine[Any, Any, Any]

SIZE = 4
RULES = Rules(storm_size=SIZE, backoff=(timedelta(0),))
CANCELLED = Close(outcome=Outcome.LEFT_ALONE, reason=Reason.CANCELLED)


class Race(World):
    """Five items of a vault have failed alike; a trigger starts a backup that runs."""

    def __init__(self) -> None:
        super().__init__(RULES)
        self.failures = {
            number: self.fails(f"job-{number}", of=item(number)) for number in range(1, SIZE + 2)
        }
        self.vaults.on_trigger = self._starts

    async def _starts(self, of: ProtectedItem, attempt_id: str) -> None:
        self.runs(attempt_id, of)

    def machine(self, later: float = 0) -> Engine:
        """A worker, whose clock is so many minutes ahead."""
        return self.another_engine(lambda: self.clock() + minutes(later))

    def hears(self, number: int, later: float = 0) -> Work:
        """A worker is told of an item's failure."""
        return self.machine(later).handle(self.failures[number], Source.ALERT)

    def follows_up(self, number: int, later: float = 0) -> Work:
        """A worker looks at an item's open incident."""

        async def advance() -> None:
            incident = await self.incident(item(number))
            if incident.is_open:
                await self.machine(later).advance(incident)

        return advance()

    def waits(self, number: int, reason: Reason = Reason.STORM, hours: float = 0) -> Incident:
        """An item's incident is open and has no attempt."""
        opened = Incident.open(self.failures[number], Source.ALERT, ENDED)
        stored: Incident = finish(self.ledger.save(opened.waiting(NOW + timedelta(hours=hours), reason)))
        return stored

    def waits_after_failing(self, number: int, attempts: int = 1) -> Incident:
        """An item's incident is open, and so many of its attempts have failed, a minute after the storm began."""
        at = NOW - minutes(14)
        tried = [
            replace(
                attempt(each, claimed_at=at, result=AttemptResult.FAILED, ended_at=at),
                id=f"attempt-{number}-{each}",
            )
            for each in range(1, attempts + 1)
        ]
        waiting = self.waits(number)
        stored: Incident = finish(self.ledger.save(replace(waiting, attempts=tuple(tried))))
        return stored

    def is_led_by(self, canary: Incident, **changes: Any) -> None:
        """The storm's row, a quarter of an hour old."""
        seen = Storm(
            vault=vault(),
            code=PASSES,
            began_at=NOW - minutes(15),
            size=SIZE,
            canary=canary.item,
            canary_incident=canary.id,
            led_at=NOW - minutes(15),
        )
        finish(self.ledger.save_storm(replace(seen, **changes)))


class Worker:
    """Something that is done call by call."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.calls = 0
        self.done = False
        self.result: Any = None

    def step(self) -> None:
        """Make one more call, where one is left."""
        if self.done:
            return
        try:
            self._work.send(None)
            self.calls += 1
        except StopIteration as done:
            self.done, self.result = True, done.value

    def finish(self) -> Any:
        """Do all that is left."""
        while not self.done:
            self.step()
        return self.result


def finish(work: Work) -> Any:
    """Do it with nobody in between."""
    return Worker(work).finish()


# ---- how a storm may be when two workers meet ----------------------------------------------------------------


def a_storm_begins(race: Race) -> list[Work]:
    """Two alerts of one storm at the same moment."""
    return [race.hears(1), race.hears(2)]


def the_canary_is_slow(race: Race) -> list[Work]:
    """It wrote the row, and has not stored its incident when its lease is over."""
    return [race.hears(1), race.hears(2, later=11)]


def the_canary_was_given_up(race: Race) -> list[Work]:
    """Two items want to take its place."""
    closed = finish(race.ledger.save(race.waits(1).closed(CANCELLED, NOW)))
    race.is_led_by(closed)
    race.waits(2), race.waits(3)
    return [race.follows_up(2), race.follows_up(3)]


def the_canary_waits_for_hours(race: Race) -> list[Work]:
    """It could go after all, by one worker; another one gives its place away."""
    race.is_led_by(race.waits(1, Reason.DAILY_CAP, hours=3))
    race.waits(2)
    return [race.follows_up(1), race.follows_up(2)]


def the_canary_is_held_elsewhere(race: Race) -> list[Work]:
    """It waited for another storm, and that is over by now."""
    race.is_led_by(race.waits(1))
    race.waits(2)
    return [race.follows_up(1), race.follows_up(2)]


def the_canary_fails_again(race: Race) -> list[Work]:
    """A person cancelled its retry; its next backup fails alike while its place is taken."""
    closed = finish(race.ledger.save(race.waits(1).closed(CANCELLED, NOW)))
    race.is_led_by(closed)
    race.waits(2)
    race.failures[1] = race.fails("again", of=item(1), started_at=NOW + minutes(1), ended_at=NOW + minutes(2))
    race.clock.move(minutes=3)
    return [race.hears(1), race.follows_up(2)]


def a_step_is_over(race: Race) -> list[Work]:
    """The canary's attempt has failed; it could go again, another one might, and somebody has to be told."""
    race.is_led_by(race.waits_after_failing(1))
    race.waits(2)
    return [race.follows_up(1), race.follows_up(2)]


def the_canary_has_none_to_spare(race: Race) -> list[Work]:
    """It waits for the others with its last attempt; two items want to take its place."""
    race.is_led_by(race.waits_after_failing(1, 2), steps=2, counted="attempt-1-2", told=True)
    race.waits(2), race.waits(3)
    return [race.follows_up(2), race.follows_up(3)]


Meeting = Callable[[Race], list[Work]]
MEETINGS: list[Meeting] = [
    a_storm_begins,
    the_canary_is_slow,
    the_canary_was_given_up,
    the_canary_waits_for_hours,
    the_canary_is_held_elsewhere,
    the_canary_fails_again,
    a_step_is_over,
    the_canary_has_none_to_spare,
]
#: an attempt has failed by then, so that a person has to know
TOLD = {a_step_is_over}


def meets(meeting: Meeting) -> tuple[Race, list[Worker]]:
    """A race before its first step."""
    race = Race()
    return race, [Worker(work) for work in meeting(race)]


def calls(meeting: Meeting) -> list[int]:
    """How many calls each worker makes when it is the first."""
    made = []
    for first in (0, 1):
        _, workers = meets(meeting)
        workers[first].finish()
        made.append(workers[first].calls)
        workers[1 - first].finish()
    return made


def schedules(meeting: Meeting) -> Iterator[tuple[int, int, int]]:
    """Where each of two workers is stopped, and which one goes on first."""
    first, second = calls(meeting)
    return itertools.product(range(first + 1), range(second + 1), (0, 1))


def look_at_all_of_them(race: Race) -> None:
    """Some follow-ups, by when every lease is over."""
    for number in (1, 2, 3) * 2:
        if finish(race.ledger.load(item(number))).incident is not None:
            finish(race.follows_up(number, later=12))


@pytest.mark.parametrize("meeting", MEETINGS, ids=lambda meeting: meeting.__name__)
def test_two_workers_never_have_two_attempts_in_flight(
    meeting: Meeting, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the one does between two calls of the other."""
    caplog.set_level(logging.CRITICAL, logger="backup_retry")
    broken = []
    for *stops, first in schedules(meeting):
        race, workers = meets(meeting)
        for worker, calls_made in zip(workers, stops, strict=True):
            for _ in range(calls_made):
                worker.step()
        workers[first].finish(), workers[1 - first].finish()
        at_once = len(race.attempts)
        look_at_all_of_them(race)
        told = sum(each.kind is NoticeKind.STORM_NEEDS_PERSON for each in race.publisher.sent)
        if at_once > 1 or len(race.attempts) != 1 or told != (meeting in TOLD):
            broken.append((stops, first, at_once, len(race.attempts), told))
    assert broken == []


def test_of_a_storm_that_is_over_two_workers_tell_once(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody has told of it yet; both close their items, and nothing is triggered."""
    caplog.set_level(logging.CRITICAL, logger="backup_retry")

    def a_day_later(race: Race) -> list[Work]:
        race.is_led_by(race.waits(1), began_at=NOW - timedelta(hours=24), led_at=NOW - timedelta(hours=1))
        race.waits(2), race.waits(3)
        return [race.follows_up(2), race.follows_up(3)]

    broken = []
    for *stops, first in schedules(a_day_later):
        race, workers = meets(a_day_later)
        for worker, calls_made in zip(workers, stops, strict=True):
            for _ in range(calls_made):
                worker.step()
        workers[first].finish(), workers[1 - first].finish()
        look_at_all_of_them(race)
        kinds = [each.kind for each in race.publisher.sent]
        if race.attempts or kinds != [NoticeKind.STORM_NEEDS_PERSON]:
            broken.append((stops, first, kinds))
    assert broken == []


@pytest.mark.parametrize("seed", range(0, 100, 20))
def test_nor_do_five_whose_clocks_differ(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """One lease after the other is over; every order in which they make their calls is drawn.

    Of one item they differ by less than `settle_after`: else an attempt that is still being made is given up.
    """
    caplog.set_level(logging.CRITICAL, logger="backup_retry")
    attempts = []
    for each in range(seed, seed + 20):
        random, race = dice(each), Race()
        race.is_led_by(race.waits(1))
        race.waits(2), race.waits(3)
        late = enumerate((1, 1, 2, 3, 3))
        workers = [Worker(race.follows_up(number, later=7 * order)) for order, number in late]
        while left := [worker for worker in workers if not worker.done]:
            for _ in range(random.choice((1, 1, 5, 20))):
                left[0].step()
            random.shuffle(workers)
        attempts.append(len(race.attempts))
    assert max(attempts) == 1
