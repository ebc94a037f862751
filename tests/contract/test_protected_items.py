"""What protects a resource, asked of Resource Graph: the query on a real KQL engine, the adapter through the SDK."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backup_retry.azure.protected_items import GraphFinder
from backup_retry.azure.resource_graph import ResourceGraph
from simulator.kql import GraphTables
from simulator.tls import Certificates
from tests.player import Player, playing
from tests.signal_reading import DISK, DISK_ID, MACHINE_ID, VM

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
QUERY = (
    Path(__file__).parents[2].joinpath("backup_retry/azure/protected_items.kql").read_text(encoding="utf-8")
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
    result = tables.query(QUERY.replace("{resource}", resource_id), NOW)

    assert [[str(value) for value in row] for row in result.rows] == [[each] for each in found]


async def test_the_answer_is_the_items(trust: Certificates) -> None:
    """One query, bound to the resource; a row that names no item is left out."""
    async with playing(trust, Player()) as player:
        rows = [{"id": VM.id}, {"id": DISK.id}, {"id": "no id"}]
        player.body = {"totalRecords": 3, "count": 3, "data": rows, "resultTruncated": "false"}
        found = await GraphFinder(ResourceGraph(player.clients)).items_of(MACHINE_ID)

    assert [item.key for item in found] == [VM.key, DISK.key]
    [asked] = player.asked
    assert asked["query"].count(f"'{MACHINE_ID}'") == 3
    assert "'{resource}'" not in asked["query"]


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

    assert await GraphFinder(nobody).items_of(resource_id) == []
