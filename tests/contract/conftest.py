"""What the contract tests share: one Azurite over TLS, and the ledger's tables in it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from azure.data.tables.aio import TableServiceClient

from backup_retry.azure.client import AzureClients
from backup_retry.azure.pacing import ArmPace, GraphQuota
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.azure.table_ledger import TABLES, TableLedger
from simulator.azurite import DEFAULT_DIRECTORY, Azurite
from simulator.machine.tls import Certificates, ensure_ca
from simulator.server import RunningServer, ServerConfig, serve
from tests.clock import Clock
from tests.table_storage import Tables, Wire, table_service
from tests.vault_world import ESTATE, VaultWorld, settings


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Certificates for this machine."""
    return ensure_ca(tmp_path_factory.mktemp("tls"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_azurite(
    tmp_path_factory: pytest.TempPathFactory, trust: Certificates
) -> AsyncIterator[Azurite]:
    """One Azurite for all tests that keep to items of their own."""
    log_file = tmp_path_factory.mktemp("azurite") / "azurite.log"
    async with Azurite(DEFAULT_DIRECTORY, trust, log_file=log_file) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def connection(
    shared_azurite: Azurite, trust: Certificates
) -> AsyncIterator[tuple[TableServiceClient, Wire]]:
    """A client of the tables, shared by a module; it finds them empty."""
    async with table_service(shared_azurite.endpoint, trust.client_context()) as (service, wire):
        for name in TABLES:
            await service.delete_table(name)
        await TableLedger(service, Clock()).create_tables()
        yield service, wire


@pytest.fixture
def tables(connection: tuple[TableServiceClient, Wire]) -> Tables:
    """The tables with a clock that stands still."""
    service, wire = connection
    wire.sent.clear()
    wire.crash_before = wire.repeat = lambda _: False
    clock = Clock()
    return Tables(service, wire, clock, TableLedger(service, clock))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def azure(trust: Certificates) -> AsyncIterator[tuple[RunningServer, Clock, AzureClients]]:
    """One simulated Azure for the module, and clients with the app's identity."""
    clock = Clock()
    config = ServerConfig(ca_directory=trust.ca_file.parent, estate=ESTATE, now=clock)
    with pytest.MonkeyPatch.context() as environment:
        async with await serve(config) as server:
            environment.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
            environment.setenv("IDENTITY_HEADER", server.identity_header)
            async with AzureClients(settings(server.arm_url), ssl_context=trust.client_context()) as clients:
                yield server, clock, clients


@pytest.fixture
def vault_world(azure: tuple[RunningServer, Clock, AzureClients]) -> VaultWorld:
    """The estate anew, with an adapter that has read nothing yet."""
    server, clock, clients = azure
    server.simulator.reset(ESTATE)
    clients.graph_quota = GraphQuota()
    clients._transport.pace = ArmPace()
    return VaultWorld(server, clock, clients, RecoveryServicesVaults(clients, clock))
