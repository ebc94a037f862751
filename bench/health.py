"""What alerts notice of sixty calls of the anonymous health answer that come with each of them.

The whole stack runs, and one instance answers both; the callers take their part of the same processors.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from bench.estates import EstatePlan, alert
from bench.figures import Figure, median
from bench.ground import DIRECTORY, LATENCIES
from bench.storm import NO_TIMERS, PATIENCE, fail, warm_up
from simulator.stack import Stack

_TO_NOBODY: dict[str, object] = {"action_groups": [], "event_subscriptions": []}


@dataclass(frozen=True, kw_only=True)
class Size:
    """So many alerts, half of them with so many calls of health at the same moment."""

    plan: EstatePlan
    at_once: int = 60


TINY = Size(plan=EstatePlan(subscriptions=1, vaults=1, machines=4), at_once=3)
WHOLE = Size(plan=EstatePlan(subscriptions=4, vaults=5, machines=2))


async def measure(size: Size) -> list[Figure]:
    """Each alert by itself, and each with its calls of health, in turn."""
    plan = size.plan
    stack = Stack(NO_TIMERS, plan.document() | _TO_NOBODY, directory=DIRECTORY / "health")
    async with stack, aiohttp.ClientSession(timeout=PATIENCE) as http:
        jobs = await fail(http, stack, plan, LATENCIES)
        await warm_up(http, stack, plan)
        alone: list[float] = []
        beside: list[float] = []
        for number, job in enumerate(jobs):
            crowded = number % 2 == 1
            took = await _answered(http, stack, alert(plan, number, job), size.at_once if crowded else 0)
            (beside if crowded else alone).append(took)
    return [_figure(size, alone, beside)]


async def _answered(http: aiohttp.ClientSession, stack: Stack, body: object, at_once: int) -> float:
    """The seconds until an alert is answered, while so many ask for health."""
    asking = [asyncio.create_task(_ask(http, stack)) for _ in range(at_once)]
    await asyncio.sleep(0)
    began = time.perf_counter()
    async with http.post(stack.run.alerts_url, json=body) as response:
        await response.read()
        response.raise_for_status()
    took = time.perf_counter() - began
    await asyncio.gather(*asking)
    return took


async def _ask(http: aiohttp.ClientSession, stack: Stack) -> None:
    async with http.get(f"{stack.run.host}/api/health") as response:
        await response.read()
        response.raise_for_status()


def _figure(size: Size, alone: Sequence[float], beside: Sequence[float]) -> Figure:
    note = (
        f"medians of {len(alone)} alerts alone, {1000 * median(alone):.0f} ms, and of {len(beside)} with "
        f"{size.at_once} calls each, {1000 * median(beside):.0f} ms"
    )
    return Figure(key="health_ratio", value=median(beside) / median(alone), note=note)
