"""The host's one queue of requests, and what host.json says of it."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web

from simulator.functions_host.host_options import HostOptions
from simulator.functions_host.request_queue import RequestQueue


async def test_requests_wait_for_their_turn_and_too_many_are_told_so() -> None:
    """Two run, one waits, the fourth is 429; when one has ended the next one runs, and there is room again."""
    queue, running, end = RequestQueue(2, 3), [], asyncio.Event()

    async def handle() -> web.Response:
        running.append(1)
        await end.wait()
        return web.Response()

    calls = [asyncio.create_task(queue.answer(handle)) for _ in range(3)]
    await asyncio.sleep(0)
    refused = await queue.answer(handle)
    assert (len(running), refused.status, refused.headers["X-FUNCTION-SCALEOUT"]) == (2, 429, "1")
    end.set()
    assert [each.status for each in await asyncio.gather(*calls, queue.answer(handle))][:3] == [200] * 3
    assert (await queue.answer(handle)).status == 200


async def test_what_fails_gives_its_turn_back() -> None:
    """As what ends well does."""
    queue = RequestQueue(1, 1)

    async def fail() -> web.Response:
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            await queue.answer(fail)


@pytest.mark.parametrize(
    ("http", "limits"),
    [
        ({}, (None, None)),
        ({"maxConcurrentRequests": 200}, (200, None)),
        ({"maxConcurrentRequests": -1, "maxOutstandingRequests": 5}, (None, 5)),
    ],
)
def test_host_json_says_how_many(
    tmp_path: Path, http: dict[str, int], limits: tuple[int | None, int | None]
) -> None:
    """-1 is no limit, as is nothing."""
    file = tmp_path / "host.json"
    file.write_text(json.dumps({"version": "2.0", "extensions": {"http": http}}), encoding="utf-8")
    options = HostOptions.read(file)
    assert (options.most_at_once, options.most_outstanding) == limits
