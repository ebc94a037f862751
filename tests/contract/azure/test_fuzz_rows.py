"""Stored rows with columns dropped, of another type, or cut off: they cost what they are about, and no other item."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backup_retry.azure.tables import CONTROL
from tests.healthy_items import HealthyItems
from tests.odd_rows import MANY, PAST
from tests.stored_rows import FIRST, TO_COME, stored
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROWS = [*stored(FIRST), *stored(TO_COME)]
#: what a column may hold instead
OTHERS: tuple[Any, ...] = (5, -1.5, True, "", "yesterday", "9999-99-99", "[]", "{x", b"x", PAST, MANY)
KEYS = {"PartitionKey", "RowKey"}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Mapping[str, Any]]:
    """A row that some version wrote, of which up to three columns are gone, of another type, or cut off."""
    table, row = draw(st.sampled_from(ROWS))
    columns = dict(row)
    for _ in range(draw(st.integers(1, 3))):
        if not (names := sorted(set(columns) - KEYS)):
            break
        name = draw(st.sampled_from(names))
        way, kept = draw(st.sampled_from(("drop", "retype", "cut"))), columns.pop(name)
        if way == "retype":
            columns[name] = draw(st.sampled_from(OTHERS))
        elif way == "cut":
            columns[name] = str(kept)[: draw(st.integers(0, len(str(kept))))]
    return table, columns


def holds_all(table: str, row: Mapping[str, Any]) -> bool:
    """A pause may hold every item, and what cannot be read of one never permits."""
    return table == CONTROL and str(row["RowKey"]).startswith("pause")


@pytest_asyncio.fixture(loop_scope="module")
async def neighbours(tables: Tables) -> AsyncIterator[Tables]:
    """Tables that are empty, and are so again afterwards."""
    await HealthyItems(tables).clear()
    yield tables
    await HealthyItems(tables).clear()


@given(case=mutated())
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
async def test_no_broken_row_harms_another_item(
    neighbours: Tables, case: tuple[str, Mapping[str, Any]]
) -> None:
    """Alerts, deferred signals, sweep, follow-up, page and health go on; only a pause may hold them."""
    table, row = case
    found = HealthyItems(neighbours)
    await found.begin()
    await neighbours.service.get_table_client(table).upsert_entity(dict(row))
    try:
        retried = await asyncio.wait_for(found.retried(), 30)
        await found.shown()
        assert all(retried.values()) or holds_all(table, row)
    finally:
        await found.clear()
