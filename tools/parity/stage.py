"""A simulator whose clock and estate are set as a recording needs them, and the way to call it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from simulator.estate.inventory import Item, Vault
from simulator.server import RunningServer, ServerConfig, serve
from tools.parity.recordings import Recording, Reply

Json = dict[str, Any]

_AUDIENCE = "https://management.azure.com"
#: With a fraction of a second, as most times in recordings.
_START = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
#: Operations are under way until the clock is moved on.
_OPERATION_SECONDS = 60.0


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    time: datetime = _START

    def __call__(self) -> datetime:
        """What it shows."""
        return self.time


class Stage:
    """A running simulator with a clock of its own, and a session that reaches it."""

    def __init__(self, server: RunningServer, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.server = server
        #: Method and path of the last call.
        self.asked = ("", "")
        self._clock = clock
        self._session = session

    @property
    def now(self) -> datetime:
        """What the simulator takes for the time."""
        return self._clock.time

    def set(
        self,
        recording: Recording,
        *items: Json,
        now: datetime | None = None,
        policies: Sequence[Json] = (),
        kind: str = "recovery_services",
        location: str = "westeurope",
        tags: Mapping[str, str] | None = None,
        there: bool = True,
        settings: Json | None = None,
    ) -> None:
        """Start over with the vault that the recording names, the items in it, and the clock at `now`.

        Where the vault is not `there`, another one is, in another resource group where the recorded one is missing too.
        """
        subscription, group, name = recording.vault
        if not there:
            group, name = (group if recording.error_code != "ResourceGroupNotFound" else "other"), "other"
        self._clock.time = now or _START
        vault = {
            "subscription": subscription,
            "resource_group": group,
            "name": name,
            "kind": kind,
            "location": location,
            "tags": dict(tags or {}),
            "items": list(items),
            "policies": list(policies),
        }
        estate = {
            "subscriptions": [{"id": subscription}],
            "vaults": [vault],
            "settings": {"operation_seconds": _OPERATION_SECONDS, **(settings or {})},
        }
        self.server.simulator.reset(estate)

    @property
    def vault(self) -> Vault:
        """The vault."""
        return self.server.azure.vaults[0]

    @property
    def item(self) -> Item:
        """The first item."""
        return self.vault.items[0]

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._clock.time += timedelta(seconds=seconds)

    async def ask(
        self,
        recording: Recording,
        path: str | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        method: str | None = None,
    ) -> Reply:
        """The answer to the recorded call, or to the same at another path or with another body."""
        self.asked = (method or recording.method, path or recording.path)
        token = self.server.simulator.identity.tokens.issue(_AUDIENCE)
        async with self._session.request(
            self.asked[0],
            self.server.arm_url + self.asked[1],
            params=dict(recording.query),
            json=recording.body if body is None else body,
            headers={"Authorization": f"Bearer {token}"},
        ) as response:
            text = await response.text()
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=response.status, headers=headers, body=_body(text))


def _body(text: str) -> object:
    """What the JSON says, or the text where it is none."""
    try:
        return json.loads(text) if text else ""
    except ValueError:
        return text


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """A stage on a simulator of its own."""
    clock = Clock()
    with TemporaryDirectory() as directory:
        async with await serve(ServerConfig(ca_directory=Path(directory), now=clock)) as server:
            connector = aiohttp.TCPConnector(ssl=server.certificates.client_context())
            async with aiohttp.ClientSession(connector=connector) as session:
                yield Stage(server, clock, session)
