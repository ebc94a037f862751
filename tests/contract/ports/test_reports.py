"""Reports over the whole ledger: what the tables promise, the fake promises as well."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from backup_retry.azure.table_reports import TableReports
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.pauses import Pause
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import Beat, LeftOpen
from backup_retry.ports.reports import Closed, MemoryReports, Opened, Reports
from cli.dry_run import Store
from tests.builders import NOW, failed, item, vault
from tests.failures import vm_item
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

TODAY = NOW.date()
RECOVERED = Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED, detail="The retry completed.")


class Books:
    """A ledger and the reports over it."""

    def __init__(self, ledger: Store, reports: Reports) -> None:
        self.ledger, self.reports = ledger, reports
        self.item = item(of=vault(f"v-{uuid4().hex[:12]}"))

    async def opens(self, of: ProtectedItem | None = None) -> Incident:
        """An incident of an item begins."""
        failure = failed(f"job-{uuid4()}", of=of or self.item)
        saved = await self.ledger.save(Incident.open(failure, Source.ALERT, NOW), job_id=failure.id)
        assert saved is not None
        return saved

    async def closes(self, incident: Incident, days_ago: int = 0) -> Incident:
        """It ends."""
        closed = replace(incident, last_good_at=NOW).closed(RECOVERED, NOW - timedelta(days=days_ago))
        saved = await self.ledger.save(closed)
        assert saved is not None
        return saved

    async def opened(self) -> list[str]:
        """The open incidents of this test's vault."""
        found = await self.reports.opened()
        return [each.incident_id for each in found if each.item.vault == self.item.vault]

    async def waits(self) -> list[tuple[str, str]]:
        """What the open ones failed with, and what a person was told of them."""
        found = await self.reports.opened()
        return [(each.error, each.told) for each in found if each.item.vault == self.item.vault]

    async def closed(self, day: date) -> list[Closed]:
        """What was closed on a day in this test's vault."""
        found = await self.reports.closed(day)
        return [each for each in found if each.item.vault == self.item.vault]


@pytest.fixture(params=["tables", "memory"])
def books(request: pytest.FixtureRequest) -> Books:
    """Both stores."""
    if request.param == "memory":
        memory = MemoryReports()
        return Books(memory, memory)
    tables: Tables = request.getfixturevalue("tables")
    return Books(tables.ledger, TableReports(tables.service))


async def test_an_open_incident_is_named_with_its_item(books: Books) -> None:
    """As soon as it is stored."""
    incident = await books.opens()
    assert await books.opened() == [incident.id]
    [found] = [each for each in await books.reports.opened() if each.incident_id == incident.id]
    assert (found.item, found.at) == (books.item, NOW)


async def test_of_an_open_incident_it_is_known_what_failed_and_what_a_person_was_told(books: Books) -> None:
    """Without a look at the incident itself; somebody's answer takes it back."""
    incident = await books.opens()
    asked = replace(incident, told_of=("approval",), asked_at=NOW)
    saved = await books.ledger.save(asked, [Step(at=NOW, kind=StepKind.TOLD, incident_id=asked.id)])
    assert saved is not None
    assert await books.waits() == [("CloudInternalError", "approval")]

    approved = replace(saved, approved_by="eve")
    await books.ledger.save(approved, [Step(at=NOW, kind=StepKind.APPROVED, incident_id=asked.id)])
    assert await books.waits() == [("CloudInternalError", "")]


async def test_a_closed_incident_stands_on_the_day_it_was_closed(books: Books) -> None:
    """With everything that a report needs, and no longer among the open ones."""
    incident = await books.closes(await books.opens())
    assert await books.opened() == []
    assert await books.closed(TODAY) == [Closed.of(incident)]


async def test_another_day_is_another_page(books: Books) -> None:
    """Days are UTC."""
    await books.closes(await books.opens(), days_ago=1)
    assert await books.closed(TODAY) == []
    assert len(await books.closed(TODAY - timedelta(days=1))) == 1


