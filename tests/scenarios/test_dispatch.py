"""A sweep that announces what it found, and the instances that Event Grid gives it to."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from backup_retry.domain.jobs import Source
from tests.running_app import App, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

MACHINES = [f"vm-{number:02}" for number in range(1, 13)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    """The app with a topic whose events come back to it."""
    async with running(tmp_path_factory.mktemp("stack")) as started:
        topic = f"{started.stack.run.arm}/topics/cloud/api/events"
        await started.restart({"SWEEP_DISPATCH": "eventgrid", "EVENTGRID_TOPIC_ENDPOINT": topic})
        yield started


async def test_what_a_sweep_announces_is_retried_by_whoever_gets_the_event(app: App) -> None:
    """One event for all of them; each is retried once, also when two sweeps announce them."""
    for machine in MACHINES:
        await app.fail(machine)
    await app.sweep()
    await app.sweep()
    await app.until(lambda: _all_triggered(app))
    assert [len(await app.posts(machine)) for machine in MACHINES] == [1] * len(MACHINES)
    assert {(await app.incident(machine)).found_by for machine in MACHINES} == {Source.EVENT}


async def _all_triggered(app: App) -> bool | None:
    return all([await app.posts(machine) for machine in MACHINES]) or None


async def test_what_a_vault_refuses_to_whoever_gets_the_event_is_kept(app: App) -> None:
    """The event counts as delivered and nothing is lost: once the role is back, each is retried once."""
    refused = ["vm-21", "vm-22", "vm-23"]
    jobs = [await app.fail(machine) for machine in refused]
    await app.arm({"name": "forbid", "match": "backupJobs"})
    before = len(await app.events())
    await app.sweep()
    await app.until(lambda: _all_delivered(app, before))
    assert [len(await app.posts(machine)) for machine in refused] == [0, 0, 0]
    assert set(await app.waiting()) >= set(jobs)

    await app.arm()
    await app.process_deferred()

    await app.until(lambda: _all_retried(app, refused))
    assert {(await app.incident(machine)).found_by for machine in refused} == {Source.EVENT}


async def _all_delivered(app: App, before: int) -> bool | None:
    new = (await app.events())[before:]
    return (
        new and all(any((each["status"] or 500) < 300 for each in event["deliveries"]) for event in new)
    ) or None


async def _all_retried(app: App, machines: list[str]) -> bool | None:
    return all([len(await app.posts(machine)) == 1 for machine in machines]) or None
