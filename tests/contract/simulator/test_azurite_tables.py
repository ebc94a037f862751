"""Azurite as the ledger meets it: azure-data-tables with an Entra token over TLS."""

import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError
from azure.data.tables.aio import TableServiceClient

from simulator.azurite import DEFAULT_DIRECTORY, Azurite
from simulator.azurite.install import is_installed
from simulator.machine.processes import ProcessDiedError
from simulator.machine.tls import Certificates, ensure_ca

needs_azurite = pytest.mark.skipif(
    not is_installed(DEFAULT_DIRECTORY),
    reason="Azurite is not installed: python -m simulator.azurite install .venv/azurite",
)


class StaticCredential:
    """A credential whose tokens have the claims that Azurite looks at."""

    def __init__(self, issuer: str = "https://sts.windows.net/11111111-1111-1111-1111-111111111111/") -> None:
        self.issuer = issuer

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        """A token for the scope's audience, valid for an hour."""
        now = int(time.time())
        claims: dict[str, Any] = {"aud": scopes[0].removesuffix("/.default"), "iss": self.issuer}
        claims |= {"iat": now, "nbf": now - 5, "exp": now + 3600}
        parts = ({"alg": "HS256", "typ": "JWT"}, claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        return AccessToken(".".join([*encoded, "c2ln"]), now + 3600)

    async def close(self) -> None:
        """Nothing to close."""

    async def __aenter__(self) -> "StaticCredential":
        return self

    async def __aexit__(self, *_: object) -> None: ...


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return ensure_ca(tmp_path / "tls")


@pytest.fixture
async def azurite(tmp_path: Path, certificates: Certificates) -> AsyncIterator[Azurite]:
    async with Azurite(DEFAULT_DIRECTORY, certificates, log_file=tmp_path / "azurite.log") as running:
        yield running


def client(azurite: Azurite, certificates: Certificates, credential: StaticCredential) -> TableServiceClient:
    return TableServiceClient(
        azurite.endpoint, credential=credential, connection_verify=str(certificates.ca_file)
    )


@needs_azurite
async def test_conditional_writes_answer_as_azure_does(azurite: Azurite, certificates: Certificates) -> None:
    """A second insert conflicts, and an update with a stale ETag is refused."""
    row = {"PartitionKey": "p", "RowKey": "r"}
    async with client(azurite, certificates, StaticCredential()) as service:
        table = await service.create_table_if_not_exists("incidents")
        first = await table.create_entity(row)
        with pytest.raises(ResourceExistsError):
            await table.create_entity(row)
        await table.update_entity({**row, "state": "claimed"})
        with pytest.raises(ResourceModifiedError):
            await table.update_entity(row, etag=first["etag"], match_condition=MatchConditions.IfNotModified)


@needs_azurite
@pytest.mark.filterwarnings("ignore:Testing an element's truth value:DeprecationWarning")  # the SDK, on 3.12+
async def test_a_token_of_another_issuer_is_refused(azurite: Azurite, certificates: Certificates) -> None:
    """Tokens are looked at, not merely asked for."""
    async with client(azurite, certificates, StaticCredential("https://example.org/")) as service:
        with pytest.raises(HttpResponseError) as refused:
            await service.create_table("incidents")
    assert refused.value.status_code == 403


async def test_a_missing_installation_names_the_command(tmp_path: Path, certificates: Certificates) -> None:
    """Whoever skipped the set-up learns how to make up for it."""
    azurite = Azurite(tmp_path / "nowhere", certificates, log_file=tmp_path / "azurite.log")
    with pytest.raises(ProcessDiedError, match=r"python -m simulator\.azurite install .*nowhere"):
        await azurite.start()


@needs_azurite
async def test_a_taken_port_is_reported_with_the_log(
    tmp_path: Path, azurite: Azurite, certificates: Certificates
) -> None:
    """The error of a child that ends at once holds its own words."""
    second = Azurite(DEFAULT_DIRECTORY, certificates, log_file=tmp_path / "second.log", port=azurite.port)
    with pytest.raises(ProcessDiedError, match="EADDRINUSE"):
        await second.start()
