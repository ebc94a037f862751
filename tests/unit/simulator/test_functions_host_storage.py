"""Timers' status and lock, which outlive a host."""

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from simulator.functions_host.functions import Function, Outcome
from simulator.functions_host.host_storage import HostStorage, Pace
from simulator.functions_host.protos import TypedData
from simulator.functions_host.timers import Timers
from simulator.functions_host.worker import Worker
from tests.unit.simulator.test_functions_host_schedule import NOON, timer

QUICK = Pace(lease=0.2, retry=0.05, renew=0.02, patience=0.1)
SWEEP = timer("0 0 5 * * *")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        """The time."""
        return self.time


class SlowWorker(Worker):
    """Says of each run whether it was past due; a run takes as long as a test says."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.past_due: list[bool] = []

    async def invoke(self, _: Function, data: TypedData) -> Outcome:
        """Run."""
        self.past_due.append(json.loads(data.json or "")["IsPastDue"])
        await asyncio.sleep(self.seconds)
        return Outcome(succeeded=True)


@pytest.fixture
def clock() -> Clock:
    """Noon."""
    return Clock()


async def a_host(
    directory: Path, clock: Clock, worker: SlowWorker, *, clean: bool = True, seconds: float = 0.05
) -> None:
    """A host lives for a while, and ends."""
    storage = HostStorage(directory, clock, QUICK)
    timers = Timers(worker, [SWEEP], clock, storage)
    holding = asyncio.create_task(storage.hold(lambda: None))
    timers.start()
    await asyncio.sleep(seconds)
    holding.cancel()
    if clean:
        await timers.stop(grace=0.05)
        storage.release()
    else:
        for task in timers._tasks.values():
            task.cancel()


async def test_a_run_that_was_missed_comes_once_and_past_due(tmp_path: Path, clock: Clock) -> None:
    """However many there were while no host was there; the first start of all misses none."""
    worker = SlowWorker()
    await a_host(tmp_path, clock, worker)
    assert worker.past_due == []

    clock.time += timedelta(days=3)
    await a_host(tmp_path, clock, worker)
    await a_host(tmp_path, clock, worker)
    assert worker.past_due == [True]


@pytest.mark.parametrize(("clean", "runs"), [(True, 2), (False, 1)])
async def test_a_run_that_a_clean_stop_has_cut_is_run_again(
    tmp_path: Path, clock: Clock, clean: bool, runs: int
) -> None:
    """One whose host died is not."""
    worker = SlowWorker()
    await a_host(tmp_path, clock, worker)
    clock.time += timedelta(days=1)

    worker.seconds = 60.0
    await a_host(tmp_path, clock, worker, clean=clean)
    clock.time += timedelta(minutes=2)
    await a_host(tmp_path, clock, worker)

    assert worker.past_due == [True] * runs


async def test_a_stop_waits_for_a_run_that_is_about_to_end(tmp_path: Path, clock: Clock) -> None:
    """Within the seconds that there are; then nothing is run again."""
    worker = SlowWorker(seconds=0.07)
    await a_host(tmp_path, clock, worker)
    clock.time += timedelta(days=1)
    await a_host(tmp_path, clock, worker)
    await a_host(tmp_path, clock, worker)
    assert worker.past_due == [True]


async def test_after_an_unclean_end_timers_pause_until_the_lock_has_run_out(
    tmp_path: Path, clock: Clock
) -> None:
    """A clean end gives it back at once."""
    await a_host(tmp_path, clock, SlowWorker())
    await a_host(tmp_path, clock, SlowWorker(), clean=False)
    next_host = HostStorage(tmp_path, clock, QUICK)
    holding = asyncio.create_task(next_host.hold(lambda: None))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(next_host.locked(), 0.15)

    clock.time += timedelta(seconds=QUICK.lease)

    await asyncio.wait_for(next_host.locked(), 5)
    holding.cancel()


async def test_a_host_whose_storage_is_away_ends(tmp_path: Path, clock: Clock) -> None:
    """Not at once; and one that never had the lock only waits, without timers."""
    lost = asyncio.Event()
    storage = HostStorage(tmp_path / "storage", clock, QUICK)
    holding = asyncio.create_task(storage.hold(lost.set))
    await asyncio.sleep(0.2)
    assert not lost.is_set()
    (tmp_path / "storage").mkdir()
    await asyncio.wait_for(storage.locked(), 5)

    (tmp_path / "storage").rename(tmp_path / "away")

    await asyncio.wait_for(lost.wait(), 5)
    await holding
