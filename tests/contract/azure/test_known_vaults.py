"""Which vaults are known: those that Resource Graph shows, and those that the ledger has an incident of."""

from uuid import uuid4

import pytest

from backup_retry.azure.known_vaults import ShownVaults
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Close, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.ports.reports import MemoryReports
from tests.builders import failed, item
from tests.failures import VAULT
from tests.vault_world import DENIED, VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")


def shown(world: VaultWorld, reports: MemoryReports) -> ShownVaults:
    """The adapter, which has asked nothing yet."""
    return ShownVaults(reports, ResourceGraph(world.clients), world.clock)


async def open_incident(reports: MemoryReports, vault: Vault, world: VaultWorld) -> Incident:
    """A failure of one of the vault's items."""
    incident = Incident.open(failed(str(uuid4()), of=item(of=vault)), Source.ALERT, world.clock())
    saved = await reports.save(incident)
    assert saved is not None
    return saved


async def test_what_resource_graph_shows_is_known(vault_world: VaultWorld) -> None:
    """It does not show a vault that the identity has no role on."""
    known = shown(vault_world, MemoryReports())

    assert (await known.knows(VAULT), await known.knows(DENIED)) == (True, False)


@pytest.mark.parametrize("ended", [False, True])
async def test_what_the_ledger_has_seen_is_known(vault_world: VaultWorld, ended: bool) -> None:
    """Although the role is gone: that is when somebody has to know. Resource Graph may be silent, too."""
    reports = MemoryReports()
    incident = await open_incident(reports, DENIED, vault_world)
    if ended:
        await reports.save(
            incident.closed(Close.left_alone(Reason.CANCELLED, "cancelled"), vault_world.clock())
        )
    vault_world.arm("server_error", "ResourceGraph", status=503)

    assert await shown(vault_world, reports).knows(DENIED)


async def test_many_who_ask_share_an_answer(vault_world: VaultWorld) -> None:
    """An alert for each of a thousand made-up vaults costs one query."""
    known = shown(vault_world, MemoryReports())

    for _ in range(5):
        await known.knows(DENIED)

    assert len(vault_world.server.simulator.requests.find("ResourceGraph", "POST")) == 1
