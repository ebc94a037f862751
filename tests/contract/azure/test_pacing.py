"""The pace on real calls: what Azure answers rests a subscription, and nothing but that."""

import pytest

from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.errors import Throttled
from tests.failures import VAULT
from tests.vault_world import VM, VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

BACKUP = "POST .*/backup"


async def test_an_action_that_azure_throttles_is_left_alone(vault_world: VaultWorld) -> None:
    """Five minutes, says Azure: until then no backup is asked for, and callers are told when to come back."""
    vault_world.arm("throttle", BACKUP, retry_after=300, count=1)
    with pytest.raises(Throttled):
        await vault_world.trigger()
    with pytest.raises(Throttled) as caught:
        await vault_world.trigger()
    assert await vault_world.vaults.item(VM) is not None
    assert len(vault_world.posts()) == 1
    assert caught.value.retry_after is not None
    assert 290 < caught.value.retry_after.total_seconds() <= 300


async def test_what_is_about_no_subscription_goes_on(vault_world: VaultWorld) -> None:
    """Resource Graph has limits of its own."""
    vault_world.arm("throttle", BACKUP, retry_after=300, count=1)
    with pytest.raises(Throttled):
        await vault_world.trigger()
    names: dict[str, str] = {}
    await ResourceGraph(vault_world.clients).see(names)
    assert names == {VAULT.subscription: "Test"}
