"""Last alert received, in memory and in Table Storage."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from backup_retry.azure.control_rows import arrival_row
from backup_retry.azure.table_arrivals import TableArrivals
from backup_retry.azure.tables import CONTROL
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.arrivals import AlertKind, Arrival
from backup_retry.ports.arrivals import Arrivals, MemoryArrivals
from tests.builders import NOW, minutes, vault
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(params=["memory", "tables"])
def arrivals(request: pytest.FixtureRequest) -> Arrivals:
    """Each of the two."""
    if request.param == "memory":
        return MemoryArrivals()
    tables: Tables = request.getfixturevalue("tables")
    return TableArrivals(tables.service)


async def of(arrivals: Arrivals, mine: Vault) -> dict[AlertKind, datetime]:
    """What is known of a vault."""
    return {each.kind: each.at for each in await arrivals.all() if each.vault == mine}


async def test_the_newest_of_each_kind_is_kept(arrivals: Arrivals) -> None:
    """By vault; a later one takes the place of an earlier one."""
    mine, other = vault("v-newest"), vault("v-other")
    await arrivals.note(mine, AlertKind.BACKUP_ALERT, NOW)
    await arrivals.note(mine, AlertKind.TEST, NOW)
    await arrivals.note(other, AlertKind.EVENT, NOW)
    await arrivals.note(mine, AlertKind.BACKUP_ALERT, NOW + minutes(10))
    await arrivals.note(mine, AlertKind.TEST, NOW + minutes(1))
    assert await of(arrivals, mine) == {
        AlertKind.BACKUP_ALERT: NOW + minutes(10),
        AlertKind.TEST: NOW + minutes(1),
    }
    assert await of(arrivals, other) == {AlertKind.EVENT: NOW}


async def test_in_a_storm_of_alerts_few_are_written(tables: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within five minutes the first one of a kind is enough; another process writes its own."""
    arrivals, mine = TableArrivals(tables.service), vault("v-storm")
    for second in range(10):
        await arrivals.note(mine, AlertKind.LOG_ALERT, NOW + minutes(second / 3))
    assert await of(arrivals, mine) == {AlertKind.LOG_ALERT: NOW}


async def test_a_kind_of_a_version_to_come_is_set_aside(tables: Tables) -> None:
    """The others are read."""
    mine = Arrival(vault=vault("v-odd"), kind=AlertKind.EVENT, at=NOW)
    row = arrival_row(mine)
    table = tables.service.get_table_client(CONTROL)
    odd = {**row, "RowKey": row["RowKey"].replace("event", "fax"), "kind": "fax"}
    for each in (row, odd):
        await table.upsert_entity(each)
    found: Sequence[Arrival] = await TableArrivals(tables.service).all()
    assert [each for each in found if each.vault == mine.vault] == [mine]
    for each in (row, odd):
        await table.delete_entity(each)
