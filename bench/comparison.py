"""The same failures on the same simulated Azure, retried by what people use today and by our sweep."""

import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bench import az_loop
from bench.estates import EstatePlan
from bench.figures import Figure
from bench.ground import App, Ground, ground
from bench.processors import seconds_of
from bench.runbook import FIRST, Runbook

_ACCEPTED = 202


@dataclass(frozen=True, kw_only=True)
class Size:
    """Two estates all of whose machines failed, and how many of the first each of the slow ways is given."""

    plan: EstatePlan
    large: EstatePlan
    runbook: int
    az: int


@dataclass(frozen=True, kw_only=True)
class Swept:
    """One sweep; times are seconds."""

    retries: int
    took: float
    #: from its start to Azure's first 202, and to its last
    first: float
    last: float
    #: what the processes took of the processors
    processors: Mapping[str, float]

    @property
    def per_item(self) -> float:
        """Seconds per retry."""
        return self.took / self.retries

    def __str__(self) -> str:
        took = ", ".join(
            f"{name} {1000 * each / self.retries:.0f} ms" for name, each in self.processors.items()
        )
        return (
            f"{self.retries:,} items in {self.took:.1f} s: the first retry after {self.first:.1f} s, the last after "
            f"{self.last:.1f} s; of the processors an item takes: {took}"
        )


def _plan(subscriptions: int, vaults: int, machines: int) -> EstatePlan:
    return EstatePlan(subscriptions=subscriptions, vaults=vaults, machines=machines)


TINY = Size(plan=_plan(1, 2, 3), large=_plan(2, 2, 3), runbook=2, az=0)
WHOLE = Size(plan=_plan(4, 5, 10), large=_plan(20, 5, 10), runbook=40, az=4)


async def measure(size: Size) -> list[Figure]:
    """The runbook as published, then with more rows; a shell loop; then our sweeps, all at Azure's usual latency."""
    async with ground(size.plan) as place:
        await place.fail(range(size.plan.size))
        await place.slow()
        async with Runbook() as runbook:
            published = await runbook.run()
            started = await runbook.run(size.runbook)
        az = await _az(size)
        app = App()
        few = await _swept(place, app, replace(size.plan, series=1))
        many = await _swept(place, app, replace(size.large, series=2), known=True)
        await app.close()
    item = started.seconds / started.started
    left = size.plan.size - published.started
    how = f"{started.started} items in {started.seconds:.1f} s; one after the other"
    return [
        Figure(key="runbook_item", value=item, note=how),
        Figure(key="sweep_item", value=few.per_item, note=f"{few}; with the app's start"),
        Figure(key="runbook_ratio", value=item / few.per_item, note="per item, in this run"),
        Figure(key="sweep_item_many", value=many.per_item, note=str(many)),
        Figure(key="runbook_ratio_many", value=item / many.per_item, note="per item, in this run"),
        *_az_figures(az, few.per_item, size.az),
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


async def _swept(place: Ground, app: App, plan: EstatePlan, *, known: bool = False) -> Swept:
    """`known`: a sweep has seen the vaults before; it looks fourteen days back into those that are new to the app."""
    fresh = await place.reset(plan)
    if known:
        await app.sweep()
    await fresh.fail(range(plan.size))
    await fresh.slow()
    before = {name: seconds_of(pid) for name, pid in place.processes.items()}
    at, began = datetime.now(UTC), time.perf_counter()
    await app.sweep()
    took = time.perf_counter() - began
    spent = {name: seconds_of(pid) - before[name] for name, pid in place.processes.items()}
    posts = await fresh.requests("/backup$", "POST")
    accepted = [datetime.fromisoformat(each["time"]) - at for each in posts if each["status"] == _ACCEPTED]
    return Swept(
        retries=len(accepted),
        took=took,
        first=min(accepted).total_seconds(),
        last=max(accepted).total_seconds(),
        processors=spent,
    )
