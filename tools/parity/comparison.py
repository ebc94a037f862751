"""Each recorded call put to the simulator, and its answer compared with the recorded one."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulator.arm.calls import Route
from simulator.simulated_azure import Simulator
from tools.parity.differences import Difference, differences
from tools.parity.explanations import reason
from tools.parity.forms import form
from tools.parity.recordings import Recording, RecordingError, read
from tools.parity.report import Finding, endpoint
from tools.parity.scenes import scene
from tools.parity.stage import Stage, staged

_NAMES_OF_ITEMS = re.compile(r"[^/;]+(;\*)+")


async def compare(files: Iterable[Path]) -> list[Finding]:
    """The findings, in the order of the files; a file that is no recording has one, too."""
    async with staged() as stage:
        served = stage.server.simulator.routes
        return [await _finding(stage, each, served) for each in files]


async def routes() -> Sequence[Route]:
    """All that the simulated Resource Manager answers to."""
    simulator = Simulator()
    try:
        return simulator.routes
    finally:
        await simulator.close()


async def _finding(stage: Stage, file: Path, served: Sequence[Route]) -> Finding:
    try:
        recording = read(file)
    except RecordingError as error:
        return Finding(recording=file.stem, unserved=f"not a recorded call: {error}")
    stage.asked = recording.method, recording.path
    try:
        play = scene(recording)
        reply = await play(stage, recording) if play else None
        asked = next((each for each in served if each.takes(*stage.asked)), None)
        if reply is None or asked is None:
            return _not_served(recording)
        return _compared(recording, _endpoint(recording, asked), differences(recording.reply, reply))
    except Exception as error:  # noqa: BLE001 - whatever is odd about a recording is told on its line
        return _not_set(stage, recording, served, error)


def _compared(recording: Recording, name: str, found: Sequence[Difference]) -> Finding:
    reasons = [(each, reason(recording, each)) for each in found]
    return Finding(
        recording=recording.name,
        endpoint=name,
        differences=tuple(each for each, why in reasons if not why),
        explained=tuple((each, why) for each, why in reasons if why),
    )


def _endpoint(recording: Recording, served: Route | None) -> str:
    """The operation; where it has no route, with `*` for each name in its path."""
    if served is not None:
        return endpoint(served.method, served.template)
    return endpoint(recording.method, _NAMES_OF_ITEMS.sub("*", form(recording.path)))


def _not_set(stage: Stage, recording: Recording, served: Sequence[Route], error: Exception) -> Finding:
    """A recording that nothing could be made of; it matters where the operation is one that is served."""
    asked = next((each for each in served if each.takes(*stage.asked)), None)
    if asked is None:
        return _not_served(recording)
    problem = Difference(where="the scene", kind="problem", recorded=f"{type(error).__name__}: {error}")
    return Finding(recording=recording.name, endpoint=_endpoint(recording, asked), differences=(problem,))


def _not_served(recording: Recording) -> Finding:
    return Finding(
        recording=recording.name, endpoint=_endpoint(recording, None), unserved="the app never calls it"
    )
