"""The summary of notices that could not be sent, in memory and in Table Storage; and who counts as open meanwhile."""

from datetime import timedelta

import pytest

from backup_retry.azure.table_reports import TableReports
from backup_retry.azure.table_unsent import TableUnsentStore
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.jobs import Source
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.ports.unsent_notices import MemoryUnsentStore, UnsentStore
from tests.builders import NOW, failed
from tests.failures import vm_item
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNSENT = UnsentNotices(
    number=3, since=NOW, answer="403 <refused> ü", tries=2, due=NOW + timedelta(minutes=10)
)


@pytest.fixture(params=["memory", "tables"])
def store(request: pytest.FixtureRequest) -> UnsentStore:
    """Each of the two."""
    if request.param == "memory":
        return MemoryUnsentStore()
    tables: Tables = request.getfixturevalue("tables")
    return TableUnsentStore(tables.service)


async def test_what_was_left_is_read_until_all_is_sent(store: UnsentStore) -> None:
    """Saying twice that all was sent is no error."""
    assert await store.unsent() is None
    await store.save_unsent(UNSENT)
    assert await store.unsent() == UNSENT
    for _ in range(2):
        await store.save_unsent(None)
        assert await store.unsent() is None


async def test_a_closed_incident_whose_notice_waits_is_not_open(tables: Tables) -> None:
    """From the next follow-up on the index of open ones says so; the follow-up still has it to tell."""
    reports, failure = TableReports(tables.service), failed(of=vm_item())
    opened = await tables.ledger.save(Incident.open(failure, Source.ALERT, NOW), job_id=failure.id)
    assert opened is not None
    end = Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NEEDS_ACTION, detail="Do it.")
    ended = opened.closed(end, NOW)
    closed = await tables.ledger.save(ended.with_notices(notice(NoticeKind.NEEDS_PERSON, ended, NOW)))
    assert closed is not None

    assert closed.id in {each.id for each in await tables.ledger.open_incidents()}
    assert closed.id not in {each.incident_id for each in await reports.opened()}
    assert closed.id in {each.id for each in await tables.ledger.open_incidents()}
    await tables.ledger.told(closed, closed.without_notices())
    assert closed.id not in {each.id for each in await tables.ledger.open_incidents()}
