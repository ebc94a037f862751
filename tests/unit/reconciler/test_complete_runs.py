"""Which runs call the monitor outside Azure: the complete ones."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from backup_retry.engine.turn import Slice
from backup_retry.ports.heartbeat import MemoryHeartbeat
from backup_retry.settings.sweep_profile import DAILY, SweepProfile, daily
from reconciler import functions
from reconciler.follow_up import FollowUpReport
from reconciler.sweep_report import SweepReport
from tests.builders import NOW

PROFILES = {
    DAILY: daily("0 0 5 * * *", timedelta(hours=24)),
    "prod": SweepProfile(name="prod", schedule="0 0 * * * *"),
    "over": SweepProfile(name="over", schedule="0 0 * * * *", expires=NOW - timedelta(days=1)),
}


class Run:
    """A sweep, a follow-up or a look at vaults that ends with a report."""

    def __init__(self, report: Any = None) -> None:
        self._report = report

    async def run(self) -> Any:
        """End at once."""
        return self._report

    look = run


def parts(heartbeat: MemoryHeartbeat | None) -> Any:
    """As much of them as the timers look at."""
    return SimpleNamespace(clock=lambda: NOW, heartbeat=heartbeat, controls=None, settings=None)


@pytest.mark.parametrize(
    ("profile", "problems", "calls"),
    [
        (DAILY, [], ["sweep"]),
        ("prod", [], ["sweep_prod"]),
        (DAILY, ["vault-1: 403"], []),
        ("over", [], []),
    ],
)
async def test_a_complete_sweep_calls_the_monitor(
    monkeypatch: pytest.MonkeyPatch, profile: str, problems: list[str], calls: list[str]
) -> None:
    """By its function's name; one that left something out does not, nor one whose season is over."""
    report = SweepReport(profile=profile, began=NOW, since=NOW, problems=problems)
    monkeypatch.setattr(functions, "_made", lambda *_: Run(report))
    monkeypatch.setattr(functions, "_unalerted", lambda *_: Run())
    heartbeat = MemoryHeartbeat()
    await functions._turn(PROFILES[profile], parts(heartbeat), Slice()).run()
    assert heartbeat.calls == calls


@pytest.mark.parametrize(("left", "calls"), [(0, ["follow_up"]), (3, [])])
async def test_a_complete_follow_up_calls_the_monitor(
    monkeypatch: pytest.MonkeyPatch, left: int, calls: list[str]
) -> None:
    """One that its time was too short for does not."""

    async def no_silence(*_: object) -> None: ...

    monkeypatch.setattr(functions, "sweep_after_silence", no_silence)
    monkeypatch.setattr(functions, "_follow_up_of", lambda *_: Run(FollowUpReport(open=3, due=3, left=left)))
    heartbeat = MemoryHeartbeat()
    await functions._follow_up_turn(parts(heartbeat), Slice()).run()
    assert heartbeat.calls == calls


async def test_without_a_monitor_nobody_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The setting is optional."""
    report = SweepReport(profile="prod", began=NOW, since=NOW)
    monkeypatch.setattr(functions, "_made", lambda *_: Run(report))
    await functions._turn(PROFILES["prod"], parts(None), Slice()).run()
