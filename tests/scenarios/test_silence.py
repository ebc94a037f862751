"""The app, its storage or Resource Graph was away while backups failed: all is made up for as soon as it is back."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
import pytest_asyncio
from azure.data.tables import UpdateMode

from backup_retry.azure.tables import TABLES
from backup_retry.domain.decisions import Outcome
from tests.model.earlier_version import as_0_1_0
from tests.running_app import SETTINGS, App, running
from tests.scenarios.test_outage import frozen
from tests.scenarios.test_turns import asked, requests
from tests.vm_estate import backup_failure, item_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

_AWAY = timedelta(hours=1)
_FAILED = [f"vm-{number:02}" for number in range(1, 7)]
_UNSTORED = ["vm-07", "vm-08", "vm-09"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a follow-up every five minutes, whose silence it can tell."""
    async with running(tmp_path_factory.mktemp("stack"), {"FOLLOW_UP_SCHEDULE": "0 */5 * * * *"}) as started:
        yield started


async def seconds_of_follow_up(app: App, *, after: timedelta) -> float:
    """How long the first follow-up takes after so long a silence."""
    await app.silent_since(datetime.now(UTC) - after)
    began = time.monotonic()
    await app.follow_up()
    return time.monotonic() - began


async def retries(app: App, vms: list[str]) -> list[int]:
    """How often each was asked for."""
    return [len(await app.posts(vm)) for vm in vms]


async def test_what_failed_while_the_app_was_down_is_retried_within_one_follow_up(app: App) -> None:
    """Down for an hour while six backups fail and no alert gets through: the daily sweep is hours away."""
    await app.follow_up()
    swept = (await app.health())["last_sweep"]
    await app.stack.kill_host()
    for number, vm in enumerate(_FAILED):
        await app.fail(vm, age_seconds=(number + 0.5) * _AWAY.total_seconds() / len(_FAILED))
    await app.silent_since(datetime.now(UTC) - _AWAY)
    await app.restart()

    assert await seconds_of_follow_up(app, after=_AWAY) < 30

    assert await retries(app, _FAILED) == [1] * len(_FAILED)
    [line] = [each for each in app.lines("sweep_completed") if each["profile"] == "after_silence"][-1:]
    assert line["found"] == len(_FAILED)
    assert (await app.health())["last_sweep"] == swept
    assert (await app.closed(_FAILED[0])).outcome is Outcome.RECOVERED
    assert await retries(app, _FAILED) == [1] * len(_FAILED)


async def test_what_failed_while_the_storage_was_away_is_retried_within_one_follow_up(app: App) -> None:
    """For ten minutes each alert is answered 503, until Azure Monitor gives it up; nothing is triggered."""
    alerts = [backup_failure(vm, await app.fail(vm)) for vm in _UNSTORED]
    with frozen(app.ledger_pid):
        answers = await asyncio.gather(*(app.alert(alert) for alert in alerts))
        assert [each.status for each in answers] == [503] * len(alerts)
    assert await retries(app, _UNSTORED) == [0] * len(_UNSTORED)
    assert await seconds_of_follow_up(app, after=timedelta(minutes=20)) < 30
    assert await retries(app, _UNSTORED) == [1] * len(_UNSTORED)


async def test_what_resource_graph_did_not_show_is_found_by_the_next_look_back(app: App) -> None:
    """Away, or behind: a look back that could not see everything says so, and the next one reaches back."""
    await app.look_back()
    await app.fail("vm-10")
    await app.arm({"name": "server_error", "status": 503, "match": "POST .*ResourceGraph/resources"})
    away = await app.look_back()
    assert (away["event"], "Resource Graph" in " ".join(away["problems"])) == ("sweep_incomplete", True)
    await app.arm({"name": "graph_lag", "seconds": 600})
    behind = await app.look_back()
    assert (behind["event"], await retries(app, ["vm-10"])) == ("sweep_completed", [0])
    await app.arm()
    began = time.monotonic()
    assert (await app.look_back())["found"] >= 1
    assert time.monotonic() - began < 20
    assert await retries(app, ["vm-10"]) == [1]


async def test_code_that_is_exchanged_in_the_night_loses_and_doubles_nothing(app: App) -> None:
    """A claim open, a signal waiting, a sweep running; before the new code begins, 0.1.0 has rewritten every row."""
    waiting, claimed, unheard = "vm-11", "vm-12", "vm-13"
    job = await app.fail(waiting)
    await app.arm({"name": "expire_token", "match": "GET .*backupJobs"})
    assert (await app.alert(backup_failure(waiting, job))).status == 202
    await app.arm({"name": "latency", "seconds": 10, "match": f"POST .*{claimed}/backup"})
    claiming = asyncio.create_task(app.failed_and_alerted(claimed))
    await app.until(lambda: app.remembered(item_id(claimed)))
    await app.fail(unheard)
    lists = await requests(app, "/backupJobs$")
    await app.arm({"name": "latency", "seconds": 10, "match": "GET .*/backupJobs"})
    await app._start("sweep")
    await app.until(lambda: asked(app, lists))
    await app.stack.kill_host()
    await asyncio.gather(claiming, return_exceptions=True)
    await app.arm()
    for name in TABLES:
        table = app.tables.get_table_client(name)
        for row in [row async for row in table.list_entities()]:
            await table.upsert_entity(as_0_1_0(name, row, []), mode=UpdateMode.REPLACE)

    await app.restart()
    await asyncio.sleep(float(SETTINGS["CLAIM_LEASE"].removesuffix("s")))
    await app.process_deferred()
    for vm in (waiting, claimed, unheard):
        await app.follow_up()
        await app.until(partial(app.remembered, item_id(vm)))
        assert (await app.closed(vm)).outcome is Outcome.RECOVERED
        assert len(await app.retries(vm)) == 1
    assert await app.waiting() == []
