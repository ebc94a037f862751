"""Looking at what surrounds the app: the adapter on a simulated Azure, and the rights that it looks for."""

import json

import pytest

from backup_retry.azure.access_inspection import AzureInspection
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import VaultKind
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.ports.access_inspection import VAULT_RIGHTS, Permission, missing_rights
from tests.bicep_files import BICEP
from tests.failures import VAULT
from tests.vault_world import DENIED, STOPPED, VaultWorld, settings

pytestmark = pytest.mark.asyncio(loop_scope="module")
APP = "44444444-4444-4444-4444-444444444444"


def inspection(world: VaultWorld, topic: str = "") -> AzureInspection:
    """The adapter, with a topic of that name."""
    arm = world.server.arm_url
    endpoint = f"{arm}/topics/{topic}/api/events"
    configured = settings(arm).model_copy(update={"eventgrid_topic_endpoint": endpoint})
    return AzureInspection(world.clients, ResourceGraph(world.clients), configured)


async def test_the_identity_is_read_from_its_token(vault_world: VaultWorld) -> None:
    """By object id, which roles are assigned to."""
    assert (await inspection(vault_world).whoami()).object_id == APP


async def test_vaults_are_those_that_the_identity_sees(vault_world: VaultWorld) -> None:
    """One without a role is none of them."""
    found = await inspection(vault_world).vaults()
    assert {each.vault.key for each in found} == {VAULT.key, STOPPED.key}
    assert {each.failure_alerts for each in found} == {"Enabled"}


async def test_permissions_are_those_of_the_vault(vault_world: VaultWorld) -> None:
    """All that the app needs on one vault, nothing on another."""
    asked = inspection(vault_world)
    assert missing_rights(VAULT.kind, await asked.permissions(VAULT)) == []
    assert missing_rights(DENIED.kind, await asked.permissions(DENIED)) == list(VAULT_RIGHTS[DENIED.kind])


async def test_a_topic_takes_an_empty_batch_and_delivers_nothing(vault_world: VaultWorld) -> None:
    """The right to send is looked at, no event arrives."""
    await inspection(vault_world, "backup-retry").topic()
    assert vault_world.server.simulator.requests.find("/topics/", "POST")


async def test_no_answer_is_said(vault_world: VaultWorld) -> None:
    """A vault whose permissions cannot be asked for."""
    vault_world.arm("server_error", "permissions", status=503, count=9)
    with pytest.raises(AzureUnavailable):
        await inspection(vault_world).permissions(VAULT)


ALL = len(VAULT_RIGHTS[VaultKind.RECOVERY_SERVICES])


@pytest.mark.parametrize(
    ("actions", "not_actions", "missing"),
    [
        (["*"], [], 0),
        (["Microsoft.RecoveryServices/*"], [], 0),
        (["Microsoft.DataProtection/*"], [], ALL),
        (["*/read"], [], 1),
        (["*"], ["*/backup/action"], 1),
        (["MICROSOFT.RECOVERYSERVICES/VAULTS/READ"], [], ALL - 1),
        ([], [], ALL),
    ],
)
async def test_rights_are_matched_as_roles_write_them(
    actions: list[str], not_actions: list[str], missing: int
) -> None:
    """Stars, exceptions, and no regard to case."""
    permission = Permission(actions=tuple(actions), not_actions=tuple(not_actions))
    assert len(missing_rights(VaultKind.RECOVERY_SERVICES, [permission])) == missing


@pytest.mark.parametrize("kind", VaultKind)
async def test_the_rights_that_are_looked_for_are_those_of_the_role(kind: VaultKind) -> None:
    """As far as a vault of that kind decides them."""
    role = json.loads((BICEP / "backup-actions.json").read_text(encoding="utf-8"))
    assert set(VAULT_RIGHTS[kind]) == {each for each in role if each.startswith(f"{kind}/")}
