"""Worker processes that are killed while they work, on a real Azurite, held against Azure's own log."""

from pathlib import Path

import pytest

from tests.scenarios.processes import Plan, race


@pytest.mark.race
async def test_killed_processes_trigger_each_attempt_once_and_miss_nothing(tmp_path: Path) -> None:
    """120 failed jobs, alerted four times each, over four processes of which one after the other is killed."""
    verdict = await race(Plan(workers=4, jobs=120, deliveries=4, kill_every=1.5), tmp_path)
    assert verdict.problems == []
    assert verdict.kills > 0
    assert verdict.triggers >= verdict.failures
