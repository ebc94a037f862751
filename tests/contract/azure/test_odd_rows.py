"""A row that nobody of this version wrote: what it is about waits, and nobody else notices."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from azure.data.tables import UpdateMode

from backup_retry.azure.tables import INCIDENTS, OPEN
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.journal import StepKind
from tests.failures import closed, step
from tests.healthy_items import HealthyItems
from tests.odd_rows import ODD_ROWS, Odd, row_of, troubled
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def healthy_items(tables: Tables) -> AsyncIterator[HealthyItems]:
    """Four healthy items; afterwards the tables are empty."""
    found = HealthyItems(tables)
    await found.begin()
    yield found
    await found.clear()


async def put(healthy_items: HealthyItems, odd: Odd) -> tuple[str, dict[str, object], Incident]:
    """Store an incident, then the odd row in the place of the usual one, or beside it."""
    incident = troubled()
    failed = incident.failure
    healthy_items.fails(failed.id, of=failed.item, started_at=failed.started_at, status=JobStatus.FAILED)
    stored = await healthy_items.ledger.save(incident, [step(incident, StepKind.NOTED)], failed.id)
    assert stored is not None
    table, row = row_of(odd, stored)
    await healthy_items.tables.service.get_table_client(table).upsert_entity(row, mode=UpdateMode.REPLACE)
    return table, row, stored


@pytest.mark.parametrize("odd", ODD_ROWS, ids=str)
async def test_an_odd_row_costs_what_it_is_about_and_nothing_else(
    healthy_items: HealthyItems, odd: Odd
) -> None:
    """Alerts, deferred signals, sweep, follow-up, page and health do their work; it stays as it is and is named."""
    table, row, incident = await put(healthy_items, odd)
    key = str(row["RowKey"])
    before = [each.key for each in await healthy_items.unreadables.found()]

    reaction = await healthy_items.handle_signal(incident.failure)
    retried = await healthy_items.retried()
    await healthy_items.ledger.steps(incident.item)
    page, document, health = await healthy_items.shown()

    assert set(retried.values()) == {not odd.holds_all}
    holds = odd.kind in {"head", "attempt"} and not odd.readable
    assert (reaction.deferred, healthy_items.is_retried(incident.item)) == (
        holds,
        not holds and not odd.holds_all,
    )
    named = [each["key"] for each in document["unreadable_rows"]] + before
    assert (key in named) is (not odd.readable)
    if not odd.readable and odd.kind != "beat":  # which the run has written anew
        assert key in page
        assert health["unreadable_rows"] == {odd.kind: 1}
        client = healthy_items.tables.service.get_table_client(table)
        assert await client.get_entity(str(row["PartitionKey"]), key) == row


@pytest.mark.parametrize("odd", [odd for odd in ODD_ROWS if odd.kind == "notice"], ids=str)
async def test_a_notice_that_cannot_be_read_stays_and_keeps_its_incident_in_the_index(
    healthy_items: HealthyItems, odd: Odd
) -> None:
    """Also once it is closed: another version may still tell it."""
    _, row, incident = await put(healthy_items, odd)
    current = (await healthy_items.ledger.load(incident.item)).incident
    assert current is not None
    ended = closed(await healthy_items.ledger.told(current, current.without_notices().without_lines()))

    await healthy_items.ledger.save(ended)

    index = await healthy_items.tables.row_of(OPEN, incident)
    left = [each["RowKey"] for each in await healthy_items.tables.rows(INCIDENTS)]
    assert (index is None, row["RowKey"] in left) == (odd.readable, not odd.readable)
