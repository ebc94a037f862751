"""What protects a resource, asked of Resource Graph: the query on a real KQL engine, the adapter through the SDK."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from backup_retry.azure.protected_items import GraphItemLookup
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import Forbidden
from simulator.machine.tls import Certificates
from simulator.resource_graph.kql import GraphTables
from tests.player import Player, playing
from tests.signal_reading import DISK, DISK_ID, MACHINE_ID, VM

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
QUERY = (
    Path(__file__).parents[3].joinpath("backup_retry/azure/protected_items.kql").read_text(encoding="utf-8")
)
SERVER_ID = DISK_ID.replace("Microsoft.Compute/disks", "Microsoft.DBforPostgreSQL/servers")
DATABASE = DISK.id.replace("disk-1", "orders")
ROWS = [
    {
        "id": VM.id,
        "type": "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems",
        "properties": {"sourceResourceId": MACHINE_ID},
    },
    {
        "id": DISK.id,
        "type": "microsoft.dataprotection/backupvaults/backupinstances",
        "properties": {
            "dataSourceInfo": {"resourceID": DISK_ID},
            "dataSourceSetInfo": {"resourceID": DISK_ID},
        },
    },
    {
        "id": DATABASE,
        "type": "microsoft.dataprotection/backupvaults/backupinstances",
        "properties": {
            "dataSourceInfo": {"resourceID": f"{SERVER_ID}/databases/orders"},
            "dataSourceSetInfo": {"resourceID": SERVER_ID},
        },
    },
    {
        "id": f"{VM.vault.id}/backupJobs/job-1",
        "type": "microsoft.recoveryservices/vaults/backupjobs",
        "properties": {"sourceResourceId": MACHINE_ID},
    },
]


@pytest.fixture(scope="module")
def tables() -> Iterator[GraphTables]:
    """Both kinds of protected items, and a job."""
    tables = GraphTables()
    tables.load("RecoveryServicesResources", ROWS)
    yield tables
    tables.close()


@pytest.mark.parametrize(
    ("resource_id", "found"),
    [
        (MACHINE_ID, [VM.id]),
        (MACHINE_ID.upper(), [VM.id]),
        (DISK_ID, [DISK.id]),
        (SERVER_ID, [DATABASE]),
        (f"{SERVER_ID}/databases/orders", [DATABASE]),
        (MACHINE_ID + "0", []),
    ],
)
def test_the_query_finds_the_items_of_a_resource(
    tables: GraphTables, resource_id: str, found: list[str]
) -> None:
    """In both kinds of vault, whatever the casing; a server's databases are the server's."""
    asked = f"'{resource_id.lower()}', '/subscriptions/of-somebody-else'"
    result = tables.query(QUERY.replace("({resources})", f"({asked})"), NOW)

    assert [str(row[0]) for row in result.rows] == found
    assert all(resource_id.lower() in row[1:] for row in result.rows)


def row(item: ProtectedItem | None, **protects: str) -> dict[str, str]:
    """A row of the query's answer."""
    columns = {"machine": "", "source": "", "sourceSet": ""}
    return {"id": item.id if item else "no id"} | columns | protects


@pytest_asyncio.fixture
async def player(trust: Certificates) -> AsyncIterator[Player]:
    """A Resource Graph that knows a machine and a disk, and a row that names no item."""
    rows = [
        row(VM, machine=MACHINE_ID.lower()),
        row(DISK, source=DISK_ID.lower(), sourceSet=DISK_ID.lower()),
        row(None, machine=MACHINE_ID.lower()),
    ]
    async with playing(trust, Player()) as player:
        player.body = {"totalRecords": 3, "count": 3, "data": rows, "resultTruncated": "false"}
        yield player


async def test_the_answer_is_the_items_of_the_resource(player: Player) -> None:
    """A row that names no item is left out."""
    item_lookup = GraphItemLookup(ResourceGraph(player.clients))

    assert await item_lookup.items_of(MACHINE_ID) == [VM]
    assert await item_lookup.items_of(DISK_ID.upper()) == [DISK]
    assert await item_lookup.items_of(SERVER_ID) == []
    assert "({resources})" not in player.asked[0]["query"]


async def test_those_who_ask_at_once_share_a_query(player: Player) -> None:
    """The first one goes alone, all who come while it is under way go together, a hundred at most."""
    item_lookup = GraphItemLookup(ResourceGraph(player.clients))
    servers = [f"{SERVER_ID}-{number:03}" for number in range(150)]

    found = await asyncio.gather(*(item_lookup.items_of(each) for each in [MACHINE_ID, *servers, DISK_ID]))

    assert [each for each in found if each] == [[VM], [DISK]]
    assert [each["query"].count("'/subscriptions/") // 3 for each in player.asked] == [1, 100, 51]


async def test_after_a_failure_the_next_one_asks_again(player: Player) -> None:
    """Each with its own time limit; nobody is told that there is nothing."""
    item_lookup = GraphItemLookup(ResourceGraph(player.clients))
    player.status = 403
    outcomes = await asyncio.gather(
        *(item_lookup.items_of(each) for each in (MACHINE_ID, DISK_ID)), return_exceptions=True
    )
    player.status = 200

    assert [type(each) for each in outcomes] == [Forbidden, Forbidden]
    assert await item_lookup.items_of(MACHINE_ID) == [VM]


@pytest.mark.parametrize(
    "resource_id",
    [
        "",
        MACHINE_ID + "'",
        MACHINE_ID + "\\",
        MACHINE_ID + "\n",
        MACHINE_ID + "' or true or '",
        "/subscriptions/x/resourceGroups/rg/providers/Microsoft.Compute/disks/d",
        MACHINE_ID.replace("vm-01", "vm\u212a"),
        VM.vault.id.replace("/providers", ""),
    ],
)
async def test_what_is_no_resources_id_is_never_asked_about(resource_id: str) -> None:
    """It would become part of a query."""
    nobody: Any = None

    assert await GraphItemLookup(nobody).items_of(resource_id) == []
