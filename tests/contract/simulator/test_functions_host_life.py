"""What becomes of the host when its app, its worker or an invocation does not behave."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from simulator.machine.processes import ChildProcess
from tests.contract.simulator.test_functions_host_app import (
    FUNCTION_KEY,
    MASTER_KEY,
    TIMEOUT_SECONDS,
    TINY_APP,
    command,
    environment,
)

NEVER = {"SWEEP_SCHEDULE": "0 0 5 1 1 *"}


@asynccontextmanager
async def serving(
    app: Path, directory: Path, **settings: str
) -> AsyncIterator[tuple[ChildProcess, aiohttp.ClientSession]]:
    """A host with that app, and a client of it."""
    host = await ChildProcess.start(
        "the Functions host",
        command(app, "--function-key", "function-key", "--master-key", "master-key"),
        log_file=directory / "host.log",
        environment=environment(**settings),
    )
    ready = await host.logged(r"ready (http://\S+)", within=TIMEOUT_SECONDS)
    async with aiohttp.ClientSession(ready[1]) as session:
        yield host, session
    await host.stop()


async def get(session: aiohttp.ClientSession, path: str) -> tuple[int, Any]:
    """The status of an answer, and its JSON where it has one."""
    async with session.get(path, headers=FUNCTION_KEY) as response:
        return response.status, await response.json() if response.content_type == "application/json" else None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise RuntimeError('bad settings')", "function_app.py"),
        (None, "no functions found"),
        ("import azure.functions as func\napp = func.FunctionApp()", "no functions found"),
    ],
)
async def test_an_app_that_cannot_be_loaded_leaves_every_route_at_404(
    tmp_path: Path, source: str | None, message: str
) -> None:
    """The host is there, has no functions, and says why in its log only."""
    (tmp_path / "host.json").write_text("{}")
    if source is not None:
        (tmp_path / "function_app.py").write_text(source)
    async with serving(tmp_path, tmp_path) as (host, session):
        assert [await get(session, path) for path in ("/api/alerts", "/api/health")] == [(404, None)] * 2
        async with session.get("/admin/functions", headers=MASTER_KEY) as response:
            assert await response.json() == []
        await host.logged(f"(?s)The function app did not start.*{message}", within=TIMEOUT_SECONDS)


async def test_a_missing_app_setting_disables_its_function_alone(tmp_path: Path) -> None:
    """`%SWEEP_SCHEDULE%` without SWEEP_SCHEDULE."""
    async with serving(TINY_APP, tmp_path) as (host, session):
        assert (await get(session, "/api/seen"))[0] == 200
        problem = "The 'sweep' function is in error: .*%SWEEP_SCHEDULE% does not resolve: set SWEEP_SCHEDULE"
        await host.logged(problem, within=TIMEOUT_SECONDS)


async def test_a_crash_of_the_worker_is_a_500_for_all_that_it_is_at(tmp_path: Path) -> None:
    """And another worker takes its place at once."""
    async with serving(TINY_APP, tmp_path, **NEVER) as (_, session):
        _, before = await get(session, "/api/settings")
        waiting = asyncio.create_task(get(session, "/api/doors/a"))
        await asyncio.sleep(
            1
        )  # the worker does not say that it waits, and a call that comes later waits for ever
        assert (await get(session, "/api/die"))[0] == 500
        assert await waiting == (500, None)
        status, after = await get(session, "/api/settings")
    assert (status, after["host_pid"]) == (200, before["host_pid"])
    assert after["pid"] != before["pid"]


async def test_three_crashes_in_a_row_end_the_host(tmp_path: Path) -> None:
    """One that answers in between is no third."""
    async with serving(TINY_APP, tmp_path, **NEVER) as (host, session):
        for path in ("/api/die", "/api/die", "/api/seen", "/api/die", "/api/die"):
            await get(session, path)
        assert host.running
        await get(session, "/api/seen")
        for _ in range(3):
            await get(session, "/api/die")
        assert await host.ended() == 1


async def until_it_works(session: aiohttp.ClientSession) -> None:
    """A call that meets the dying worker is a 500."""
    while True:
        if (await get(session, "/api/seen"))[0] == 200:
            return
        await asyncio.sleep(0.1)


async def test_an_invocation_that_takes_too_long_costs_the_worker_its_life(tmp_path: Path) -> None:
    """`functionTimeout` ends everything that the worker is at."""
    app = tmp_path / "app"
    shutil.copytree(TINY_APP, app)
    (app / "host.json").write_text(json.dumps({"functionTimeout": "00:00:02"}))
    async with serving(app, tmp_path, **NEVER) as (host, session):
        assert await get(session, "/api/doors/a") == (500, None)
        await host.logged(
            "Timeout value of 2.0 s exceeded by 'Functions.wait_at_door'", within=TIMEOUT_SECONDS
        )
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await until_it_works(session)
