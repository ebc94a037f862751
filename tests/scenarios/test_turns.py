"""A turn that dies with its worker: the follow-up does it again."""

import asyncio
import time

import pytest

from backup_retry.domain.decisions import Outcome
from tests.running_app import SETTINGS, App

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
    lists = await asked(app)
    await app._start("sweep")

    async def has_begun() -> bool | None:
        return await asked(app) > lists or None

    await app.until(has_begun)
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


async def asked(app: App) -> int:
    """How many vaults' lists have been asked for."""
    params = {"path": "/backupJobs$", "method": "GET"}
    return len(await app._sim("GET", "requests", params=params))
