"""What the ledger forgets: incidents that were closed long ago, and nothing that anybody still needs."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from backup_retry.azure.table_archive import TableArchive
from backup_retry.azure.table_ledger import INCIDENTS, JOURNAL
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.jobs import Source
from backup_retry.domain.journal import StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.ports.log_events import line_of
from tests.failures import claimed, closed, failed_job, noted, open_of, opened, saved, step, vm_item
from tests.table_storage import CrashError, Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

LONG_AGO = datetime.fromisoformat("2026-03-01T01:00:00Z")
#: the day after everything that is closed long ago
BEFORE = LONG_AGO + timedelta(days=1)
MOST = 100


async def close(tables: Tables, incident: Incident) -> Incident:
    """The incident as it ends after one retry, with its journal."""
    ended = closed(claimed(await noted(tables.ledger, incident)))
    stored = await tables.ledger.save(ended, [step(ended, StepKind.CLOSED, job_id=ended.failure.id)])
    assert stored is not None
    return stored


async def once_failed(tables: Tables, item: ProtectedItem | None = None, at: datetime = LONG_AGO) -> Incident:
    """A closed incident of an item that had none, or had its last one closed."""
    failed = failed_job(item, at)
    last = (await tables.ledger.load(failed.item)).incident
    return await close(tables, Incident.open(failed, Source.SWEEP, failed.ended_at, after=last))


async def purge(tables: Tables, before: datetime = BEFORE, most: int = MOST) -> int:
    """Forget; how many."""
    return await TableArchive(tables.service).purge(before, most)


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def _nothing_old(tables: Tables) -> None:
    """What other tests left behind from that time is gone."""
    while await purge(tables):
        pass


async def test_an_incident_closed_long_ago_is_forgotten(tables: Tables) -> None:
    """Its head, attempts, steps and failed jobs, and its row of the journal."""
    incident = await once_failed(tables)
    before = len(await tables.rows(INCIDENTS))

    assert await purge(tables) == 1

    assert len(await tables.rows(INCIDENTS)) == before - 5
    assert (await tables.ledger.load(incident.item, incident.first_job_id)).job_known is False
    assert (await tables.ledger.load(incident.item)).incident is None
    assert await tables.ledger.steps(incident.item) == []
    assert await tables.row_of(JOURNAL, incident) is None
    assert await purge(tables) == 0


async def test_one_that_was_closed_on_that_day_is_kept(tables: Tables) -> None:
    """The day before is the last that is forgotten."""
    incident = await once_failed(tables)
    assert incident.closed_at is not None

    assert await purge(tables, incident.closed_at) == 0
    assert (await tables.ledger.load(incident.item, incident.first_job_id)).job_known
    assert await purge(tables, incident.closed_at + timedelta(days=1)) == 1


async def test_an_open_incident_is_not_touched(tables: Tables) -> None:
    """Though it is as old, and though its item has an older one that goes."""
    old = await once_failed(tables)
    failed = failed_job(old.item, LONG_AGO + timedelta(hours=9))
    new = await noted(tables.ledger, Incident.open(failed, Source.SWEEP, failed.ended_at, after=old))
    new = await saved(tables.ledger, claimed(new))
    before = await tables.ledger.load(old.item)

    assert await purge(tables) == 1

    after = await tables.ledger.load(old.item, failed.id)
    assert after.job_known
    assert after.incident == replace(new, earlier_triggers=())
    assert before.incident == replace(new, earlier_triggers=old.triggers)
    assert await open_of(tables.ledger, old.item) == [after.incident]
    assert (await tables.ledger.load(old.item, old.first_job_id)).job_known is False
    assert {each.incident_id for each in await tables.ledger.steps(old.item)} == {new.id}


async def test_a_later_incident_of_the_same_item_is_kept(tables: Tables) -> None:
    """Closed as well, but not long ago."""
    old = await once_failed(tables)
    new = await once_failed(tables, old.item, BEFORE + timedelta(days=1))

    assert await purge(tables) == 1

    assert (await tables.ledger.load(old.item, new.first_job_id)).job_known
    current = (await tables.ledger.load(old.item)).incident
    assert current is not None
    assert current.id == new.id
    assert await tables.row_of(JOURNAL, new) is not None
    assert await purge(tables, BEFORE + timedelta(days=9)) == 1


async def test_what_has_not_been_told_yet_is_kept(tables: Tables) -> None:
    """The topic has been away for long; the follow-up goes on trying."""
    incident = await noted(tables.ledger, opened(failed_job(vm_item(), LONG_AGO)))
    ended = closed(incident)
    ended = ended.with_notices(notice(NoticeKind.RECOVERED, ended, LONG_AGO))
    ended = await saved(tables.ledger, ended.with_lines(line_of(ended, step(ended, StepKind.CLOSED))))

    assert await purge(tables) == 0
    assert await open_of(tables.ledger, incident.item) == [ended]

    left = await tables.ledger.told(ended, ended.without_notices())
    assert await purge(tables) == 0

    await tables.ledger.told(left, left.without_lines())
    assert await purge(tables) == 1


async def test_a_run_forgets_no_more_than_it_is_told_to(tables: Tables) -> None:
    """The next one goes on."""
    for _ in range(5):
        await once_failed(tables)

    assert [await purge(tables, most=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_an_incident_with_a_long_journal_is_forgotten(tables: Tables) -> None:
    """A transaction holds a hundred deletions."""
    incident = await noted(tables.ledger, opened(failed_job(vm_item(), LONG_AGO)))
    for _ in range(3):
        incident = await saved(tables.ledger, incident.waiting(incident.due, incident.reason))
        steps = [step(incident, StepKind.WAITING) for _ in range(60)]
        stored = await tables.ledger.save(incident, steps)
        assert stored is not None
        incident = stored
    await saved(tables.ledger, closed(incident))

    assert await purge(tables) == 1
    assert await tables.ledger.steps(incident.item) == []


@pytest.mark.parametrize("crashes_at", [("POST", "/$batch"), ("DELETE", f"/{JOURNAL}(")])
async def test_a_crash_on_the_way_is_repaired_by_the_next_run(
    tables: Tables, crashes_at: tuple[str, str]
) -> None:
    """Before the item's rows are gone, or before the journal's is."""
    incident = await once_failed(tables)
    tables.wire.crash_before = lambda call: call[0] == crashes_at[0] and call[1].startswith(crashes_at[1])
    with pytest.raises(CrashError):
        await purge(tables)
    tables.wire.crash_before = lambda _: False

    assert await purge(tables) == 1
    assert (await tables.ledger.load(incident.item)).incident is None
    assert await tables.row_of(JOURNAL, incident) is None


async def test_an_incident_that_opens_meanwhile_survives(tables: Tables) -> None:
    """The item fails again between the look and the deletion: the head is no longer the one that was looked at."""
    old = await once_failed(tables)
    archive = TableArchive(tables.service)
    failed = failed_job(old.item, BEFORE)
    looks = archive._incidents.submit_transaction
    new: list[Incident] = []

    async def fails_again(operations: object) -> object:
        if not new:
            again = Incident.open(failed, Source.SWEEP, failed.ended_at, after=old)
            new.append(again)
            await noted(tables.ledger, again)
        return await looks(operations)  # type: ignore[arg-type]

    archive._incidents.submit_transaction = fails_again  # type: ignore[method-assign, assignment]
    assert await archive.purge(BEFORE, MOST) == 0

    current = await tables.ledger.load(old.item, failed.id)
    assert current.job_known
    assert current.incident is not None
    assert current.incident.id == new[0].id
    assert current.incident.is_open


async def test_where_nothing_is_old_one_request_says_so(tables: Tables) -> None:
    """It rides along with every follow-up."""
    for _ in range(3):
        await once_failed(tables, at=BEFORE)
    tables.wire.sent.clear()

    assert await purge(tables) == 0
    assert tables.wire.sent == [("GET", f"/{JOURNAL}()")]
    await purge(tables, BEFORE + timedelta(days=9))
