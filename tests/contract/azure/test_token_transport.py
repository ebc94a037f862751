"""The app's token goes to the service that it is for, whoever says otherwise."""

import pytest
from azure.core.rest import HttpRequest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.token_transport import same_origin
from backup_retry.domain.errors import AzureUnavailable
from tests.vault_world import VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE = (
    "https://elsewhere.test/subscriptions/s",
    "https://localhost:1/subscriptions/s",
    "https://localhost:{port}@elsewhere.test/subscriptions/s",
    "https://user@localhost:{port}/subscriptions/s",
    "https://localhost.elsewhere.test:{port}/subscriptions/s",
)


@pytest.mark.parametrize("address", ELSEWHERE)
async def test_nothing_with_a_token_is_sent_elsewhere(vault_world: VaultWorld, address: str) -> None:
    """Whatever client asks, and whatever made it ask: another host, port or scheme, or a name that looks alike."""
    url = address.format(port=vault_world.server.arm_url.rsplit(":", 1)[1])
    clients: AzureClients = vault_world.clients
    before = len(vault_world.server.simulator.requests.find())
    for client in (clients.backup("s"), clients.data_protection("s")):
        with pytest.raises(AzureUnavailable, match="which must not receive this app's token"):
            await client.send_request(HttpRequest("GET", url))
    sent = vault_world.server.simulator.requests.find()[before:]
    assert [each for each in sent if "msi" not in each["path"]] == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://management.azure.com/x", "https://management.azure.com", True),
        ("https://MANAGEMENT.azure.com:443/x", "https://management.azure.com", True),
        ("https://management.azure.com.evil.test", "https://management.azure.com", False),
        ("http://management.azure.com", "https://management.azure.com", False),
        ("https://management.azure.com:444", "https://management.azure.com", False),
        ("https://management.azure.com:port", "https://management.azure.com", False),
        ("https://[::1", "https://management.azure.com", False),
        ("/relative", "https://management.azure.com", False),
        ("", "https://management.azure.com", False),
    ],
)
async def test_an_origin_is_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    """In any casing; what is no address has none."""
    assert same_origin(one, other) is same


async def test_clients_of_made_up_subscriptions_are_forgotten(vault_world: VaultWorld) -> None:
    """Each alert may name another one; the memory of the process is bounded all the same."""
    clients: AzureClients = vault_world.clients
    first = clients.backup("s-0")
    for number in range(1, 300):
        clients.backup(f"s-{number}")
    assert clients.backup("s-299") is clients.backup("s-299")
    assert clients.backup("s-0") is not first
    assert len(clients._backup) == 250
