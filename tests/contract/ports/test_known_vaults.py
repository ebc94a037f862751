"""The vaults that sweeps have seen, in memory and in Table Storage."""

from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from backup_retry.azure.control_rows import VAULT_PARTITION, seen_vault_row
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.table_vaults import TableVaults
from backup_retry.azure.tables import CONTROL
from backup_retry.domain.arm_ids import Vault
from backup_retry.ports.known_vaults import MemoryKnownVaults, SeenVault, SeenVaults
from tests.builders import NOW, vault
from tests.failures import VAULT
from tests.table_storage import Tables
from tests.vault_world import DENIED, VaultWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["memory", "tables"])
def seen(request: pytest.FixtureRequest) -> Iterator[SeenVaults]:
    """Each of the two; what Resource Graph shows is not asked."""
    if request.param == "memory":
        yield MemoryKnownVaults()
    else:
        tables: Tables = request.getfixturevalue("tables")
        yield TableVaults(tables.service, None)  # type: ignore[arg-type]


def some(number: int) -> list[Vault]:
    """Vaults that no other test has seen."""
    return [vault(f"v-{uuid4().hex[:12]}") for _ in range(number)]


async def of(seen: SeenVaults, *vaults: Vault) -> list[SeenVault]:
    """What is remembered of these."""
    known = {each.vault.key: each for each in await seen.seen()}
    return [known[each.key] for each in vaults if each.key in known]


async def test_what_is_remembered_comes_back_until_it_is_forgotten(seen: SeenVaults) -> None:
    """More than one transaction holds; the last word counts; what is forgotten may be forgotten again."""
    vaults = some(101)
    first = vaults[0]
    await seen.remember([SeenVault(vault=each) for each in vaults])
    assert len(await of(seen, *vaults)) == 101

    gone = SeenVault(vault=replace(first, name=first.name.upper()), gone_since=NOW)
    await seen.remember([gone])
    assert [each.gone_since for each in await of(seen, first)] == [NOW]

    await seen.forget(first)
    await seen.forget(first)
    assert await of(seen, first) == []
    assert len(await of(seen, *vaults)) == 100


async def test_a_row_of_a_version_to_come_is_left_as_it_is(tables: Tables) -> None:
    """It says when the vault vanished in a word of its own; another version can still read it."""
    [mine] = some(1)
    row = seen_vault_row(SeenVault(vault=mine)) | {"gone_since": "a while ago"}
    table = tables.service.get_table_client(CONTROL)
    await table.upsert_entity(row)
    seen = TableVaults(tables.service, None)  # type: ignore[arg-type]

    assert await of(seen, mine) == []
    await seen.remember([SeenVault(vault=mine)])

    assert (await table.get_entity(VAULT_PARTITION, row["RowKey"]))["gone_since"] == "a while ago"


async def test_what_resource_graph_shows_is_shown(vault_world: VaultWorld, tables: Tables) -> None:
    """It hides a vault that the identity has no role on."""
    shown = await TableVaults(tables.service, ResourceGraph(vault_world.clients)).shown()

    assert VAULT.key in {each.key for each in shown}
    assert DENIED.key not in {each.key for each in shown}
