"""Transactions are put together and read here: Azure must see, and a caller must be told, what it is with the SDK."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import AioHttpTransport
from azure.data.tables import EdmType, EntityProperty, TableTransactionError, UpdateMode
from azure.data.tables.aio import TableClient, TableServiceClient

from backup_retry.azure.table_transactions import LedgerTables
from backup_retry.azure.tables import INCIDENTS
from tests.table_storage import StaticCredential, Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPLACING = {"mode": UpdateMode.REPLACE}
STALE = {"etag": "W/\"datetime'2026-01-01'\"", "match_condition": MatchConditions.IfNotModified}
_GENERATED = re.compile(r"(batch|changeset)_[0-9a-f-]{36}")
_DATES = re.compile(r"^(x-ms-date|Date): .*\r\n", re.MULTILINE)


def row(key: str, **columns: object) -> dict[str, Any]:
    """A row of one item."""
    return {"PartitionKey": "item's", "RowKey": key, **columns}


class Caught(AioHttpTransport):  # type: ignore[misc]  # azure.core exports it without a type
    """Sends nothing, and keeps what was to be sent."""

    request: Any = None

    async def send(self, request: Any, **_: Any) -> Any:
        """Keep it."""
        self.request = request
        raise ServiceResponseError("nothing is sent")


async def sent_by(client: type[TableServiceClient], operations: Sequence[tuple[Any, ...]]) -> tuple[Any, ...]:
    """What a client would send, without what it makes up."""
    caught = Caught()
    service = client("https://ledger.test", credential=StaticCredential(), transport=caught, retry_total=0)
    with pytest.raises(ServiceResponseError):
        await service.get_table_client(INCIDENTS).submit_transaction(operations)
    request = caught.request
    made_up = {"x-ms-client-request-id", "x-ms-date", "Date", "User-Agent", "Authorization", "Content-Length"}
    headers = {
        name: _GENERATED.sub(r"\1", text) for name, text in request.headers.items() if name not in made_up
    }
    body = _DATES.sub("", _GENERATED.sub(r"\1", request.content.decode()))
    return request.method, request.url, headers, body


async def test_a_transaction_is_sent_as_the_sdk_sends_it() -> None:
    """Byte for byte, save the dates of each change: keys with quotes, texts beyond ASCII, conditions, deletions.

    A hundred changes are the most that Azure takes.
    """
    operations = [
        ("create", row("head", text='Größe "1"', number=2, truth=True, nothing=None)),
        ("update", row("a/b?c#d", text="x\r\nHTTP/1.1 409 "), STALE | REPLACING),
        ("upsert", row("it's é"), REPLACING),
        ("delete", row("gone")),
        ("delete", row("stale"), STALE),
        ("update", row("merged 😀", text="\ud83d", data=b"\x00\xff", at=datetime(2026, 1, 1, tzinfo=UTC))),
        ("upsert", row("large", text="😀" * 16_000, many=EntityProperty(2**40, EdmType.INT64))),
        *(("create", row(f"one of many {number}")) for number in range(92)),
    ]
    ours = await sent_by(LedgerTables, operations)
    assert ours == await sent_by(TableServiceClient, operations)
    assert ours[-1].count("HTTP/1.1") == 100


async def test_the_sdk_calls_what_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a transaction would be as slow as the SDK's own, and nobody would notice."""

    def parsed(*_: object, **__: object) -> None:
        pytest.fail("the SDK puts the transaction together")

    monkeypatch.setattr("azure.core.rest.HttpRequest._set_multipart_mixed", parsed)
    await sent_by(LedgerTables, [("delete", row("gone"))])


@pytest.mark.parametrize(
    "refused",
    [
        ("create", row("known")),
        ("update", row("known"), STALE),
        ("update", row("unknown")),
        ("delete", row("unknown")),
    ],
)
async def test_a_change_that_is_refused_is_told_as_by_the_sdk(
    tables: Tables, refused: tuple[Any, ...]
) -> None:
    """The status and the words of the change for whose sake nothing has changed."""
    ours = tables.service.get_table_client(INCIDENTS)
    await ours.upsert_entity(row("known"))
    theirs = TableServiceClient(
        tables.service.url, credential=StaticCredential(), transport=tables.wire
    ).get_table_client(INCIDENTS)
    assert await _refusal(ours, refused) == await _refusal(theirs, refused)
    assert "new" not in {each["RowKey"] for each in await tables.rows(INCIDENTS)}


async def _refusal(table: TableClient, refused: tuple[Any, ...]) -> tuple[int | None, str, int]:
    with pytest.raises(TableTransactionError) as told:
        await table.submit_transaction([("create", row("new")), refused])
    words = re.sub(r"RequestId.*|Time.*", "", told.value.message)
    return told.value.status_code, words, told.value.index


async def test_each_change_has_its_new_etag(tables: Tables) -> None:
    """By which the next write makes sure that nobody was quicker; a deletion leaves none."""
    table = tables.service.get_table_client(INCIDENTS)
    await table.upsert_entity(row("old"))
    first, second, third = await table.submit_transaction(
        [("create", row("one")), ("upsert", row("two"), REPLACING), ("delete", row("old"))]
    )
    assert third == {}
    for key, answer in (("one", first), ("two", second)):
        assert (await table.get_entity("item's", key)).metadata["etag"] == answer["etag"]
