"""The demo's command: how long it stays, and how it ends."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest

import demo.__main__ as command
from demo.verdict import Verdict
from simulator.machine.locks import InUseError
from simulator.machine.processes import ProcessDiedError
from simulator.machine.stopping import StoppedError

GOOD = Verdict(rows=[], triggers_seen_by_azure=0, double_triggers=[])
BAD = Verdict(rows=[], triggers_seen_by_azure=1, double_triggers=["x"])


class StandIn:
    """A stack that writes down what is asked of it."""

    run = None
    settings: Mapping[str, str] = {}
    last: ClassVar["StandIn"]

    def __init__(self, *_: object, **__: object) -> None:
        self.asked: list[str] = []
        StandIn.last = self

    async def until(self, _: asyncio.Event) -> None:
        """See Stack."""
        self.asked.append("until")

    async def stop(self) -> None:
        """See Stack."""
        self.asked.append("stop")


@pytest.mark.parametrize(
    ("arguments", "end", "code", "asked"),
    [
        ((), GOOD, 0, ["stop"]),
        (("--keep",), GOOD, 0, ["until", "stop"]),
        ((), BAD, 1, ["stop"]),
        (("--keep",), BAD, 1, ["until", "stop"]),
        (("--keep",), StoppedError(), 130, ["stop"]),
        ((), ProcessDiedError("Azurite ended"), 2, ["stop"]),
        ((), InUseError("build/demo is in use"), 2, ["stop"]),
        ((), PermissionError(13, "Permission denied", "build"), 2, ["stop"]),
    ],
    ids=["good", "good, kept", "bad", "bad, kept", "interrupted", "died", "twice", "read-only"],
)
def test_the_command_stops_everything_however_the_night_ends(
    monkeypatch: pytest.MonkeyPatch,
    arguments: Sequence[str],
    end: Verdict | Exception,
    code: int,
    asked: list[str],
) -> None:
    """It stays until Ctrl-C only where it was told to, and only after a night that was played to its end."""

    async def play(*_: object) -> Verdict:
        if isinstance(end, Exception):
            raise end
        return end

    monkeypatch.setattr(command, "Stack", StandIn)
    monkeypatch.setattr(command, "play", play)
    monkeypatch.setattr(command, "write_files", lambda *_: None)
    monkeypatch.setattr(command, "announcement", lambda *_: "To try")
    assert (command.main(arguments), StandIn.last.asked) == (code, asked)
