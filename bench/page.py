"""How long a person waits for the status page of a large estate, once the app has read it.

The page is asked for again and again while ledger and Resource Graph are read again behind it, as they are each few
seconds and minutes; all of it runs in this one process, the simulated Azure in another one.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.estates import EstatePlan
from bench.figures import Figure, median, percentile
from bench.ground import App, ground

#: seconds between two looks: the board is rebuilt every two seconds, if the page is requested
_BETWEEN = 0.7
#: so many looks until the estate has to be known
_MOST_LOOKS = 100


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many items, how many of them have an incident, and how many looks there are."""

    plan: EstatePlan
    failures: int
    looks: int


TINY = Size(plan=EstatePlan(machines=20), failures=2, looks=3)
WHOLE = Size(plan=EstatePlan(subscriptions=2, vaults=10, machines=500), failures=200, looks=40)


async def measure(size: Size) -> list[Figure]:
    """Fail some, sweep, read the estate, then look."""
    async with ground(size.plan) as place:
        app = App()
        await place.fail(range(size.failures))
        began = time.perf_counter()
        await app.sweep()
        swept = time.perf_counter() - began
        await _until_known(app, size.plan.size)
        took = [await _look(app) for _ in range(size.looks)]
        await app.close()
    return _figures(size, took, swept)


async def _until_known(app: App, items: int) -> None:
    """Wait until the app knows all items."""
    for _ in range(_MOST_LOOKS):
        document = await app.document()
        if document["estate_read_at"] and document["items_total"] == items:
            return
        await asyncio.sleep(_BETWEEN)
    raise RuntimeError(f"the page does not know {items:,} items")


async def _look(app: App) -> float:
    await asyncio.sleep(_BETWEEN)
    began = time.perf_counter()
    await app.page()
    return time.perf_counter() - began


def _figures(size: Size, took: Sequence[float], swept: float) -> list[Figure]:
    note = (
        f"{size.plan.size:,} items, {size.failures:,} incidents, {len(took)} looks; "
        f"p50 {median(took):.2g} s, longest {max(took):.2g} s"
    )
    return [
        Figure(key="page_p95", value=percentile(took, 95), note=note),
        Figure(key="page_sweep", value=swept, note=f"with {size.failures:,} failures to retry"),
    ]
