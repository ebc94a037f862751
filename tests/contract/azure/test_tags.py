"""Tags, asked of Resource Graph through the real SDK."""

from datetime import timedelta

import pytest

from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.tags import GraphTagLookup
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden, NotFound, Service
from backup_retry.domain.tags import Tag, Tags
from tests.failures import VAULT, vm_item
from tests.vault_world import ESTATE, VaultWorld, vault_estate

pytestmark = pytest.mark.asyncio(loop_scope="module")

OFF = {"Backup-Retry": "OFF"}
GROUP = f"/subscriptions/{VAULT.subscription}/resourcegroups/rg-app"


def lookup(world: VaultWorld, **estate: object) -> GraphTagLookup:
    """An adapter that has asked nothing yet, on an estate with these tags."""
    world.server.simulator.reset(ESTATE | estate)
    return GraphTagLookup(ResourceGraph(world.clients), world.clock)


def queries(world: VaultWorld) -> int:
    return len(world.server.simulator.requests.find("ResourceGraph", "POST"))


async def test_nothing_is_tagged_nobody_is_opted_out(vault_world: VaultWorld) -> None:
    """The usual estate."""
    assert (await lookup(vault_world).tags_of(vm_item("vm-01"))).opted_out_by == ""


async def test_a_tagged_machine_is_opted_out_and_no_other(vault_world: VaultWorld) -> None:
    """Neither the tag's name nor its value has case."""
    tagged = vault_estate(VAULT, "vm-01", tags=OFF)
    tagged["items"] += vault_estate(VAULT, "vm-02", tags={"backup-retry": "on"})["items"]
    found = lookup(vault_world, vaults=[tagged])
    assert (await found.tags_of(vm_item("vm-01"))).opted_out_by == vm_item("vm-01").machine_id
    assert (await found.tags_of(vm_item("vm-02"))).opted_out_by == ""


async def test_a_tagged_vault_opts_out_all_that_it_protects(vault_world: VaultWorld) -> None:
    """The vault is named as the reason."""
    found = lookup(vault_world, vaults=[vault_estate(VAULT, "vm-01") | {"tags": OFF}])
    assert (await found.tags_of(vm_item("vm-01"))).opted_out_by == VAULT.key


async def test_a_tagged_resource_group_opts_out_its_machines(vault_world: VaultWorld) -> None:
    """Groups stand in a table of their own."""
    subscription = {"id": VAULT.subscription, "group_tags": {"RG-App": OFF}}
    found = lookup(vault_world, subscriptions=[subscription])
    assert (await found.tags_of(vm_item("vm-01"))).opted_out_by == GROUP


async def test_words_and_profiles_are_read_with_their_places(vault_world: VaultWorld) -> None:
    """Whatever the casing; a tag that only begins alike says nothing."""
    machine = vault_estate(VAULT, "vm-01", tags={"BACKUP-RETRY": " Ask ", "backup-retry-note": "off"})
    tagged = machine | {"tags": {"Backup-Retry-Profile": "Production"}}
    found = await lookup(vault_world, vaults=[tagged]).tags_of(vm_item("vm-01"))
    assert found == Tags(
        retry=(Tag(value="ask", resource_id=vm_item("vm-01").machine_id),),
        profile=Tag(value="production", resource_id=VAULT.key),
    )


async def test_the_estate_is_asked_once_in_five_minutes(vault_world: VaultWorld) -> None:
    """However many failures there are; a new tag counts after that."""
    found = lookup(vault_world)
    for _ in range(20):
        await found.tags_of(vm_item("vm-01"))
    assert queries(vault_world) == 1
    vault_world.clock.move(minutes=5)
    await found.tags_of(vm_item("vm-01"))
    assert queries(vault_world) == 2


@pytest.mark.parametrize(("status", "error"), [(403, Forbidden), (404, NotFound)])
async def test_a_no_is_not_taken_for_no_tag(
    vault_world: VaultWorld, status: int, error: type[AzureRefused]
) -> None:
    """It says who refused; what was known a little while ago still counts."""
    fresh = lookup(vault_world)
    known = lookup(vault_world, vaults=[vault_estate(VAULT, "vm-01") | {"tags": OFF}])
    await known.tags_of(vm_item("vm-01"))
    vault_world.arm("server_error", "ResourceGraph", status=status)
    vault_world.clock.move(minutes=6)
    assert (await known.tags_of(vm_item("vm-01"))).opted_out_by == VAULT.key
    with pytest.raises(error) as caught:
        await fresh.tags_of(vm_item("vm-01"))
    assert caught.value.by is Service.GRAPH


async def test_an_old_answer_counts_for_an_hour_while_there_is_no_newer_one(vault_world: VaultWorld) -> None:
    """Then nobody can say, and nothing is retried on a guess."""
    found = lookup(vault_world, vaults=[vault_estate(VAULT, "vm-01") | {"tags": OFF}])
    assert (await found.tags_of(vm_item("vm-01"))).opted_out_by == VAULT.key
    vault_world.arm("expire_token", "ResourceGraph")
    vault_world.clock.time += timedelta(minutes=59)
    assert (await found.tags_of(vm_item("vm-01"))).opted_out_by == VAULT.key
    vault_world.clock.time += timedelta(minutes=1)
    with pytest.raises(AzureUnavailable):
        await found.tags_of(vm_item("vm-01"))