async def test_an_item_may_stand_in_the_journal_many_times(books: Books) -> None:
    """Once for each incident."""
    first = await books.closes(await books.opens())
    failure = failed(f"job-{uuid4()}", of=books.item, started_at=NOW + timedelta(hours=1))
    again = Incident.open(failure, Source.SWEEP, NOW, after=first)
    saved = await books.ledger.save(again, job_id=failure.id)
    assert saved is not None
    second = await books.closes(saved)
    assert {each.incident_id for each in await books.closed(TODAY)} == {first.id, second.id}


async def test_an_incident_is_found_by_its_id(books: Books) -> None:
    """While it is open, and afterwards on one of the days that are asked for."""
    incident = await books.opens()
    found = await books.reports.find(incident.id, [])
    assert isinstance(found, Opened)
    closed = await books.closes(incident, days_ago=3)
    days = [TODAY - timedelta(days=back) for back in range(20)]
    assert await books.reports.find(incident.id, days) == Closed.of(closed)
    assert await books.reports.find(incident.id, days[:3]) is None


@pytest.mark.parametrize("name", ["nobody", "it's", "a' or PartitionKey ne '"])
async def test_an_id_that_is_nobodys_is_found_nowhere(books: Books, name: str) -> None:
    """Whatever it is made of."""
    await books.opens()
    assert await books.reports.find(name, [TODAY]) is None


async def test_heartbeats_are_listed_by_their_names(books: Books) -> None:
    """The newest of each, whatever else the controls hold."""
    hourly, weekly = f"sweep-{uuid4().hex[:8]}", f"incomplete-sweep-{uuid4().hex[:8]}"
    await books.ledger.beat(hourly, NOW - timedelta(hours=1))
    await books.ledger.beat(hourly, NOW)
    await books.ledger.beat(weekly, NOW - timedelta(days=1))
    await books.ledger.set_pause(Pause(by="ada", why="work", scope=books.item.vault.id))
    beats = await books.reports.beats()
    assert (beats[hourly], beats[weekly]) == (NOW, NOW - timedelta(days=1))
    assert all("sweep" in name or name == "follow_up" for name in beats)


async def test_health_is_the_heartbeats_and_what_the_follow_up_left_open(books: Books) -> None:
    """One small read, whatever is open."""
    await books.opens()
    left = LeftOpen(incidents=7, approvals=2)
    await books.ledger.beat(Beat.FOLLOW_UP, NOW, left)
    found = await books.reports.health()
    assert (found.left, found.beats[Beat.FOLLOW_UP], found.unreadable_rows) == (left, NOW, {})
    assert found.beats == await books.reports.beats()


async def test_the_tables_health_is_one_request(tables: Tables) -> None:
    """Anybody may ask for it."""
    books = Books(tables.ledger, TableReports(tables.service))
    for name in ("vm-1", "vm-2", "vm-3"):
        await books.opens(vm_item(name, books.item.vault))
    tables.wire.sent.clear()
    await books.reports.health()
    assert [method for method, _ in tables.wire.sent] == ["GET"]


async def test_storms_are_listed(books: Books) -> None:
    """All that are remembered."""
    storm = Storm(
        vault=books.item.vault,
        code="CloudInternalError",
        began_at=NOW,
        size=30,
        canary=books.item,
        canary_incident="i-1",
        led_at=NOW,
    )
    assert await books.ledger.save_storm(storm) is not None
    found = [each for each in await books.reports.storms() if each.vault == books.item.vault]
    assert [replace(each, version="") for each in found] == [storm]


@pytest.mark.parametrize(
    "changed",
    [{"item": "nothing"}, {"outcome": "better_than_ever"}, {"closed_at": "yesterday"}],
    ids=str,
)
async def test_a_row_that_cannot_be_read_is_left_out(tables: Tables, changed: dict[str, str]) -> None:
    """Somebody wrote it by hand, or a newer version did; the others are reported."""
    books = Books(tables.ledger, TableReports(tables.service))
    incident = await books.closes(await books.opens())
    row = await tables.row_of("journal", incident)
    assert row is not None
    other = row | {"RowKey": str(uuid4())} | changed
    await tables.service.get_table_client("journal").upsert_entity(other)
    assert [each.incident_id for each in await books.closed(TODAY)] == [incident.id]
