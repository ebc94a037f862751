"""Table Storage for tests: clients with an Entra token, on a transport that counts and can misbehave."""

import base64
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any

import aiohttp
from azure.core.credentials import AccessToken
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables.aio import TableServiceClient

from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.table_transactions import LedgerTables
from backup_retry.domain.incident import Incident
from tests.clock import Clock

#: a method with the path below the account
Call = tuple[str, str]


class CrashError(BaseException):
    """The process dies here; no handler for errors sees it."""


class Lost(Enum):
    """How an answer does not arrive."""

    #: the SDK repeats the call
    SERVER_ERROR = "503"
    #: the SDK repeats the call unless it is a POST
    CONNECTION = "connection closed"


async def _nothing() -> None:
    """Nobody does anything."""


class StaticCredential:
    """A credential whose tokens have the claims that Azurite looks at."""

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for the scope's audience, valid for an hour."""
        now = int(time.time())
        claims: dict[str, Any] = {"aud": scopes[0].removesuffix("/.default"), "iat": now, "nbf": now - 5}
        claims |= {"iss": "https://sts.windows.net/11111111-1111-1111-1111-111111111111/", "exp": now + 3600}
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return AccessToken(".".join([*encoded, "c2ln"]), now + 3600)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> "StaticCredential":
        return self

    async def __aexit__(self, *_: object) -> None: ...


class Wire(AioHttpTransport):  # type: ignore[misc]  # azure.core exports it without a type
    """Sends and keeps a list of what was sent; `crash_before`, `lose` and `repeat` make single calls go wrong."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        super().__init__(session=session, session_owner=False)
        self.sent: list[Call] = []
        #: a call that this names kills the process before it is sent
        self.crash_before: Callable[[Call], bool] = lambda _: False
        #: a call that this names takes effect, and its answer does not arrive
        self.lose: Callable[[Call], Lost | None] = lambda _: None
        #: what others do before anybody notices
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        #: a call that this names is sent twice, as the SDK does after a 503; the second answer counts
        self.repeat: Callable[[Call], bool] = lambda _: False

    async def send(self, request: Any, **options: Any) -> Any:
        """Send one request."""
        call = (str(request.method), str(request.url).partition("/devstoreaccount1")[2].partition("?")[0])
        if self.crash_before(call):
            raise CrashError(call)
        self.sent.append(call)
        if self.repeat(call):
            first = await super().send(request, **options)
            await first.read()
            self.sent.append(call)
        answer = await super().send(request, **options)
        if lost := self.lose(call):
            await self.meanwhile()
            if lost is Lost.CONNECTION:
                raise ServiceResponseError("the connection was closed")
            answer._status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return answer


@asynccontextmanager
async def table_service(
    endpoint: str, trust: ssl.SSLContext, **options: Any
) -> AsyncIterator[tuple[TableServiceClient, Wire]]:
    """A client of Azurite's tables, and the wire it speaks over."""
    connector = aiohttp.TCPConnector(ssl=trust)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        wire = Wire(session)
        credential = StaticCredential()
        async with LedgerTables(endpoint, credential=credential, transport=wire, **options) as service:
            yield service, wire


@dataclass(frozen=True)
class Tables:
    """The tables of one Azurite, and the wire to them."""

    service: TableServiceClient
    wire: Wire
    clock: Clock
    ledger: TableLedger

    async def rows(self, table: str) -> list[dict[str, object]]:
        """All rows of a table."""
        return [dict(row) async for row in self.service.get_table_client(table).list_entities()]

    async def row_of(self, table: str, incident: Incident) -> dict[str, object] | None:
        """The row of a table that belongs to an incident."""
        return next((row for row in await self.rows(table) if incident.id in str(row["RowKey"])), None)
