"""Closed incidents by the hundred thousand, written as fast as a table service takes them.

The SDK reads every answer of a transaction with the standard library's e-mail parser, eight times as long as the
service works on it; so these transactions are put together here.
https://learn.microsoft.com/rest/api/storageservices/performing-entity-group-transactions
"""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from backup_retry.azure import incident_rows as rows
from backup_retry.azure import report_rows, table_ledger
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident

Row = dict[str, Any]
_TRANSACTION = 100
_AT_ONCE = 3
_ACCEPTED = 202
_KNOWN = "EntityAlreadyExists"
_HEADERS = {
    "x-ms-version": "2019-02-02",
    "Content-Type": "multipart/mixed; boundary=batch_fill",
    "Accept": "application/json",
    "DataServiceVersion": "3.0",
}


class Filler:
    """Writes rows of closed incidents behind the open ones."""

    def __init__(self, endpoint: str, token: str, like: Incident) -> None:
        self._endpoint = endpoint
        self._headers = _HEADERS | {"Authorization": f"Bearer {token}"}
        self._closed = like.closed(
            Close(
                outcome=Outcome.RECOVERED,
                reason=Reason.ALREADY_RECOVERED,
                detail="The retry's job completed.",
            ),
            datetime.now(UTC) - timedelta(days=1),
        )
        self._written = 0

    async def fill(self, wanted: int) -> None:
        """Let there be so many closed incidents: a head and a line of the journal each.

        A hundred of them share a partition, where in truth each has its own: a transaction writes to one partition.
        """
        at_once = asyncio.Semaphore(_AT_ONCE)
        async with aiohttp.ClientSession(headers=self._headers) as session:

            async def hundred(number: int) -> None:
                async with at_once:
                    await self._hundred(session, number)

            numbers = range(self._written // _TRANSACTION, wanted // _TRANSACTION)
            await asyncio.gather(*(hundred(number) for number in numbers))
        self._written = wanted

    async def _hundred(self, session: aiohttp.ClientSession, number: int) -> None:
        place = {"PartitionKey": f"closed-{number:07}"}
        for table, row in self._templates().items():
            # Azurite looks rows up by their own key first: where many share one, each insert reads them all.
            keyed = [row | place | {"RowKey": f"{number:07}-{each:03}"} for each in range(_TRANSACTION)]
            await self._write(session, table, keyed)

    def _templates(self) -> Mapping[str, Row]:
        return {
            table_ledger.INCIDENTS: rows.head_row(self._closed),
            table_ledger.JOURNAL: report_rows.journal_row(self._closed),
        }

    async def _write(self, session: aiohttp.ClientSession, table: str, keyed: Sequence[Row]) -> None:
        """Write rows, once more where Azurite has hung up, as it does after collecting garbage for seconds."""
        body = _transaction(f"{self._endpoint}/{table}", keyed)
        try:
            status, text = await self._post(session, body)
        except aiohttp.ClientConnectionError:
            status, text = await self._post(session, body)
            if _KNOWN in text:
                return
        if status != _ACCEPTED or text.count("HTTP/1.1 204") != len(keyed):
            raise RuntimeError(f"the table service answered {status}: {text[:300]}")

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> tuple[int, str]:
        async with session.post(f"{self._endpoint}/$batch", data=body) as response:
            return response.status, await response.text()


async def storage_token() -> str:
    """A token of the app's identity for its tables."""
    headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
    query = {"resource": "https://storage.azure.com", "api-version": "2019-08-01"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(os.environ["IDENTITY_ENDPOINT"], params=query) as response,
    ):
        return str((await response.json())["access_token"])


def _transaction(url: str, keyed: Sequence[Row]) -> bytes:
    parts = ["--batch_fill\r\nContent-Type: multipart/mixed; boundary=changeset_fill\r\n\r\n"]
    parts += [_insert(url, row) for row in keyed]
    return "".join([*parts, "--changeset_fill--\r\n--batch_fill--\r\n"]).encode()


def _insert(url: str, row: Row) -> str:
    return (
        "--changeset_fill\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"POST {url} HTTP/1.1\r\nContent-Type: application/json;odata=nometadata\r\n"
        "Accept: application/json;odata=minimalmetadata\r\n"
        f"Prefer: return-no-content\r\nDataServiceVersion: 3.0\r\n\r\n{json.dumps(row)}\r\n"
    )
