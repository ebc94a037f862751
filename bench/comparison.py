"""The same failures on the same simulated Azure, retried by what people use today and by our sweep."""

import sys
import time
from dataclasses import dataclass, replace

from bench import az_loop
from bench.estates import EstatePlan
from bench.figures import Figure
from bench.ground import App, Ground, ground
from bench.runbook import FIRST, Runbook

_ACCEPTED = 202


@dataclass(frozen=True, kw_only=True)
class Size:
    """An estate all of whose machines failed, and how many of them each of the slow ways is given."""

    plan: EstatePlan
    runbook: int
    az: int


def _plan(subscriptions: int, vaults: int, machines: int) -> EstatePlan:
    return EstatePlan(subscriptions=subscriptions, vaults=vaults, machines=machines)


TINY = Size(plan=_plan(1, 2, 3), runbook=2, az=0)
WHOLE = Size(plan=_plan(4, 5, 10), runbook=40, az=4)


async def measure(size: Size) -> list[Figure]:
    """The runbook as published, then with more rows; a shell loop; then our sweep, all at Azure's usual latency."""
    async with ground(size.plan) as place:
        await place.fail(range(size.plan.size))
        await place.slow()
        async with Runbook() as runbook:
            published = await runbook.run()
            started = await runbook.run(size.runbook)
        az = await _az(size)
        sweep = await _sweep(place, size)
    item = started.seconds / started.started
    left = size.plan.size - published.started
    how = f"{started.started} items in {started.seconds:.1f} s; one after the other"
    return [
        Figure(key="runbook_item", value=item, note=how),
        sweep,
        Figure(key="runbook_ratio", value=item / sweep.value, note="per item, in this run"),
        *_az_figures(az, sweep.value, size.az),
        Figure(key="runbook_left", value=left, note=f"it takes the first {FIRST} rows of the query"),
    ]


async def _az(size: Size) -> float | None:
    """Seconds per item; None where there is no az CLI."""
    az = az_loop.command()
    if az is None or not size.az:
        print("no az CLI: the shell loop is left out (AZ_DIRECTORY names where it is)", file=sys.stderr)
        return None
    return await az_loop.seconds_per_item(az, size.plan, range(size.plan.size - size.az, size.plan.size))


def _az_figures(seconds: float | None, ours: float, items: int) -> list[Figure]:
    if seconds is None:
        return []
    return [
        Figure(key="az_item", value=seconds, note=f"{items} items, signed in before"),
        Figure(key="az_ratio", value=seconds / ours, note="per item, in this run"),
    ]


async def _sweep(place: Ground, size: Size) -> Figure:
    fresh = await place.reset(replace(size.plan, series=1))
    await fresh.fail(range(size.plan.size))
    await fresh.slow()
    app = App()
    began = time.perf_counter()
    await app.sweep()
    took = time.perf_counter() - began
    await app.close()
    posts = await fresh.requests("/backup$", "POST")
    done = sum(each["status"] == _ACCEPTED for each in posts)
    return Figure(
        key="sweep_item", value=took / done, note=f"{done} items in {took:.1f} s, its start included"
    )
