"""NCRONTAB arithmetic, and the timers that run by it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from simulator.functions_host.functions import Function, Outcome, Retry
from simulator.functions_host.ncrontab import next_occurrence
from simulator.functions_host.protos import TypedData
from simulator.functions_host.timers import Timers
from simulator.functions_host.worker import Worker

#: A Thursday.
NOON = datetime(2026, 3, 12, 12, 0, tzinfo=UTC)
NEVER = Retry()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", "2026-03-12T12:05:00"),
        ("*/5 * * * * *", "2026-03-12T12:00:05"),
        ("*/5 * * * *", "2026-03-12T12:05:00"),  # without seconds
        ("0 0 5 * * *", "2026-03-13T05:00:00"),
        ("0 30 9 * * MON-FRI", "2026-03-13T09:30:00"),
        ("0 0 0 1 1 *", "2027-01-01T00:00:00"),
        ("0 0 0 13 * 5", "2026-03-13T00:00:00"),  # a Friday that is a 13th
        ("0 0 0 14 * 5", "2026-08-14T00:00:00"),  # not any Friday, not any 14th
        ("0 0 22-4 * * *", "2026-03-12T13:00:00"),  # 4 to 22
        ("0 0 0 * * fri-mon", "2026-03-13T00:00:00"),  # mon to fri
        ("0 0 0 * * sat-mon", "2026-03-13T00:00:00"),  # mon to sat
        ("0 30 5-5 * * *", "2026-03-13T05:30:00"),  # at 5 and never else
    ],
)
def test_the_next_occurrence_of_an_ncrontab_expression(expression: str, expected: str) -> None:
    """Seconds come first, and day of month and day of week must both match."""
    assert next_occurrence(expression, NOON) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


_REFUSED = [
    "0 0 5 L * *",
    "0 0 5 ? * *",
    "0 0 5 * * MON#1",
    "0 0 5 1W * *",
    "0 R R * * *",
    "0 0 5 0 * *",
    "0 0 5 * * *\n",
]


@pytest.mark.parametrize(
    "expression", ["", "hourly", "0 0 5 * *  * *", "0 61 * * * *", "0 0 0 30 2 *", "0 0 5 * * *\n", *_REFUSED]
)
def test_an_expression_that_is_none_is_refused(expression: str) -> None:
    """The error shows the expression."""
    with pytest.raises(ValueError, match="is no NCRONTAB expression"):
        next_occurrence(expression, NOON)


class HeldWorker(Worker):
    """Counts invocations and holds each until it is let go."""

    def __init__(self) -> None:
        self.started = 0
        self.data: list[str | None] = []
        self.invoked = asyncio.Event()
        self.let_go = asyncio.Semaphore(0)

    async def invoke(self, _function: Function, data: TypedData) -> Outcome:
        """Count, tell, and wait."""
        self.started += 1
        self.data.append(data.json)
        self.invoked.set()
        await self.let_go.acquire()
        return Outcome(succeeded=True, value=None)


class RacingClock:
    """Each look at it is ten seconds after the one before."""

    def __init__(self) -> None:
        self.time = NOON

    def __call__(self) -> datetime:
        """The time, and on it goes."""
        self.time += timedelta(seconds=10)
        return self.time


def timer(schedule: str, name: str = "sweep", retry: Retry = NEVER) -> Function:
    bindings = [{"type": "timerTrigger", "name": "timer", "schedule": schedule}]
    return Function(name=name, id=name, bindings=bindings, retry=retry)


class FailingWorker(Worker):
    """Every invocation fails."""

    def __init__(self) -> None:
        self.started: list[str] = []

    async def invoke(self, function: Function, _data: TypedData) -> Outcome:
        """Fail."""
        self.started.append(function.name)
        await asyncio.sleep(0)
        return Outcome(succeeded=False, value=None)


async def test_a_timer_runs_once_at_a_time() -> None:
    """What became due while the function ran is skipped; the next run is past due when it is late."""
    worker = HeldWorker()
    timers = Timers(worker, [timer("* * * * * *")], RacingClock())
    timers.start()
    await worker.invoked.wait()
    for _ in range(20):  # the loop turns; nothing else may start
        await asyncio.sleep(0)
    assert worker.started == 1
    worker.invoked.clear()
    worker.let_go.release()
    await worker.invoked.wait()
    assert worker.started == 2
    assert '"IsPastDue": true' in str(worker.data[-1])
    await timers.stop()


async def test_a_run_that_failed_is_repeated_as_its_retry_policy_says() -> None:
    """The first and three more; one that was started by hand is not repeated."""
    worker, clock = FailingWorker(), RacingClock()
    swept = timer("0 0 13 * * *", retry=Retry(most=3))
    timers = Timers(worker, [swept], clock)
    await timers.fire(swept)
    assert len(worker.started) == 1

    clock.time = NOON + timedelta(minutes=59, seconds=45)
    timers.start()
    for _ in range(50):
        await asyncio.sleep(0)
    await timers.stop()
    assert len(worker.started) == 5


async def test_a_schedule_that_is_refused_disables_its_function_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log names it; started by hand it does nothing either."""
    worker = FailingWorker()
    refused = timer("daily", "refused")
    timers = Timers(worker, [refused, timer("* * * * * *")], RacingClock())
    assert "The 'refused' function is in error: 'daily' is no NCRONTAB expression" in caplog.text

    timers.start()
    await timers.fire(refused)
    for _ in range(5):
        await asyncio.sleep(0)
    await timers.stop()
    assert set(worker.started) == {"sweep"}
