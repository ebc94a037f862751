"""Every timer is dead, while calls and events go on working: Azure Monitor's scheduler is the second clock."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from backup_retry.domain.decisions import Outcome
from tests.running_app import App, running
from tests.vm_estate import backup_failure

pytestmark = pytest.mark.asyncio(loop_scope="module")

_DEAD = timedelta(hours=6)
_UNHEARD = [f"vm-{number:02}" for number in range(2, 6)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a topic of its own; no timer fires."""
    async with running(tmp_path_factory.mktemp("stack"), {"FOLLOW_UP_SCHEDULE": "0 */5 * * * *"}) as started:
        topic = f"{started.stack.run.arm}/topics/cloud/api/events"
        await started.stack.restart_host({"EVENTGRID_TOPIC_ENDPOINT": topic}, timers_fire=False)
        await started.ready()
        yield started


def clock_strikes() -> dict[str, Any]:
    """The alert of the app's own rule."""
    essentials = {
        "alertId": "/alerts/1",
        "alertRule": "The second clock",
        "monitoringService": "Log Alerts V2",
    }
    data = {
        "essentials": essentials,
        "alertContext": {},
        "customProperties": {"backupRetryRule": "second-clock"},
    }
    return {"schemaId": "azureMonitorCommonAlertSchema", "data": data}


async def struck(app: App) -> list[str]:
    """The turns that the clock started, within the time that Azure waits."""
    began = time.monotonic()
    answer = await app.alert(clock_strikes())
    assert (answer.status, time.monotonic() - began < 5) == (202, True)
    return list(answer.body["started"])


async def test_with_dead_timers_everything_goes_on(app: App) -> None:
    """For six hours: what failed unheard is retried, what was in flight is followed up, the dead timer is named."""
    await app.alert(backup_failure("vm-01", await app.fail("vm-01")))
    for number, vm in enumerate(_UNHEARD, 1):
        await app.fail(vm, age_seconds=number * _DEAD.total_seconds() / (len(_UNHEARD) + 1))
    since = datetime.now(UTC) - _DEAD
    await app.silent_since(since)

    began = time.monotonic()
    assert {"follow_up", "kept_signals"} <= set(await struck(app))

    async def retried() -> bool | None:
        return all([await app.posts(vm) for vm in _UNHEARD]) or None

    await app.until(retried)
    assert time.monotonic() - began < 40

    async def followed() -> dict[str, Any] | None:
        found = await app.health()
        return (
            found
            if "follow_up" in found["stopped_timers"] and found["last_follow_up"] > since.isoformat()
            else None
        )

    health = await app.until(followed)
    assert health["stopped_timers"]["follow_up"].startswith(f"{since:%Y-%m-%dT%H:%M}")

    async def closed() -> bool | None:
        await app.silent_since(datetime.now(UTC) - timedelta(minutes=20))
        await app.alert(clock_strikes())  # starts none where a follow-up has ended in between
        incidents = [await app.incident(vm) for vm in ["vm-01", *_UNHEARD]]
        return all(each.outcome is Outcome.RECOVERED for each in incidents) or None

    await app.until(closed)
    assert [len(await app.posts(vm)) for vm in ["vm-01", *_UNHEARD]] == [1] * 5
    told = [each for each in await app.events() if each["event"]["data"].get("reason") == "timer_stopped"]
    assert {each["event"]["type"] for each in told} <= {"BackupRetry.NeedsPerson"}


async def test_a_signal_sets_the_silent_follow_up_going(app: App) -> None:
    """After it is stored; it is answered as ever."""
    await app.stack.restart_host(timers_fire=False)  # another instance, which has not looked yet
    job = await app.fail("vm-10")
    await app.silent_since(datetime.now(UTC) - timedelta(minutes=20))
    before = (await app.health())["last_follow_up"]
    assert (await app.alert(backup_failure("vm-10", job))).status == 202

    async def followed() -> bool | None:
        return (await app.health())["last_follow_up"] > before or None

    await app.until(followed)
    assert len(await app.posts("vm-10")) == 1
