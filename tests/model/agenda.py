"""Virtual time: a clock that jumps from one appointment to the next."""

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

#: what the clock shows before anything has happened
START = datetime(2026, 11, 1, tzinfo=UTC)


#: when, a lot for what falls on the same instant, which happens in random order, a number of its own, and what happens
_Appointment = tuple[float, float, int, Callable[[], object]]


class Agenda:
    """What is going to happen, in seconds since the start."""

    def __init__(self, random: Random) -> None:
        self.now = 0.0
        self._random = random
        self._numbers = count()
        self._appointments: list[_Appointment] = []

    @property
    def time(self) -> datetime:
        """The true time."""
        return START + timedelta(seconds=self.now)

    def at(self, when: float, action: Callable[[], object]) -> None:
        """Do something at a time; one that has passed means now."""
        lot, number = self._random.random(), next(self._numbers)
        heapq.heappush(self._appointments, (max(when, self.now), lot, number, action))

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something so much later."""
        self.at(self.now + seconds, action)

    def step(self) -> bool:
        """Let the next thing happen; False when nothing is left."""
        if not self._appointments:
            return False
        self.now, _, _, action = heapq.heappop(self._appointments)
        action()
        return True
