"""Azure over TLS: Resource Manager, Resource Graph and the topic that the app publishes to, on one free port."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from simulator.machine.tls import Certificates
from tests.cases.case import Case, Json
from tests.cases.resource_graph import ResourceGraph
from tests.cases.resource_manager import Call, ResourceManager, as_text

_LARGEST = 2**26
TOPIC = "/topic/api/events"


@dataclass
class Azure:
    """What a case tells of Azure, and what was asked of it."""

    manager: ResourceManager
    graph: ResourceGraph
    clock: Callable[[], datetime]
    calls: list[Call] = field(default_factory=list)
    #: {"at", "path", "body"} of every trigger
    posts: list[Json] = field(default_factory=list)
    #: what the app published, as CloudEvents
    published: list[Json] = field(default_factory=list)
    #: what went wrong here, and not in the app
    faults: list[Exception] = field(default_factory=list)

    async def play(self, request: web.Request) -> web.Response:
        """The answer to one request; a fault of this Azure's own must not pass for an outage of the real one."""
        try:
            return await self._answer(request)
        except Exception as error:
            self.faults.append(error)
            raise

    async def _answer(self, request: web.Request) -> web.Response:
        body: Any = await request.json() if request.can_read_body else None
        if request.path == TOPIC:
            self.published += body
            return web.Response()
        if request.path.lower().endswith("/microsoft.resourcegraph/resources"):
            return web.json_response(self.graph.answer(body["query"], self.manager.parts))
        return self._managed(_call(request, body))

    def _managed(self, call: Call) -> web.Response:
        self.calls.append(call)
        if call.starts_a_backup:
            self.posts.append({"at": self.clock().isoformat(), "path": call.path, "body": call.body})
        reply = self.manager.answer(call)
        headers = dict(reply.headers)
        kind = headers.pop("Content-Type", "text/html" if isinstance(reply.body, str) else "application/json")
        text = None if reply.body is None else as_text(reply.body)
        return web.Response(text=text, status=reply.status, headers=headers, content_type=kind)


def _call(request: web.Request, body: object) -> Call:
    return Call(
        method=request.method,
        path=unquote(request.path),
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body,
    )


@asynccontextmanager
async def serving(case: Case, clock: Callable[[], datetime], trust: Certificates) -> AsyncIterator[Azure]:
    """The case's Azure, served as long as the block runs."""
    manager = ResourceManager(clock)
    manager.learn(case.parts, case.answers)
    azure = Azure(manager, ResourceGraph(case), clock)
    application = web.Application(client_max_size=_LARGEST)
    application.router.add_route("*", "/{path:.*}", azure.play)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=trust.server_context()).start()
    manager.url = f"https://localhost:{runner.addresses[0][1]}"
    try:
        yield azure
    finally:
        await runner.cleanup()
