"""A simulator for contract tests, and the clients that reach it as the app does."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.core.exceptions import HttpResponseError
from azure.identity.aio import DefaultAzureCredential
from azure.mgmt.recoveryservicesbackup.aio import RecoveryServicesBackupClient
from azure.mgmt.recoveryservicesbackup.models import BackupRequestResource, IaasVMBackupRequest
from azure.mgmt.resourcegraph.aio import ResourceGraphClient

from simulator.estate.outcomes import Outcome
from simulator.server import RunningServer, ServerConfig, serve
from tests.clock import Clock

SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000001"
OTHER_SUBSCRIPTION = "aaaaaaaa-0000-0000-0000-000000000002"
ARM_SCOPE = "https://management.azure.com/.default"


@dataclass(frozen=True)
class Simulated:
    """A running simulator whose clock stands still, and clients with the app's identity."""

    server: RunningServer
    clock: Clock
    backup: RecoveryServicesBackupClient
    graph: ResourceGraphClient
    http: aiohttp.ClientSession

    def run(self, vm: str, outcome: Outcome | None = None, **options: Any) -> str:
        """Run a scheduled backup of a VM; the result is the job's name."""
        item = self.server.azure.find_item(vm)
        assert item is not None
        return self.server.azure.run_job(item, outcome or Outcome(), now=self.clock(), **options).name

    async def trigger(self, vm: str, request_id: str = "", vault: str = "vault-1") -> Mapping[str, str]:
        """Trigger an on-demand backup of a VM in `rg-app`; the result is the answer's headers."""
        container, item = item_path(vm)
        answer: Any = await self.backup.backups.trigger(  # type: ignore[func-returns-value]
            vault,
            "rg-backup",
            "Azure",
            container,
            item,
            BackupRequestResource(properties=IaasVMBackupRequest()),
            cls=lambda response, _, __: dict(response.http_response.headers),
            **({"request_id": request_id} if request_id else {}),
        )
        return dict(answer)

    def headers(self, audience: str = "https://management.azure.com") -> dict[str, str]:
        """An Authorization header that is valid now."""
        return {"Authorization": f"Bearer {self.server.simulator.identity.tokens.issue(audience)}"}


def refusal(error: HttpResponseError) -> tuple[int | None, str | None]:
    """The status and the service's own code."""
    return error.status_code, error.error.code if error.error else None


def retry_after(error: HttpResponseError) -> str:
    """The Retry-After header of a refusal."""
    response: Any = error.response
    return str(response.headers["Retry-After"])


def item_path(vm: str) -> tuple[str, str]:
    """The names of the container and of the item of a VM in `rg-app`."""
    name = f"iaasvmcontainerv2;rg-app;{vm}"
    return f"IaasVMContainer;{name}", f"VM;{name}"


@asynccontextmanager
async def simulated(
    directory: Path, monkeypatch: pytest.MonkeyPatch, estate: Mapping[str, Any]
) -> AsyncIterator[Simulated]:
    """Serve the estate, with the identity's environment variables set."""
    clock = Clock()
    async with await serve(ServerConfig(ca_directory=directory, estate=estate, now=clock)) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
        options: dict[str, Any] = {
            "base_url": server.arm_url,
            "credential_scopes": [ARM_SCOPE],
            "connection_verify": str(server.certificates.ca_file),
            "retry_total": 0,
        }
        connector = aiohttp.TCPConnector(ssl=server.certificates.client_context())
        async with (
            DefaultAzureCredential() as credential,
            RecoveryServicesBackupClient(credential, SUBSCRIPTION, **options) as backup,
            ResourceGraphClient(credential, **options) as graph,
            aiohttp.ClientSession(connector=connector) as http,
        ):
            yield Simulated(server, clock, backup, graph, http)
