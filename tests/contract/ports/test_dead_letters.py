"""The port of dead letters: the fake, and blobs in Azurite."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
import pytest_asyncio
from azure.core import AsyncPipelineClient
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy
from azure.core.rest import AsyncHttpResponse, HttpRequest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.dead_letter_blobs import DeadLetterBlobs
from backup_retry.azure.token_transport import TokenTransport
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.ports.dead_letters import DeadLetter, DeadLetters, MemoryDeadLetters
from backup_retry.settings.clouds import CLOUDS
from simulator.azurite import DEFAULT_DIRECTORY, Azurite
from simulator.machine.tls import Certificates
from tests.table_storage import StaticCredential

pytestmark = pytest.mark.asyncio(loop_scope="module")

_NAME = "topic/TO APP/2026/11/29/5/a;b.json"


class Clients:
    """The one call of AzureClients that the adapter makes, with a token that Azurite takes."""

    def __init__(self, endpoint: str, session: aiohttp.ClientSession) -> None:
        self._transport = TokenTransport(only_to=endpoint, session=session, session_owner=False)

    async def send_to_dead_letters(self, request: HttpRequest) -> AsyncHttpResponse:
        """See AzureClients."""
        policies = [AsyncBearerTokenCredentialPolicy(StaticCredential(), CLOUDS["AzurePublic"].storage_scope)]
        client: Any = AsyncPipelineClient("", policies=policies, transport=self._transport)
        answer: AsyncHttpResponse = await client.send_request(request)
        return answer


@dataclass
class Store:
    """Dead letters, and how Event Grid leaves one."""

    letters: DeadLetters
    put: Callable[[str, bytes], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def blobs(tmp_path_factory: pytest.TempPathFactory, trust: Certificates) -> AsyncIterator[Store]:
    """A container in Azurite."""
    log_file: Path = tmp_path_factory.mktemp("azurite") / "blobs.log"
    async with Azurite(DEFAULT_DIRECTORY, trust, log_file=log_file, kind="blob") as azurite:
        connector = aiohttp.TCPConnector(ssl=trust.client_context())
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            clients = Clients(azurite.endpoint, session)
            letters = DeadLetterBlobs(cast("AzureClients", clients), f"{azurite.endpoint}/dead-letters")
            await letters._send("PUT", f"{azurite.endpoint}/dead-letters?restype=container")

            async def put(name: str, content: bytes) -> None:
                headers = {"x-ms-version": "2021-12-02", "x-ms-blob-type": "BlockBlob"}
                request = HttpRequest("PUT", letters._blob(name), headers=headers, content=content)
                (await clients.send_to_dead_letters(request)).raise_for_status()

            yield Store(letters, put)


@pytest.fixture
def memory() -> Store:
    """The fake."""
    letters = MemoryDeadLetters()

    async def put(name: str, content: bytes) -> None:
        letters.blobs[name] = content

    return Store(letters, put)


@pytest.mark.parametrize("kind", ["memory", "blobs"])
async def test_one_is_listed_read_kept_and_deleted(kind: str, memory: Store, blobs: Store) -> None:
    """Whatever its name; what is gone is empty, and deleting it once more does no harm."""
    store = memory if kind == "memory" else blobs
    await store.put(_NAME, b"[1]")
    assert list(await store.letters.all()) == [DeadLetter(name=_NAME)]
    assert await store.letters.read(_NAME) == b"[1]"

    await store.letters.keep(_NAME)
    assert list(await store.letters.all()) == [DeadLetter(name=_NAME, unreadable=True)]
    assert await store.letters.read(_NAME) == b"[1]"

    await store.letters.delete(_NAME)
    await store.letters.delete(_NAME)
    assert (list(await store.letters.all()), await store.letters.read(_NAME)) == ([], b"")


async def test_a_container_that_is_not_there_is_a_refusal(blobs: Store) -> None:
    """Whoever looks may say so."""
    letters = blobs.letters
    assert isinstance(letters, DeadLetterBlobs)
    with pytest.raises(AzureRefused, match="dead letters: 404"):
        await DeadLetterBlobs(letters._clients, letters._container + "-gone").all()


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\xff"])
async def test_a_list_that_is_no_list_is_no_answer(answer: bytes) -> None:
    """A proxy's page says nothing of the container."""

    class Odd:
        async def send_to_dead_letters(self, _request: HttpRequest) -> Any:
            class Response:
                content = answer

                def raise_for_status(self) -> None:
                    """It is 200."""

            return Response()

    with pytest.raises(AzureUnavailable, match="unexpected response"):
        await DeadLetterBlobs(cast("AzureClients", Odd()), "https://x.test/dead").all()
