"""Every measurement by its name, in the order in which they run."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bench import (
    cold_start,
    comparison,
    cost,
    dispatch,
    event,
    follow_up,
    health,
    long_list,
    memory,
    page,
    scarce_reads,
    slow_lists,
    storm,
    sweep,
)
from bench.figures import Figure

SIZES = ("tiny", "whole")
#: measure, and what it takes in each of these sizes
_Entry = tuple[Callable[[Any], Awaitable[list[Figure]]], Sequence[Any]]
MEASUREMENTS: Mapping[str, _Entry] = {
    "cold_start": (cold_start.measure, (cold_start.TINY, cold_start.Size())),
    "event": (event.measure, (event.TINY, event.Size())),
    "sweep": (sweep.measure, (sweep.TINY, sweep.Size())),
    "dispatch": (dispatch.measure, (dispatch.TINY, dispatch.WHOLE)),
    "comparison": (comparison.measure, (comparison.TINY, comparison.WHOLE)),
    "memory": (memory.measure, (memory.TINY, memory.Size())),
    "follow_up": (follow_up.measure, (follow_up.TINY, follow_up.Size())),
    "storm": (storm.measure, (storm.TINY, storm.WHOLE)),
    "slow_lists": (slow_lists.measure, (slow_lists.TINY, slow_lists.WHOLE)),
    "long_list": (long_list.measure, (long_list.TINY, long_list.Size())),
    "health": (health.measure, (health.TINY, health.WHOLE)),
    "scarce_reads": (scarce_reads.measure, (scarce_reads.TINY, scarce_reads.Size())),
    "page": (page.measure, (page.TINY, page.WHOLE)),
    "cost": (cost.measure, (None, None)),
}


async def run(name: str, size: str) -> list[Figure]:
    """Measure in this process."""
    measure, sizes = MEASUREMENTS[name]
    return await measure(sizes[SIZES.index(size)])
