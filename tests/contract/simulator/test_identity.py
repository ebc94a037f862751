"""Tokens for the app's identity, asked for as Microsoft's libraries ask."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import CredentialUnavailableError
from azure.identity.aio import ClientSecretCredential, DefaultAzureCredential, ManagedIdentityCredential

from simulator.arm.identity import CLIENT_ID, CLIENT_SECRET, TENANT
from tests.simulated import ARM_SCOPE, Simulated, simulated


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Simulated]:
    async with simulated(tmp_path, monkeypatch, {}) as running:
        yield running


def audience(world: Simulated, token: str) -> str:
    """Whom a token is for; it must be a valid one."""
    return str(world.server.simulator.identity.tokens.check(f"Bearer {token}")["aud"])


async def test_the_app_service_endpoint_gives_tokens_for_any_resource(world: Simulated) -> None:
    """It is what managed identities use in a function app."""
    async with ManagedIdentityCredential() as credential:
        arm = await credential.get_token(ARM_SCOPE)
        storage = await credential.get_token("https://storage.azure.com/.default")
    assert audience(world, arm.token) == "https://management.azure.com"
    assert audience(world, storage.token) == "https://storage.azure.com"


async def test_the_default_credential_finds_the_endpoint(world: Simulated) -> None:
    """IDENTITY_ENDPOINT and IDENTITY_HEADER are all that it needs."""
    async with DefaultAzureCredential() as credential:
        assert (
            audience(world, (await credential.get_token(ARM_SCOPE)).token) == "https://management.azure.com"
        )


async def test_a_wrong_identity_header_gets_no_token(
    world: Simulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The header keeps other processes of the machine out."""
    monkeypatch.setenv("IDENTITY_HEADER", "guess")
    async with ManagedIdentityCredential() as credential:
        with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
            await credential.get_token(ARM_SCOPE)


async def test_an_identity_that_does_not_exist_gets_no_token(world: Simulated) -> None:
    """There is one principal only."""
    async with ManagedIdentityCredential(client_id=TENANT) as credential:
        with pytest.raises((ClientAuthenticationError, CredentialUnavailableError)):
            await credential.get_token(ARM_SCOPE)


async def test_instance_metadata_gives_tokens_too(world: Simulated, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what managed identities use on a VM."""
    monkeypatch.delenv("IDENTITY_ENDPOINT")
    monkeypatch.delenv("IDENTITY_HEADER")
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", world.server.admin_url)
    async with ManagedIdentityCredential() as credential:
        assert (
            audience(world, (await credential.get_token(ARM_SCOPE)).token) == "https://management.azure.com"
        )


async def test_a_service_principal_logs_in_with_its_secret(world: Simulated) -> None:
    """Entra is on the TLS port."""
    async with service_principal(world, CLIENT_ID, CLIENT_SECRET) as credential:
        assert (
            audience(world, (await credential.get_token(ARM_SCOPE)).token) == "https://management.azure.com"
        )


@pytest.mark.parametrize(
    ("client", "secret", "code"),
    [(CLIENT_ID, "wrong", "AADSTS7000215"), (TENANT, CLIENT_SECRET, "AADSTS700016")],
)
async def test_a_wrong_secret_or_an_unknown_application_is_refused(
    world: Simulated, client: str, secret: str, code: str
) -> None:
    """In Entra's words."""
    async with service_principal(world, client, secret) as credential:
        with pytest.raises(ClientAuthenticationError, match=code):
            await credential.get_token(ARM_SCOPE)


def service_principal(world: Simulated, client: str, secret: str) -> ClientSecretCredential:
    return ClientSecretCredential(
        TENANT,
        client,
        secret,
        authority=world.server.arm_url,
        disable_instance_discovery=True,
        connection_verify=str(world.server.certificates.ca_file),
    )
