"""What is still to be sent or logged is kept with its incident, in both ledgers."""

import pytest

from backup_retry.domain.incident_notices import notice
from backup_retry.domain.journal import StepKind
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.texts import visible
from backup_retry.ports.ledger import Ledger, MemoryLedger
from backup_retry.ports.log_events import line_of
from tests.failures import claimed, closed, noted, open_of, opened, saved, step
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNICODE = "Zürich „übergelaufen“ \u2028 日本 🧨"


@pytest.fixture(params=["memory", "table"])
def ledger(request: pytest.FixtureRequest) -> Ledger:
    """One of both."""
    if request.param == "memory":
        return MemoryLedger()
    tables: Tables = request.getfixturevalue("tables")
    return tables.ledger


async def test_what_is_to_be_told_stays_until_it_is_told(ledger: Ledger) -> None:
    """The log's lines first, then the notices; also with a closed incident, which stays in the index for it."""
    incident = opened()
    incident = incident.with_notices(
        notice(NoticeKind.RETRY_TRIGGERED, incident, incident.opened_at, detail=UNICODE)
    ).with_lines(line_of(incident, step(incident, StepKind.TOLD, detail=UNICODE)))
    stored = await saved(ledger, closed(claimed(await noted(ledger, incident))))
    assert (await ledger.load(incident.item)).incident == stored
    assert [each.kind for each in stored.notices] == [NoticeKind.RETRY_TRIGGERED]
    assert [(each.is_warning, each.fields["detail"]) for each in stored.lines] == [(True, visible(UNICODE))]
    assert await open_of(ledger, incident.item) == [stored]

    logged = await ledger.told(stored, stored.without_lines())
    assert logged == stored.without_lines()
    assert await open_of(ledger, incident.item) == [logged]

    told = await ledger.told(logged, logged.without_notices())
    assert not told.is_untold
    assert (await ledger.load(incident.item)).incident == told
    assert await open_of(ledger, incident.item) == []
