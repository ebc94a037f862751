"""The engine under whatever order of signals, follow-ups, answers and crashes: its invariants hold after every step.

A generated life is a list of steps on two items; two engines share one ledger. Azure is the world's: a trigger
may start a job or not, and may answer clearly, unclearly or not at all; a job that was started is shown at once
or a few minutes later, always well before `settle_after`.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from backup_retry.domain.jobs import JobStatus
from tests.builders import PASSES
from tests.engine_lives import ITEMS, Answer, Life
from tests.engine_steps import STEP, AttemptEnds, Fail, FollowUp, Step


async def live(steps: list[Step]) -> Life:
    """A life, checked after every step."""
    life = Life()
    for step in steps:
        await step.happen(life)
        await life.check()
    return life


@settings(max_examples=400, deadline=None)
@given(st.lists(STEP, min_size=3, max_size=25))
def test_the_invariants_hold_in_every_life(steps: list[Step]) -> None:
    """Claim before trigger, one trigger an attempt, one attempt at a time, never more than allowed."""
    asyncio.run(live(steps))


@dataclass
class Calm:
    """Azure is well again: backups complete, and follow-ups come every five minutes, then every hour.

    For longer than the daily cap holds up an item: a day, and a quarter of an hour by which clocks may differ.
    """

    life: Life
    every: list[int] = field(default_factory=lambda: [5] * 8 + [60] * 26)

    async def settle(self) -> None:
        """Let it run until everything that can settle has."""
        life = self.life
        life.answer, life.shown_after, life.crash_at_save = Answer.CLEAR, timedelta(0), 0
        life.world.vaults.read_error = None
        for later in self.every:
            await FollowUp(later).happen(life)
            for number in range(len(ITEMS)):
                life.end(number, JobStatus.COMPLETED)
            await life.check()


RETRY_FAILS = [AttemptEnds(0, JobStatus.FAILED), FollowUp(5)]
FAILS = Fail(0, PASSES, deliveries=1, answer=Answer.CLEAR, shown_after=0)


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, min_size=3, max_size=20))
@example(
    [FAILS, *RETRY_FAILS, *RETRY_FAILS, FAILS, *RETRY_FAILS]
)  # three retries in a day: the next one has to wait
def test_every_life_ends_closed_once_azure_is_well(steps: list[Step]) -> None:
    """No order of crashes and lost answers leaves an incident open for ever."""

    async def whole_life() -> int:
        life = await live(steps)
        await Calm(life).settle()
        return sum(each.is_open for each in await life.world.ledger.open_incidents())

    assert asyncio.run(whole_life()) == 0
