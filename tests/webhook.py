"""An endpoint that keeps what it is sent and answers as told."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """A request, as it arrived."""

    method: str
    query: dict[str, str]
    headers: dict[str, str]
    content: Any


class Webhook:
    """`async with Webhook([503, 200]) as webhook`: each status once, the last one for ever after.

    A subclass may answer some requests otherwise by overriding `answer`.
    """

    def __init__(self, statuses: list[int] | None = None) -> None:
        self.received: list[Received] = []
        self.url = ""
        self._statuses: Iterator[int] = iter(statuses or [])
        self._last = 200

    def answer(self, request: Received) -> web.Response:  # noqa: ARG002  # for subclasses
        """The next status, with a small JSON body."""
        self._last = next(self._statuses, self._last)
        return web.json_response({"seen": len(self.received)}, status=self._last)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_route("*", "/hook", self._receive)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/hook?code=secret"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _receive(self, request: web.Request) -> web.Response:
        content = await request.json() if request.can_read_body else None
        received = Received(request.method, dict(request.query), dict(request.headers), content)
        self.received.append(received)
        return self.answer(received)


class Subscriber(Webhook):
    """A webhook that passes both handshakes, unless told to refuse them."""

    def __init__(self, statuses: list[int] | None = None, *, agrees: bool = True) -> None:
        super().__init__(statuses)
        self.agrees = agrees
        self.handshakes = 0

    def answer(self, request: Received) -> web.Response:
        """Shake hands, or answer a notification as told."""
        is_handshake = request.headers.get("aeg-event-type") != "Notification"
        if not is_handshake:
            return super().answer(request)
        self.handshakes += 1
        if not self.agrees:
            return web.Response()
        if request.method == "OPTIONS":
            return web.Response(headers={"WebHook-Allowed-Origin": request.headers["WebHook-Request-Origin"]})
        return web.json_response({"validationResponse": request.content[0]["data"]["validationCode"]})

    @property
    def notifications(self) -> list[Received]:
        """The deliveries among what was received."""
        return [each for each in self.received if each.headers.get("aeg-event-type") == "Notification"]


class RecordedSleep:
    """Stands in for `asyncio.sleep`: returns at once and keeps what was asked of it."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        """Keep the wait, if it is one."""
        if seconds:
            self.seconds.append(seconds)
