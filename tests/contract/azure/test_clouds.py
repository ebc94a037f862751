"""The app in a cloud that nobody has heard of: each service takes the cloud's own tokens, and no others."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.client import AzureClients
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.errors import BackupRetryError
from backup_retry.settings import clouds
from backup_retry.settings.clouds import Cloud
from backup_retry.settings.loading import settings_of
from backup_retry.settings.settings import Settings
from simulator.arm.cloud import Cloud as SimulatedCloud
from simulator.machine.tls import Certificates
from simulator.server import RunningServer, ServerConfig, serve
from tests.clock import Clock
from tests.failures import VAULT
from tests.vault_world import ESTATE

pytestmark = pytest.mark.asyncio(loop_scope="module")

MANAGEMENT, EVENTS = "https://management.core.cloud.test", "https://eventgrid.cloud.test"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(trust: Certificates) -> AsyncIterator[RunningServer]:
    """The made-up cloud."""
    cloud = SimulatedCloud(resource_manager=frozenset({MANAGEMENT}), event_grid=EVENTS, own_address=False)
    config = ServerConfig(ca_directory=trust.ca_file.parent, estate=ESTATE, now=Clock(), cloud=cloud)
    async with await serve(config) as running:
        yield running


@pytest.fixture(autouse=True)
def _known(server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table has the made-up cloud as well, and the app an identity in it."""
    made_up = Cloud(
        authority="https://login.cloud.test",
        resource_manager=server.arm_url,
        resource_manager_audience=MANAGEMENT,
        storage_audience="https://storage.cloud.test",
        event_grid_audience=EVENTS,
        portal="https://portal.cloud.test",
    )
    monkeypatch.setattr(clouds, "CLOUDS", {**clouds.CLOUDS, "MadeUp": made_up})
    monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
    monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)


def settings(server: RunningServer, **chosen: str) -> Settings:
    """An app's settings with a topic in the made-up cloud."""
    topic = f"{server.arm_url}/topics/backup-retry/api/events"
    return settings_of(
        {"LEDGER_ENDPOINT": "https://ledger.test", "EVENTGRID_TOPIC_ENDPOINT": topic, **chosen}
    )


async def test_the_name_of_the_cloud_is_enough(server: RunningServer, trust: Certificates) -> None:
    """Vaults, Resource Graph and the topic answer."""
    ours = settings(server, AZURE_CLOUD="MadeUp")
    async with AzureClients(ours, ssl_context=trust.client_context()) as clients:
        inspection = AzureInspection(clients, ResourceGraph(clients), ours)
        assert await inspection.permissions(VAULT)
        await inspection.topic()
        assert VAULT.id in {found.vault.id for found in await inspection.vaults()}


async def test_tokens_of_the_public_cloud_are_refused(server: RunningServer, trust: Certificates) -> None:
    """The app would not learn of a wrong cloud otherwise; here only the address is right."""
    ours = settings(server, ARM_ENDPOINT="https://localhost:1")
    async with AzureClients(ours, ssl_context=trust.client_context()) as clients:
        inspection = AzureInspection(clients, ResourceGraph(clients), ours)
        with pytest.raises(BackupRetryError, match="401"):
            await inspection.topic()
