"""Alerts that come all at once while the vaults are slow: how soon is each retried, with no timer to help?

No alert can be decided while its sender waits for its turn, so what is measured is how signals are handed on.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import aiohttp

from bench.estates import EstatePlan
from bench.figures import Figure, percentile
from bench.ground import DIRECTORY
from bench.storm import NO_TIMERS, PATIENCE, Size, calls, fail, sim, warm_up
from simulator.stack import Stack

_GOAL_SECONDS = 30.0
_LOOK_SECONDS, _LOOK_EVERY = 90.0, 1.0
_SLOW = [
    {"name": "latency", "match": "^GET .*/backupJobs", "seconds": 2.0},
    {"name": "latency", "match": "^POST .*/backup", "seconds": 0.15},
]
_TO_THE_APP = {
    "action_groups": [],
    "event_subscriptions": [
        {"topic": "own", "schema": "CloudEventSchemaV1_0", "event_types": ["BackupRetry.SignalDeferred"]}
    ],
}


@dataclass(frozen=True, kw_only=True)
class Burst:
    """One alert for each machine, at the same moment; fewer in a vault than make a storm."""

    plan: EstatePlan

    @property
    def size(self) -> Size:
        """The same for whoever calls."""
        return Size(plan=self.plan, seconds=0.01, steady=0, steady_seconds=0.0)


TINY = Burst(plan=EstatePlan(subscriptions=1, vaults=1, machines=4))
WHOLE = Burst(plan=EstatePlan(subscriptions=10, vaults=2, machines=10))


async def measure(burst: Burst) -> list[Figure]:
    """Call the webhook for all of them at once, then watch the triggers come."""
    plan = burst.plan
    stack = Stack(NO_TIMERS, plan.document() | _TO_THE_APP, directory=DIRECTORY / "slow_lists")
    async with stack, aiohttp.ClientSession(timeout=PATIENCE) as http:
        await stack.restart_host({"EVENTGRID_TOPIC_ENDPOINT": f"{stack.run.arm}/topics/own/api/events"})
        jobs = await fail(http, stack, plan, _SLOW)
        await warm_up(http, stack, plan)
        began = datetime.now(UTC)
        answers = await calls(http, stack.run.alerts_url, burst.size, list(enumerate(jobs)), 0.01)
        triggered = await _triggered(http, stack, began, plan.size)
    in_time = sum(seconds <= _GOAL_SECONDS for seconds in triggered)
    slowest = max(each.seconds for each in answers)
    note = (
        f"{plan.size} alerts at once, {plan.subscriptions * plan.vaults} vaults, lists of 2 s; answered within "
        f"{slowest:.1f} s, {sum(each.status != 202 for each in answers)} not 202; half triggered after "  # noqa: PLR2004
        f"{percentile(triggered, 50):.0f} s, {len(triggered)} in all after {max(triggered):.0f} s"
    )
    return [
        Figure(key="slow_lists_in_time", value=100 * in_time / plan.size, note=note),
        Figure(key="slow_lists_doubled", value=len(triggered) - plan.size, note="by Azure's own log"),
    ]


async def _triggered(
    http: aiohttp.ClientSession, stack: Stack, began: datetime, number: int
) -> Sequence[float]:
    """Seconds from the alerts to each trigger, once there are as many or the patience is over."""
    found: list[float] = []
    for _ in range(int(_LOOK_SECONDS / _LOOK_EVERY)):
        posts = await sim(http, stack, "GET", "requests?path=/backup$&method=POST")
        found = [(datetime.fromisoformat(each["time"]) - began).total_seconds() for each in posts]
        if len(found) >= number:
            break
        await asyncio.sleep(_LOOK_EVERY)
    return found
