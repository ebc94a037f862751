"""HTTP calls that Azure makes on its own account, in the background: action groups' and Event Grid's."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import aiohttp

Sleep = Callable[[float], Awaitable[None]]

_KEPT_OF_ANSWER = 2000
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What an endpoint said."""

    #: None: no answer (refused, reset, timed out); `text` says which.
    status: int | None
    text: str
    headers: Mapping[str, str]

    @property
    def kept_text(self) -> str:
        """As much of the text as a delivery record keeps."""
        return self.text[:_KEPT_OF_ANSWER]


class Courier:
    """Sends requests, waits between them at the configured pace, and knows when nothing is under way."""

    def __init__(self, *, time_out: float, sleep: Sleep = asyncio.sleep) -> None:
        """`time_out`: seconds that an endpoint may take; `sleep`: replaced by tests."""
        self.pace = 1.0
        self._time_out = aiohttp.ClientTimeout(total=time_out)
        self._sleep = sleep
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    async def pause(self, seconds: float) -> None:
        """Wait, at the configured pace."""
        await self._sleep(seconds * self.pace)

    async def wait(self, seconds: float) -> None:
        """Wait, whatever the pace."""
        await self._sleep(seconds)

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> Answer:
        """One request; a connection error or a time-out is an answer without a status."""
        try:
            async with self._open_session().request(
                method, url, data=body, headers=headers, timeout=self._time_out, allow_redirects=False
            ) as response:
                text = await response.text(errors="replace")
                return Answer(status=response.status, text=text, headers=response.headers)
        except TimeoutError:
            return Answer(status=None, text=f"no answer within {self._time_out.total} s", headers={})
        except (aiohttp.ClientError, ValueError) as error:  # ValueError: not an http(s) URL
            return Answer(status=None, text=f"{type(error).__name__}: {error}", headers={})

    def start(self, errand: Coroutine[Any, Any, None]) -> None:
        """Run `errand` in the background until it ends or `cancel` is called."""
        task = asyncio.get_running_loop().create_task(errand)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def cancel(self) -> None:
        """Give up everything that is under way."""
        for task in self._tasks:
            task.cancel()

    async def idle(self) -> None:
        """Return when nothing is under way or waiting for its time."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        """Give up what is under way and close the connections."""
        self.cancel()
        await self.idle()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            # A kept-alive connection to a restarted endpoint would fail as if the endpoint were down.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        return self._session

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            _log.error("a delivery broke", exc_info=error)


def without_query(url: str) -> str:
    """The URL as records show it: its query holds the key."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))
