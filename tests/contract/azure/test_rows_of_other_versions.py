"""Two versions side by side: what the other one wrote is read as far as it can be, and left alone otherwise."""

from collections.abc import AsyncIterator, Sequence
from datetime import date

import pytest
import pytest_asyncio

from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.table_unreadable import TableUnreadables
from backup_retry.azure.tables import CONTROL, OPEN
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import RowUnreadable
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.pauses import Pause
from backup_retry.ports.dead_letters import MemoryDeadLetters
from backup_retry.ports.unreadable_rows import UnreadableRow, dead_letter
from tests.builders import minutes
from tests.healthy_items import HealthyItems
from tests.stored_rows import FIRST, TO_COME, Row, stored
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY = date(2026, 11, 22)


@pytest_asyncio.fixture(loop_scope="module")
async def ledger_of(tables: Tables) -> AsyncIterator[HealthyItems]:
    """Readers of tables that are empty, and are so again afterwards."""
    found = HealthyItems(tables)
    await found.clear()
    yield found
    await found.clear()


async def fill(readers: HealthyItems, version: str) -> dict[str, list[Row]]:
    """The rows of a version, in the tables."""
    rows: dict[str, list[Row]] = {}
    for table, row in stored(version):
        await readers.tables.service.get_table_client(table).create_entity(dict(row))
        rows.setdefault(table, []).append(row)
    return rows


async def test_everything_that_0_1_0_wrote_is_read(ledger_of: HealthyItems) -> None:
    """By each reader: what is open and closed, the story, pauses, storms, heartbeats and signals."""
    rows = await fill(ledger_of, FIRST)

    opened = await ledger_of.ledger.open_incidents()
    closed = await ledger_of.reports.closed(DAY)
    steps = [step for each in opened for step in await ledger_of.ledger.steps(each.item)]

    assert {each.id for each in opened} == {row["incident"] for row in rows[OPEN]}
    assert {each.reason for each in opened} <= set(Reason)
    # One of the index's five rows is there only for a closed incident's notice: that incident is not open.
    assert (len(await ledger_of.reports.opened()), len(closed), len(steps)) == (4, 3, 16)
    assert len(await ledger_of.ledger.pauses()) == 2
    assert len(await ledger_of.reports.storms()) == 2
    assert len(await ledger_of.reports.beats()) == 4
    assert len(await ledger_of.inbox.due(10)) == 2
    assert await ledger_of.unreadables.found() == []


async def test_an_incident_of_0_1_0_goes_on_where_it_was(ledger_of: HealthyItems) -> None:
    """With its attempts, what is still to be told, and a fence that nobody else passes."""
    await fill(ledger_of, FIRST)
    [known] = await _of(ledger_of, "vm-claimed")
    results = [each.result for each in known.attempts]
    assert results == [AttemptResult.THROTTLED, AttemptResult.FAILED, AttemptResult.RUNNING]
    assert (known.state, len(known.notices), known.is_new) == (State.CLAIMED, 1, False)

    moved = known.unclear("the connection was closed", known.due + minutes(1))
    assert await ledger_of.ledger.save(moved) is not None
    assert await ledger_of.ledger.save(moved) is None
    [again] = await _of(ledger_of, "vm-claimed")
    assert (again.state, again.attempts, again.notices) == (State.UNKNOWN, known.attempts, known.notices)


async def test_of_a_later_version_what_can_be_read_is_read(ledger_of: HealthyItems) -> None:
    """New columns are passed over, a new reason is shown as its code, a new word costs its own row."""
    rows = await fill(ledger_of, TO_COME)

    [followed] = await ledger_of.ledger.open_incidents()
    closed = await ledger_of.reports.closed(DAY)
    pauses = await ledger_of.ledger.pauses()
    for row in rows[OPEN]:
        await ledger_of.ledger.steps(_item_of(row))

    assert (followed.item.friendly_name, followed.reason.value) == ("vm-waiting", "moon_phase")
    assert [each.reason.value for each in closed] == ["moon_phase"]
    assert sorted(each.until is None for each in pauses) == [True, True]
    assert [each.code for each in await ledger_of.reports.storms()] == ["CloudInternalError"]
    assert list(await ledger_of.reports.beats()) == ["follow_up"]
    assert [each.fields["severity"] for each in await ledger_of.inbox.due(10)] == ["Sev1"]
    assert sorted((row.kind, row.problem) for row in await ledger_of.unreadables.found()) == [
        ("attempt", "column result contains 'handed_over'"),
        ("beat", "column at contains 'week 47 of 2026'"),
        ("head", "column state contains 'handed_over'"),
        ("journal", "column outcome contains 'merged'"),
        ("notice", "column kind contains 'BackupRetry.Reminder'"),
        ("pause", "column until contains 'the next new moon'"),
        ("signal", "column source contains 'dead_letter'"),
        ("step", "column kind contains 'round_ended'"),
        ("storm", "column began_at contains 'yesterday'"),
    ]


