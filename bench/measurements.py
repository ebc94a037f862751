"""Every measurement by its name, in the order in which they run."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bench import cold_start, comparison, cost, event, follow_up, memory, storm, sweep
from bench.figures import Figure

SIZES = ("tiny", "normal", "full")
#: measure, and what it takes as the sizes "tiny", "normal" and "full"
_Entry = tuple[Callable[[Any], Awaitable[list[Figure]]], Sequence[Any]]
MEASUREMENTS: Mapping[str, _Entry] = {
    "cold_start": (cold_start.measure, (cold_start.TINY, cold_start.Size(), cold_start.Size())),
    "event": (event.measure, (event.TINY, event.Size(), event.Size())),
    "sweep": (sweep.measure, (sweep.TINY, sweep.Size(), sweep.Size())),
    "comparison": (comparison.measure, (comparison.TINY, comparison.NORMAL, comparison.NORMAL)),
    "memory": (memory.measure, (memory.TINY, memory.Size(), memory.Size())),
    "follow_up": (follow_up.measure, (follow_up.TINY, follow_up.Size(), follow_up.FULL)),
    "storm": (storm.measure, (storm.TINY, storm.NORMAL, storm.FULL)),
    "cost": (cost.measure, (None, None, None)),
}


async def run(name: str, size: str) -> list[Figure]:
    """Measure in this process."""
    measure, sizes = MEASUREMENTS[name]
    return await measure(sizes[SIZES.index(size)])
