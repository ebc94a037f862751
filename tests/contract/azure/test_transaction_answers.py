"""Answers to a transaction that no emulator gives: a caller is told what the SDK tells, or that nobody knows."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import (
    AzureError,
    DecodeError,
    HttpResponseError,
    IncompleteReadError,
    ServiceResponseTimeoutError,
)
from azure.data.tables.aio import TableServiceClient

from backup_retry.azure.table_ledger import TableLedger
from backup_retry.azure.table_transactions import LedgerTables
from backup_retry.azure.tables import INCIDENTS
from backup_retry.azure.token_transport import LedgerTransport
from backup_retry.domain.errors import AzureUnavailable
from tests.clock import Clock
from tests.failures import opened

TWO: list[tuple[Any, ...]] = [("create", {"PartitionKey": "item", "RowKey": key}) for key in ("one", "two")]
_ETAG = "W/\"datetime'2026-11-30'\""
_MULTIPART = "Content-Type: multipart/mixed; boundary=batch\r\n"
_JSON = "Content-Type: application/json;odata=minimalmetadata;charset=utf-8\r\n"


def said(code: str, words: str) -> str:
    """An error as the tables say it."""
    return json.dumps({"odata.error": {"code": code, "message": {"lang": "en-US", "value": words}}})


def change(status: int = 204, headers: str = f"ETag: {_ETAG}\r\n", body: str = "") -> str:
    """What one change became."""
    line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    own = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    return f"{own}{line}\r\n{headers}\r\n{body}\r\n"


def refused(status: int, code: str, words: str) -> str:
    """A change that is refused."""
    return change(status, f"DataServiceVersion: 3.0;\r\n{_JSON}", said(code, words))


def batch(*changes: str) -> str:
    """What all changes became."""
    parts = "".join(f"--changes\r\n{each}" for each in changes)
    begin = "--batch\r\nContent-Type: multipart/mixed; boundary=changes\r\n\r\n"
    return f"{begin}{parts}--changes--\r\n--batch--\r\n"


def answer(body: str, status: int = 202, headers: str = _MULTIPART) -> bytes:
    """The whole answer."""
    written = body.encode()
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{headers}Content-Length: {len(written)}\r\n\r\n"
    return head.encode() + written


def chunked(body: str) -> bytes:
    """The same in pieces of seven bytes."""
    written = body.encode()
    head = f"HTTP/1.1 202 Accepted\r\n{_MULTIPART}Transfer-Encoding: chunked\r\n\r\n"
    pieces = [written[begin : begin + 7] for begin in range(0, len(written), 7)]
    return head.encode() + b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in [*pieces, b""])


@asynccontextmanager
async def answering(
    what: bytes, kind: type[TableServiceClient] = LedgerTables, *, closes: bool = False
) -> AsyncIterator[tuple[TableServiceClient, aiohttp.TCPConnector]]:
    """A client of a service that answers so, and then closes or is silent; and the client's connections."""
    served: list[asyncio.Task[Any] | None] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(maxsplit=1)[0]))
        writer.write(what)
        if not closes:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    endpoint = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/account"
    connections = aiohttp.TCPConnector()
    async with server, aiohttp.ClientSession(connector=connections, auto_decompress=False) as session:
        transport = LedgerTransport(only_to=endpoint, session=session, session_owner=False, read_timeout=1)
        credential = AzureNamedKeyCredential("account", "a2V5")
        yield (
            kind(endpoint, credential=credential, transport=transport, retry_total=0, permit_redirects=False),
            connections,
        )
    await asyncio.gather(*filter(None, served), return_exceptions=True)


async def outcome(what: bytes, kind: type[TableServiceClient]) -> object:
    """What a caller is told; no connection is in use afterwards."""
    async with answering(what, kind) as (service, connections):
        try:
            return await service.get_table_client(INCIDENTS).submit_transaction(TWO)
        except HttpResponseError as error:
            told: Any = error
            return told.status_code, told.error_code, told.message, getattr(told, "index", None)
        finally:
            assert not connections._acquired