async def test_what_a_later_version_knows_better_is_not_touched(ledger_of: HealthyItems) -> None:
    """Neither by follow-up and deferred signals nor by whoever asks for one of the items."""
    await fill(ledger_of, TO_COME)
    before = {row.key: row for row in await _unreadable(ledger_of)}
    await ledger_of.begin()
    await ledger_of.retried()
    after = {row.key: row for row in await _unreadable(ledger_of)}
    beat = "beat-sweep-hourly"  # of a profile that has not run
    assert beat in after
    assert after == before
    for row in [row for row in after.values() if row.kind in {"head", "attempt"}]:
        item = _item_of(next(each for _, each in stored(TO_COME) if each["PartitionKey"] == row.partition))
        with pytest.raises(RowUnreadable, match=row.key):
            await ledger_of.ledger.load(item)


async def test_a_summary_tells_other_processes_until_the_row_is_mended(
    ledger_of: HealthyItems, tables: Tables
) -> None:
    """A process that has read nothing yet names it and counts it; one that is mended or gone is dropped."""
    await fill(ledger_of, TO_COME)
    await ledger_of.ledger.open_incidents()
    await ledger_of.unreadables.sum_up()

    other = HealthyItems(tables)
    assert (await other.reports.health()).unreadable_rows == {
        "attempt": 1,
        "beat": 1,
        "head": 1,
        "notice": 1,
        "pause": 1,
        "storm": 1,
    }
    found = {row.kind: row for row in await other.unreadables.found()}
    assert set(found) == {"attempt", "beat", "head", "notice", "pause", "storm"}

    for row in found.values():
        await tables.service.get_table_client(row.table).delete_entity(row.partition, row.key)
    assert await other.unreadables.found() == []
    await other.unreadables.sum_up()
    assert (await ledger_of.reports.health()).unreadable_rows == {}


@pytest.mark.parametrize(
    "columns", [{"counts": "many", "rows": "5"}, {"counts": "[]"}, {}, {"counts": '{"x": 1}'}]
)
async def test_a_summary_that_a_hand_wrote_says_nothing(
    ledger_of: HealthyItems, columns: dict[str, str]
) -> None:
    """It is written anew."""
    row = {"PartitionKey": "control", "RowKey": "unreadable", **columns}
    await ledger_of.tables.service.get_table_client(CONTROL).upsert_entity(row)
    assert (await ledger_of.reports.health()).unreadable_rows == {}
    assert await ledger_of.unreadables.found() == []
    await ledger_of.unreadables.sum_up()
    assert (await ledger_of.reports.health()).unreadable_rows == {}


async def test_a_pause_written_by_hand_is_taken_back_by_its_scope(ledger_of: HealthyItems) -> None:
    """Whatever its key, and whether or not its end can be read."""
    await fill(ledger_of, TO_COME)
    for pause in await ledger_of.ledger.pauses():
        await ledger_of.ledger.resume(pause.scope.upper())
    assert await ledger_of.ledger.pauses() == []


async def test_a_pause_takes_the_place_of_one_written_by_hand(ledger_of: HealthyItems) -> None:
    """Of the same scope, whatever its key."""
    await fill(ledger_of, TO_COME)
    for scope in [each.scope for each in await ledger_of.ledger.pauses()]:
        await ledger_of.ledger.set_pause(Pause(by="ann", why="new", scope=scope.upper()))
    assert {each.by for each in await ledger_of.ledger.pauses()} == {"ann"}


async def _of(readers: HealthyItems, name: str) -> list[Incident]:
    return [each for each in await readers.ledger.open_incidents() if each.item.friendly_name == name]


async def _unreadable(readers: HealthyItems) -> Sequence[UnreadableRow]:
    await readers.ledger.open_incidents()
    await readers.inbox.due(10)
    return [row for row in await readers.unreadables.found() if row.key != "beat-follow_up"]


def _item_of(row: Row) -> ProtectedItem:
    found = ProtectedItem.parse(str(row["item"]))
    assert found is not None
    return found


async def test_a_dead_letter_that_nobody_can_read_is_among_them_until_it_is_removed(tables: Tables) -> None:
    """Another process knows it from the summary; one list of the container says that it is gone."""
    letters = MemoryDeadLetters({"t/S/1.json": b"x"}, {"t/S/1.json"})
    finder = TableUnreadables(tables.service, dead_letters=letters)
    finder.add(dead_letter("t/S/1.json", "it is not JSON"))
    await finder.sum_up()

    other = TableUnreadables(tables.service, dead_letters=letters)
    assert (await TableReports(tables.service).health()).unreadable_rows["dead_letter"] == 1
    assert "dead-letters/t/S/1.json" in [str(each).partition(":")[0] for each in await other.found()]

    await letters.delete("t/S/1.json")
    await finder.sum_up()
    assert "dead_letter" not in (await TableReports(tables.service).health()).unreadable_rows
