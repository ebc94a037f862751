"""A turn that dies with its worker: the follow-up does it again."""

import asyncio
import time

import pytest

from backup_retry.domain.decisions import Outcome
from tests.running_app import SETTINGS, App
from tests.vm_estate import backup_failure, item_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

_LEASE_SECONDS = float(SETTINGS["CLAIM_LEASE"].removesuffix("s"))


async def last_sweep(app: App) -> str | None:
    """When the last complete sweep began."""
    found: str | None = (await app.health())["last_sweep"]
    return found


async def test_a_sweep_that_was_killed_is_done_again_within_one_follow_up(app: App) -> None:
    """Its worker is killed while a vault is asked; the failure that no alert told of is retried once."""
    before = await last_sweep(app)
    await app.fail("vm-01")
    await app.arm({"name": "latency", "seconds": 30, "match": "GET .*/backupJobs"})
    lists = await requests(app, "/backupJobs$")
    await app._start("sweep")
    await app.until(lambda: asked(app, lists))
    await app.stack.kill_host()
    await app.arm()
    await app.restart()
    assert await last_sweep(app) == before
    await asyncio.sleep(_LEASE_SECONDS)

    began = time.monotonic()
    await app.follow_up()

    async def swept() -> bool | None:
        return await last_sweep(app) != before or None

    await app.until(swept)
    assert time.monotonic() - began < 30
    assert (await app.closed("vm-01")).outcome is Outcome.RECOVERED
    assert len(await app.posts("vm-01")) == 1


async def asked(app: App, before: int, path: str = "/backupJobs$") -> bool | None:
    """Whether a turn has come to a vault's list, or to one of its jobs."""
    return await requests(app, path) > before or None


async def requests(app: App, path: str) -> int:
    """How many reads of that path Azure has seen."""
    return len(await app._sim("GET", "requests", params={"path": path, "method": "GET"}))


@pytest.mark.parametrize(("at", "vm"), [("signal", "vm-02"), ("retry", "vm-03")])
async def test_a_turn_that_was_killed_loses_and_doubles_nothing(app: App, at: str, vm: str) -> None:
    """A signal that waits and a retry that runs, when the code is exchanged in the middle of the night's work."""
    job = await app.fail(vm)
    await app.arm({"name": "expire_token", "match": "GET .*backupJobs"})
    assert (await app.alert(backup_failure(vm, job))).status == 202
    await app.arm()
    if at == "retry":
        await app.process_deferred()
        await app.until(lambda: app.remembered(item_id(vm)))
    before = await requests(app, "/backupJobs")
    await app.arm({"name": "latency", "seconds": 30, "match": "GET .*/backupJobs"})
    await app._start("follow_up")
    await app.until(lambda: asked(app, before, "/backupJobs"))
    await app.stack.kill_host()
    await app.arm()
    await app.restart()
    await asyncio.sleep(_LEASE_SECONDS)

    await app.process_deferred()
    await app.until(lambda: app.remembered(item_id(vm)))
    assert (await app.closed(vm)).outcome is Outcome.RECOVERED
    assert (len(await app.retries(vm)), await app.waiting()) == (1, [])
