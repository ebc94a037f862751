"""Each recorded call put to the simulator, and its answer compared with the recorded one."""

import re
from collections.abc import Iterable, Sequence

from simulator.arm.calls import Route
from simulator.simulated_azure import Simulator
from tools.parity.differences import differences
from tools.parity.explanations import reason
from tools.parity.forms import form
from tools.parity.recordings import Recording
from tools.parity.report import Finding, endpoint
from tools.parity.scenes import scene
from tools.parity.stage import Stage, staged

_NAMES_OF_ITEMS = re.compile(r"[^/;]+(;\*)+")


async def compare(recordings: Iterable[Recording]) -> list[Finding]:
    """The findings, in the order of the recordings."""
    async with staged() as stage:
        routes = stage.server.simulator.routes
        return [await _finding(stage, each, routes) for each in recordings]


async def routes() -> Sequence[Route]:
    """All that the simulated Resource Manager answers to."""
    simulator = Simulator()
    try:
        return simulator.routes
    finally:
        await simulator.close()


async def _finding(stage: Stage, recording: Recording, served: Sequence[Route]) -> Finding:
    play = scene(recording)
    if play is None:
        return _not_served(recording)
    reply = await play(stage, recording)
    found = next((each for each in served if each.takes(*stage.asked)), None)
    if found is None:
        return _not_served(recording)
    all_of_them = differences(recording.reply, reply)
    explained = [(each, why) for each in all_of_them if (why := reason(recording.name, each))]
    return Finding(
        recording=recording.name,
        endpoint=endpoint(found.method, found.template),
        served=True,
        differences=tuple(each for each in all_of_them if not reason(recording.name, each)),
        explained=tuple(explained),
    )


def _not_served(recording: Recording) -> Finding:
    """An operation that has no route, with `*` for each name in its path."""
    path = _NAMES_OF_ITEMS.sub("*", form(recording.path))
    return Finding(recording=recording.name, endpoint=endpoint(recording.method, path), served=False)
