"""`python -m bench.instance`: one instance of the function app, which is posted what Event Grid gives to it."""

import asyncio
import json

from aiohttp import web

from bench.ground import App
from simulator.machine.ports import LOOPBACK, free_port


async def main() -> None:
    """Serve until the process is ended; the port is on the first line."""
    app = App()

    async def take(request: web.Request) -> web.Response:
        await app.event(await request.json())
        return web.Response()

    served = web.Application(client_max_size=2**20)
    served.add_routes([web.post("/", take)])
    runner = web.AppRunner(served)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, LOOPBACK, port).start()
    print(json.dumps({"port": port}), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
