"""Which tokens the app asks for, and of whom, in each cloud."""

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.core.messaging import CloudEvent
from azure.core.rest import HttpRequest
from azure.mgmt.resourcegraph.models import QueryRequest

from backup_retry.azure.client import AzureClients
from backup_retry.settings.clouds import CLOUDS
from backup_retry.settings.loading import settings_of
from tests.failures import VAULT

pytestmark = pytest.mark.asyncio

ENDPOINTS = {
    "LEDGER_ENDPOINT": "https://ledger.test",
    "EVENTGRID_TOPIC_ENDPOINT": "https://topic.test/api/events",
    "DEAD_LETTER_CONTAINER": "https://blobs.test/dead-letters",
}
GET = HttpRequest("GET", "/subscriptions")


class NobodysCredential:
    """Notes what it is asked, and gives nothing."""

    asked: list[str]
    authority: str

    def __init__(self, *, authority: str, **_: Any) -> None:
        type(self).asked, type(self).authority = [], authority

    async def get_token(self, *scopes: str, **_: Any) -> Any:
        """Refuse, so that nothing is sent."""
        self.asked.extend(scopes)
        raise ClientAuthenticationError("nobody")

    async def __aenter__(self) -> "NobodysCredential":
        return self

    async def __aexit__(self, *_: object) -> None: ...


async def _everything(clients: AzureClients) -> None:
    """One call of each service."""
    calls: list[Callable[[], Any]] = [
        clients.arm_token,
        lambda: clients.backup(VAULT.subscription).send_request(GET),
        lambda: clients.data_protection(VAULT.subscription).send_request(GET),
        lambda: clients.graph().resources(QueryRequest(query="resources")),
        lambda: clients.tables().create_table("incidents"),
        lambda: clients.topic().send(CloudEvent(source="test", type="test")),
        lambda: clients.send_to_topic(HttpRequest("POST", ENDPOINTS["EVENTGRID_TOPIC_ENDPOINT"])),
        lambda: clients.send_to_dead_letters(HttpRequest("GET", ENDPOINTS["DEAD_LETTER_CONTAINER"])),
    ]
    for call in calls:
        with pytest.raises(AzureError):
            await call()


@pytest.mark.parametrize("name", CLOUDS)
async def test_each_service_is_asked_for_in_its_own_cloud(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resource Manager with vaults and Resource Graph, the tables, the topic; and the cloud's Entra ID."""
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", NobodysCredential)
    monkeypatch.delenv("AZURE_AUTHORITY_HOST", raising=False)
    async with AzureClients(settings_of({**ENDPOINTS, "AZURE_CLOUD": name})) as clients:
        await _everything(clients)
    cloud = CLOUDS[name]
    manager, events = f"{cloud.resource_manager_audience}/.default", f"{cloud.event_grid_audience}/.default"
    storage = f"{cloud.storage_audience}/.default"
    assert NobodysCredential.asked == [*[manager] * 4, storage, events, events, storage]
    assert NobodysCredential.authority == cloud.authority


async def test_an_authority_that_the_environment_names_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Microsoft's own tools do."""
    monkeypatch.setattr("azure.identity.aio.DefaultAzureCredential", NobodysCredential)
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", "https://login.stamp.test")
    async with AzureClients(settings_of(ENDPOINTS)):
        assert NobodysCredential.authority == "https://login.stamp.test"
