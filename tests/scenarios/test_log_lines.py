"""What an alert sets off ends within invocations, so that the host takes every log line of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.journal import StepKind
from backup_retry.ports.log_events import line_of
from tests.failures import failed_job, opened, saved, step
from tests.running_app import App, running
from tests.vm_estate import backup_failure, item_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: longer than the webhook has to decide
_SLOW_LIST = {"name": "latency", "match": "GET .*backupJobs", "seconds": 5}
_SLOW_TRIGGER = {"name": "latency", "match": "POST .*/backup\\b", "seconds": 2.5}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a topic whose events come back to it."""
    async with running(tmp_path_factory.mktemp("stack")) as started:
        topic = f"{started.stack.run.arm}/topics/cloud/api/events"
        # a slow trigger's job appears later than the other scenarios wait for one
        await started.restart({"EVENTGRID_TOPIC_ENDPOINT": topic, "SETTLE_AFTER": "10s"})
        yield started


async def _alerted(app: App, machines: list[str], error: str = "CloudInternalError") -> list[int]:
    """Their backups fail, and all alerts come at once; the webhook's answers."""
    alerts = [backup_failure(machine, await app.fail(machine, error)) for machine in machines]
    return [answer.status for answer in await asyncio.gather(*map(app.alert, alerts))]


async def test_slow_triggers_are_all_in_the_log(app: App) -> None:
    """Eight at once, each of which takes longer than the webhook has to decide: eight backups, each with its line.

    On a slow machine one is broken off; then the follow-up finds its job, and says so.
    """
    machines = [f"vm-{number:02}" for number in range(1, 9)]
    await app.arm(_SLOW_TRIGGER)
    statuses = await _alerted(app, machines)
    await app.arm()

    async def all_heard() -> bool | None:
        await app.follow_up()
        heard = [*app.lines("retry_triggered"), *app.lines("retry_found")]
        return len({line["attempt"] for line in heard}) == len(machines) or None

    await app.until(all_heard)
    await app.until(lambda: _none_waits(app))
    assert (statuses, [len(await app.posts(each)) for each in machines]) == ([202] * 8, [1] * 8)


async def _lines(app: App, event: str, number: int) -> bool | None:
    return len(app.lines(event)) == number or None


async def _none_waits(app: App) -> bool | None:
    return not await app.waiting() or None


async def test_what_the_webhook_has_no_time_for_is_triggered_within_seconds(app: App) -> None:
    """The vault takes longer than an alert's sender waits; no timer runs."""
    before = len(app.lines("retry_triggered"))
    await app.arm(_SLOW_LIST)
    assert await _alerted(app, ["vm-11", "vm-12"]) == [202, 202]
    assert await app.posts("vm-11") == []

    await app.until(lambda: _lines(app, "retry_triggered", before + 2))
    await app.arm()
    assert [len(await app.posts(machine)) for machine in ("vm-11", "vm-12")] == [1, 1]
    await app.until(lambda: _none_waits(app))


async def test_the_line_of_a_worker_that_died_is_written_by_the_follow_up(app: App) -> None:
    """It was killed when it had closed the incident; a mail hangs on the line."""
    item = ProtectedItem.parse(item_id("vm-15"))
    decision = Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NEEDS_ACTION, detail="Look at it.")
    ended = opened(failed_job(item)).closed(decision, datetime.now(UTC))
    await saved(
        app._ledger, ended.with_lines(line_of(ended, step(ended, StepKind.CLOSED, detail="Look at it.")))
    )

    await app.follow_up()
    await app.follow_up()

    said = [line for line in app.lines("incident_closed") if line["incident"] == ended.id]
    assert [(line["outcome"], line["detail"]) for line in said] == [("needs_action", "Look at it.")]


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