ALIKE = {
    "two changes": answer(batch(change(), change())),
    "in pieces": chunked(batch(change(), change())),
    "lines that end with LF alone": answer(batch(change(), change()).replace("\r\n", "\n")),
    "no reason phrase": answer(batch(change(), change()).replace("204 No Content", "204")),
    "an ETag without a space": answer(batch(change(), change()).replace("ETag: ", "Etag:")),
    "no ETag": answer(batch(change(headers=""), change(headers=""))),
    "a conflict": answer(
        batch(refused(409, "EntityAlreadyExists", "1:The specified entity already exists.\nRequestId:1"))
    ),
    "a conflict, lines that end with LF alone": answer(
        batch(refused(412, "UpdateConditionNotSatisfied", "1:Not satisfied.")).replace("\r\n", "\n")
    ),
    "a table that is missing": answer(batch(refused(404, "TableNotFound", "0:The table does not exist."))),
    "words that look like an answer": answer(
        batch(refused(400, "InvalidInput", "0:Größe 😀\r\nHTTP/1.1 500 Error\r\nETag: x\r\n"))
    ),
    "forbidden": answer(
        said("AuthorizationPermissionMismatch", "This request is not authorized.\nRequestId:1"), 403, _JSON
    ),
    "bad request": answer(said("InvalidInput", "99:One of the request inputs is not valid."), 400, _JSON),
    "no table": answer(said("TableNotFound", "The table specified does not exist."), 404, _JSON),
    "too large": answer(said("RequestBodyTooLarge", "The request body is too large."), 413, _JSON),
    "busy": answer(said("ServerBusy", "The server is busy."), 503, _JSON),
    "throttled": answer(said("ServerBusy", "Too many."), 429, f"{_JSON}Retry-After: 3\r\n"),
}


@pytest.mark.parametrize("what", ALIKE.values(), ids=ALIKE.keys())
async def test_what_is_answered_is_told_as_by_the_sdk(what: bytes) -> None:
    """The ETags; or the status, the service's code and words, and which change it was."""
    assert await outcome(what, LedgerTables) == await outcome(what, TableServiceClient)


@pytest.mark.parametrize("status", [404, 412, 413, 400, 409])
async def test_a_refusal_of_all_changes_is_the_sdks_exception(status: int) -> None:
    """By which it is caught."""
    codes = {404: "TableNotFound", 412: "UpdateConditionNotSatisfied", 413: "RequestBodyTooLarge"}
    what = answer(said(codes.get(status, "InvalidInput"), "no"), status, _JSON)
    kinds = []
    for kind in (LedgerTables, TableServiceClient):
        async with answering(what, kind) as (service, _):
            with pytest.raises(HttpResponseError) as told:
                await service.get_table_client(INCIDENTS).submit_transaction(TWO)
        kinds.append(type(told.value))
    assert kinds[0] is kinds[1]


async def test_a_page_of_a_proxy_is_no_refusal_of_azures() -> None:
    """HTML has no code; its words are told."""
    what = answer("<html>Out of order</html>", 503, "Content-Type: text/html\r\n")
    assert await outcome(what, LedgerTables) == (503, None, "<html>Out of order</html>", None)


@pytest.mark.parametrize(
    "body",
    ["", batch(), batch(change()), batch(change(), change(), change()), batch(change(), change())[:-220]],
)
async def test_another_number_of_answers_than_changes_is_no_answer(body: str) -> None:
    """Nobody knows what has become of them; the SDK takes what is there."""
    async with answering(answer(body)) as (service, connections):
        with pytest.raises(DecodeError, match="answers to 2 changes"):
            await service.get_table_client(INCIDENTS).submit_transaction(TWO)
        assert not connections._acquired


@pytest.mark.parametrize(
    ("closes", "expected"), [(True, IncompleteReadError), (False, ServiceResponseTimeoutError)]
)
async def test_an_answer_that_breaks_off_is_none(closes: bool, expected: type[AzureError]) -> None:
    """As the SDK says it: no status, by which it could be taken for a refusal."""
    for kind in (LedgerTables, TableServiceClient):
        what = answer(batch(change(), change()))[:-40]
        async with answering(what, kind, closes=closes) as (service, connections):
            with pytest.raises(expected) as told:
                await service.get_table_client(INCIDENTS).submit_transaction(TWO)
            assert getattr(told.value, "status_code", None) is None
            assert not connections._acquired


NO_VERSION = {
    "no ETag": answer(batch(change(headers=""))),
    "cut within the ETag": answer(batch(change())[:-60]),
    "nothing": answer(""),
    "not what it says it is": answer(batch(change()), headers=f"{_MULTIPART}Content-Encoding: gzip\r\n"),
    "incomplete": answer(batch(change()))[:-10],
}


@pytest.mark.parametrize("what", NO_VERSION.values(), ids=NO_VERSION.keys())
async def test_a_save_whose_version_nobody_knows_is_unclear(what: bytes) -> None:
    """It may have taken effect, and what is written next must not be written over a version that there never was."""
    async with answering(what, closes=True) as (service, connections):
        ledger = TableLedger(service, Clock())
        known = replace(opened(), version=f"{_ETAG} mark")
        with pytest.raises(AzureUnavailable):
            await ledger.save(known)
        assert not connections._acquired


async def test_a_long_wait_keeps_no_connection() -> None:
    """Azure asks for minutes, and the rest of its answer does not come."""
    what = answer(said("ServerBusy", "Too many."), 429, f"{_JSON}Retry-After: 300\r\n")[:-10]
    async with answering(what) as (service, connections):
        with pytest.raises(AzureUnavailable, match="try again in 300 s"):
            await service.get_table_client(INCIDENTS).submit_transaction(TWO)
        assert not connections._acquired
