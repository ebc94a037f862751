"""What an alert sets off ends within invocations, so that the host takes every log line of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.running_app import App, running
from tests.vm_estate import backup_failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: longer than the webhook has to decide
_SLOW_LIST = {"name": "latency", "match": "GET .*backupJobs", "seconds": 5}
_SLOW_TRIGGER = {"name": "latency", "match": "POST .*/backup\\b", "seconds": 2.5}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a topic whose events come back to it."""
    async with running(tmp_path_factory.mktemp("stack")) as started:
        topic = f"{started.stack.run.arm}/topics/cloud/api/events"
        await started.restart({"EVENTGRID_TOPIC_ENDPOINT": topic})
        yield started


async def _alerted(app: App, machines: list[str], error: str = "CloudInternalError") -> list[int]:
    """Their backups fail, and all alerts come at once; the webhook's answers."""
    alerts = [backup_failure(machine, await app.fail(machine, error)) for machine in machines]
    return [answer.status for answer in await asyncio.gather(*map(app.alert, alerts))]


async def test_slow_triggers_are_all_in_the_log(app: App) -> None:
    """Eight at once, each of which takes longer than the webhook has to decide: eight backups, eight lines."""
    machines = [f"vm-{number:02}" for number in range(1, 9)]
    await app.arm(_SLOW_TRIGGER)
    statuses = await _alerted(app, machines)
    await app.arm()

    await app.until(lambda: _lines(app, "retry_triggered", len(machines)))
    assert (statuses, [len(await app.posts(each)) for each in machines]) == ([202] * 8, [1] * 8)


async def _lines(app: App, event: str, number: int) -> bool | None:
    return len(app.lines(event)) == number or None


async def test_what_the_webhook_has_no_time_for_is_triggered_within_seconds(app: App) -> None:
    """The vault takes longer than an alert's sender waits; no timer runs."""
    before = len(app.lines("retry_triggered"))
    await app.arm(_SLOW_LIST)
    assert await _alerted(app, ["vm-11", "vm-12"]) == [202, 202]
    assert await app.posts("vm-11") == []

    await app.until(lambda: _lines(app, "retry_triggered", before + 2))
    await app.arm()
    assert [len(await app.posts(machine)) for machine in ("vm-11", "vm-12")] == [1, 1]
    assert await app.waiting() == []


async def test_without_a_topic_the_timer_alone_looks(app: App) -> None:
    """What is kept waits for it."""
    await app.restart({"EVENTGRID_TOPIC_ENDPOINT": ""})
    await app.arm(_SLOW_LIST)
    await _alerted(app, ["vm-13"])
    await app.arm()
    assert len(await app.waiting()) == 1

    await app.process_deferred()

    await app.until(lambda: _lines(app, "retry_triggered", 1))
    assert len(await app.posts("vm-13")) == 1
