"""Dead letters as blobs of a container, by the four calls of Blob Storage that they take.

https://learn.microsoft.com/rest/api/storageservices/list-blobs
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.etree import ElementTree as ET

from backup_retry.azure.client import AzureClients, azure_errors
from backup_retry.azure.json_fields import OddAnswer
from backup_retry.domain.errors import NotFound
from backup_retry.ports.dead_letters import DeadLetter

if TYPE_CHECKING:
    from azure.core.rest import AsyncHttpResponse

_VERSION = "2021-12-02"
#: a page of the list, and all that is looked at: in a storm the others come with the next look
_LISTED = 5000
#: metadata of a blob that nobody can read
_UNREADABLE = "unreadable"


class DeadLetterBlobs:
    """The port `dead_letters.DeadLetters` on a container that the topic's subscription names."""

    def __init__(self, clients: AzureClients, container: str) -> None:
        self._clients = clients
        self._container = container.rstrip("/")

    async def all(self) -> Sequence[DeadLetter]:
        """See DeadLetters."""
        query = f"restype=container&comp=list&include=metadata&maxresults={_LISTED}"
        async with azure_errors("dead letters"):
            response = await self._send("GET", f"{self._container}?{query}")
            return _listed(response.content)

    async def read(self, name: str) -> bytes:
        """See DeadLetters."""
        with suppress(NotFound):
            async with azure_errors("dead letters"):
                return (await self._send("GET", self._blob(name))).content
        return b""

    async def keep(self, name: str) -> None:
        """See DeadLetters."""
        async with azure_errors("dead letters"):
            await self._send("PUT", f"{self._blob(name)}?comp=metadata", {f"x-ms-meta-{_UNREADABLE}": "true"})

    async def delete(self, name: str) -> None:
        """See DeadLetters."""
        with suppress(NotFound):
            async with azure_errors("dead letters"):
                await self._send("DELETE", self._blob(name))

    def _blob(self, name: str) -> str:
        return f"{self._container}/{quote(name)}"

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None
    ) -> "AsyncHttpResponse":
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        request = HttpRequest(method, url, headers={"x-ms-version": _VERSION, **(headers or {})})
        response = await self._clients.send_to_dead_letters(request)
        response.raise_for_status()
        return response


def _listed(answer: bytes) -> Sequence[DeadLetter]:
    """The blobs of a list of the service's."""
    try:
        blobs = ET.fromstring(answer).iterfind("Blobs/Blob")  # noqa: S314 (Storage's own, over TLS)
    except ET.ParseError as error:
        raise OddAnswer(f"a list of blobs that is not XML: {error}") from error
    return [
        DeadLetter(
            name=blob.findtext("Name", ""), unreadable=blob.find(f"Metadata/{_UNREADABLE}") is not None
        )
        for blob in blobs
    ]
