"""A monitor outside Azure: an https server on this machine that notes who called, and answers as its paths say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from aiohttp.test_utils import TestServer

from simulator.machine.tls import Certificates


@dataclass
class OutsideMonitor:
    """What it was asked, oldest first."""

    url: str = ""
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """`/…/500`: that status; `/…/302`: to a path of its own; `/…/hang`: nothing; `/…/endless`: no end."""
        self.paths.append(f"{request.method} {request.path_qs}")
        self.headers.append(dict(request.headers))
        match request.path.rpartition("/")[2]:
            case "hang":
                await asyncio.sleep(60)
            case "302":
                raise web.HTTPFound("/followed")
            case "endless":
                return await _endless(request)
            case status if status.isdecimal():
                return web.Response(status=int(status))
        return web.Response(text="OK")


async def _endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b"." * 65_536)
        await asyncio.sleep(0.01)


@asynccontextmanager
async def outside_monitor(certificates: Certificates) -> AsyncIterator[OutsideMonitor]:
    """One that is up meanwhile."""
    monitor, app = OutsideMonitor(), web.Application()
    app.router.add_route("*", "/{path:.*}", monitor.answer)
    server = TestServer(app, scheme="https")
    await server.start_server(ssl=certificates.server_context())
    try:
        monitor.url = f"https://localhost:{server.port}"
        yield monitor
    finally:
        await server.close()
