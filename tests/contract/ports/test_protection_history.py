"""What is kept of protection, in memory and in Table Storage."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from backup_retry.azure.history_rows import HISTORY_PARTITION, day_row
from backup_retry.azure.table_history import TableHistory
from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.tables import CONTROL
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.protected_days import ProtectionCount, VaultDay, mark_of
from backup_retry.domain.protection import Protection
from backup_retry.ports.protection_history import MemoryHistory, ProtectionHistory, seen_since
from tests.builders import NOW, item, vault
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = date(2026, 11, 1)


@pytest.fixture(params=["memory", "tables"])
def history(request: pytest.FixtureRequest) -> Iterator[ProtectionHistory]:
    """Each of the two."""
    if request.param == "memory":
        yield MemoryHistory()
    else:
        tables: Tables = request.getfixturevalue("tables")
        yield TableHistory(tables.service)


def days(number: int, first: date = DAY) -> list[VaultDay]:
    """Days of a vault that no other test has."""
    of = vault(f"v-{uuid4().hex[:12]}")
    return [
        VaultDay(vault=of, day=first + timedelta(days=each), kept=frozenset({"aaaaaa", "bbbbbb"}))
        for each in range(number)
    ]


async def of(history: ProtectionHistory, like: VaultDay, since: date = DAY) -> list[VaultDay]:
    """What is kept of that vault, oldest first."""
    found = [each for each in await history.days(since) if each.vault.key == like.vault.key]
    return sorted(found, key=lambda each: each.day)


async def test_days_come_back_until_they_are_forgotten(history: ProtectionHistory) -> None:
    """More than one transaction holds; the last word counts."""
    known = days(60)
    await history.keep(known)
    changed = replace(known[0], missed=frozenset({"cccccc"}), waiting={"dddddd": NOW})
    await history.keep([changed])
    assert await of(history, known[0]) == [changed, *known[1:]]
    assert await of(history, known[0], known[50].day) == known[50:]
    await history.forget(known[58].day)
    assert await of(history, known[0]) == known[58:]


async def test_a_row_of_another_version_is_left_as_it_is(tables: Tables) -> None:
    """It costs itself; a later sweep does not write over it."""
    odd, well = days(2)
    table = tables.service.get_table_client(CONTROL)
    await table.upsert_entity(day_row(odd) | {"kept": "half a mark", "schema": 9})
    history = TableHistory(tables.service)
    await history.keep([well])
    assert await of(history, odd) == [well]
    await history.keep([odd, well])
    row = await table.get_entity(HISTORY_PARTITION, day_row(odd)["RowKey"])
    assert (row["kept"], row["schema"]) == ("half a mark", 9)


async def test_the_last_count_is_told_by_health(tables: Tables) -> None:
    """A state of a later version is passed over."""
    count = ProtectionCount(
        at=NOW,
        states={
            Protection.PROTECTED: 9,
            Protection.OVERDUE: 2,
            Protection.NEVER: 1,
            Protection.ACTION_REQUIRED: 4,
        },
    )
    await TableHistory(tables.service).count(count)
    known = (await TableReports(tables.service).health()).protection
    assert known is not None
    assert (known, known.unprotected, known.overdue) == (count, 7, 3)


async def test_an_item_without_a_point_is_known_since_its_vaults_newest_day_says() -> None:
    """Once it has one, nobody asks since when."""
    first = replace(days(1)[0], vault=vault(), waiting={mark_of(item(1)): NOW, mark_of(item(2)): NOW})
    later = replace(first, day=DAY + timedelta(days=1), waiting={mark_of(item(1)): NOW})
    without = [Backups(item=item(number)) for number in (1, 2, 3)]
    assert seen_since(Estate(items=without), [later, first]) == {item(1).key: NOW}
    assert seen_since(Estate(items=[replace(without[0], last_good_at=NOW)]), [later]) == {}
