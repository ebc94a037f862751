"""Backup vaults beside the other kind: what can be seen and found, and which adapter is asked."""

from datetime import timedelta
from importlib.resources import files
from uuid import uuid4

import pytest

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.vaults import AzureVaults
from backup_retry.domain.arm_ids import ProtectedItem, parse_job_id
from backup_retry.domain.jobs import BackupRequest
from backup_retry.ports.access_inspection import VAULT_RIGHTS, missing_rights
from simulator.server import RunningServer
from tests.backup_vaults_world import DENIED, DISK, ESTATE, VAULT, World
from tests.clock import Clock
from tests.failures import VAULT as RECOVERY_SERVICES_VAULT
from tests.failures import vm_item
from tests.vault_world import settings

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def world(azure: tuple[RunningServer, Clock, AzureClients]) -> World:
    """The estate anew, with an adapter that has read nothing yet."""
    server, clock, clients = azure
    server.simulator.reset(ESTATE)
    return World(server, clock, clients, DataProtectionVaults(clients, clock))


# ---- what surrounds them -----------------------------------------------------------------------------------


async def test_both_kinds_of_vault_are_seen_with_their_rights(world: World) -> None:
    """One without a role is none of them."""
    graph = ResourceGraph(world.clients)
    inspection = AzureInspection(world.clients, graph, settings(world.server.arm_url))
    found = {each.vault.key: each.failure_alerts for each in await inspection.vaults()}
    assert set(found) == {VAULT.key, RECOVERY_SERVICES_VAULT.key}
    assert found[VAULT.key] in {"", "Enabled"}
    assert missing_rights(VAULT.kind, await inspection.permissions(VAULT)) == []
    assert missing_rights(DENIED.kind, await inspection.permissions(DENIED)) == list(VAULT_RIGHTS[VAULT.kind])


@pytest.mark.parametrize("name", ["disk-1", "DISK-1"])
async def test_an_instance_is_found_by_what_a_person_calls_it(world: World, name: str) -> None:
    """As backup-retry explain and retry do."""
    query = files("cli").joinpath("protected_items.kql").read_text(encoding="utf-8")
    rows = ResourceGraph(world.clients).rows(query.replace("{name}", name))
    assert [ProtectedItem.parse(row["id"]) async for row in rows] == [world.item()]


async def test_a_job_is_found_by_its_id(world: World) -> None:
    """In whichever vault it is."""
    job_id = world.run()
    query = files("cli").joinpath("jobs.kql").read_text(encoding="utf-8")
    rows = ResourceGraph(world.clients).rows(query.replace("{name}", job_id))
    assert [parse_job_id(row["id"]) async for row in rows] == [(VAULT, job_id)]


# ---- both kinds at once ------------------------------------------------------------------------------------


async def test_each_vault_is_asked_by_its_own_adapter(world: World) -> None:
    """All five questions, of a disk and of a VM."""
    vaults, now = AzureVaults(world.clients, world.clock), world.clock()
    vm = vm_item("vm-01")
    keep = now + timedelta(days=30)
    for item, request in (
        (world.item(), BackupRequest(workload=DISK, rule="BackupHourly")),
        (vm, BackupRequest(workload="VM", keep_until=keep)),
    ):
        state = await vaults.item(item)
        assert state is not None
        assert state.policy is not None
        operation = await vaults.trigger(item, request, attempt_id=str(uuid4()))
        found = await vaults.operation(item, operation)
        assert found is not None
        assert found.in_progress
        [listed] = (await vaults.jobs(item.vault, now, fresh_since=now)).jobs
        job = await vaults.job(item.vault, listed.id)
        assert (job.workload, job.item) == (request.workload, item)
