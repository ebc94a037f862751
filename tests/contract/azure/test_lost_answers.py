"""Writes that take effect and are answered with an error, so that the SDK or the sender repeats them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from backup_retry.azure.report_rows import open_key
from backup_retry.azure.table_archive import TableArchive
from backup_retry.azure.table_inbox import TableInbox
from backup_retry.azure.table_ledger import INCIDENTS, JOURNAL, OPEN, TABLES, TableLedger
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import notice
from backup_retry.domain.jobs import FailedJob, JobStatus, Source
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.pauses import Pause
from backup_retry.engine.engine import Engine
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import Storm
from reconciler.follow_up import FollowUp
from simulator.azurite import Azurite
from simulator.machine.tls import Certificates
from tests.builders import NOW, minutes
from tests.clock import Clock
from tests.failures import claimed, closed, failed_job, noted, opened, saved, vm_item
from tests.table_storage import Call, Lost, Tables, table_service
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TURNS = 10
#: an incident's life has fewer writes
_MOST_WRITES = 40
LONG_AGO = NOW - timedelta(days=200)


@pytest_asyncio.fixture(loop_scope="module")
async def hasty(shared_azurite: Azurite, trust: Certificates, tables: Tables) -> AsyncIterator[Tables]:
    """A worker of its own on the same tables, whose SDK repeats at once."""
    options = {"retry_backoff_factor": 0, "retry_total": 3}
    endpoint, context = shared_azurite.endpoint, trust.client_context()
    async with table_service(endpoint, context, **options) as (service, wire):
        yield Tables(service, wire, tables.clock, TableLedger(service, tables.clock))


def is_write(call: Call) -> bool:
    """True for what changes something."""
    return call[0] != "GET"


class Nth:
    """Loses the answer to the n-th write, and to its repetitions where it is to stay lost."""

    def __init__(self, number: int, lost: Lost, *, for_good: bool = False) -> None:
        self.number, self.lost, self.for_good = number, lost, for_good
        self.writes = 0
        self.victim: Call | None = None

    def __call__(self, call: Call) -> Lost | None:
        """Whether this answer is lost."""
        if not is_write(call):
            return None
        self.writes += 1
        if self.writes == self.number:
            self.victim = call
            return self.lost
        return self.lost if self.for_good and call == self.victim and self.writes <= self.number + 3 else None


class Life(World):
    """An incident from its alert to its end, lived by one worker and watched over by another."""

    def __init__(self, tables: Tables, watching: Tables) -> None:
        super().__init__(Rules(backoff=(timedelta(0),)))
        self.clock = self.vaults.clock = Clock()
        self.tables, self.watching = tables, watching
        for each in (tables, watching):
            each.ledger._clock = self.clock
        self.worker, self.watcher = self._engine(tables.ledger), self._engine(watching.ledger)
        self.failed = self.fails(of=vm_item(), started_at=NOW - minutes(45), activity_id="the schedule's")

    def _engine(self, ledger: TableLedger) -> Engine:
        self.ledger = ledger  # type: ignore[assignment]
        return self.another_engine()

    async def happens(self) -> None:
        """The alert comes until it is answered; then turn after turn, with the vault's jobs in between."""
        await self._hears(self.worker, self.failed)
        for turn in range(_TURNS):
            self.clock.move(minutes=10)
            self._azure()
            engine, tables = (self.worker, self.tables) if turn % 2 == 0 else (self.watcher, self.watching)
            with suppress(AzureUnavailable):
                await self._follow_up(engine, tables.ledger).run()
            await self.nothing_is_lost()

    async def moves_on(self) -> None:
        """The other worker hears of an older failure of the item, and stores it with the incident."""
        older = FailedJob(**{**vars(self.failed), "id": "job-0", "started_at": NOW - minutes(99)})
        await self.watcher.note(older, Source.SWEEP)

    async def nothing_is_lost(self) -> None:
        """An incident that is open stands in the index."""
        incident = (await self.watching.ledger.load(self.failed.item)).incident
        index = [row["RowKey"] for row in await self.watching.rows(OPEN)]
        assert incident is not None
        assert not incident.is_open or open_key(incident) in index

    async def _hears(self, engine: Engine, failed: FailedJob) -> None:
        for _ in range(3):
            with suppress(AzureUnavailable):
                await engine.handle(failed, Source.ALERT)
                return

    def _azure(self) -> None:
        """The first retry's job fails, the next one completes."""
        for number, attempt_id in enumerate(self.attempts):
            shown = next((job for job in self.vaults.shown_jobs if job.activity_id == attempt_id), None)
            if shown is None:
                self.runs(attempt_id, self.failed.item)
            elif shown.status.running:
                status = JobStatus.COMPLETED if number else JobStatus.FAILED
                self.ends(shown, status, "" if number else "CloudInternalError")

    def _follow_up(self, engine: Engine, ledger: TableLedger) -> FollowUp:
        return FollowUp(ledger=ledger, engine=engine, controls=ledger, clock=self.clock)


LOSSES: Mapping[str, tuple[Lost, bool, bool]] = {
    # how the answer is lost, whether its repetitions' are too, whether another worker moves on meanwhile
    "503 once": (Lost.SERVER_ERROR, False, False),
    "503 once, and another worker moves on": (Lost.SERVER_ERROR, False, True),
    "503 until the SDK gives up": (Lost.SERVER_ERROR, True, False),
    "the connection, and another worker moves on": (Lost.CONNECTION, False, True),
}


@pytest.mark.parametrize("loss", LOSSES)
async def test_an_incident_outlives_the_loss_of_any_answer(hasty: Tables, tables: Tables, loss: str) -> None:
    """Whichever write it is: two retries for two jobs, one end, everything told, no row left behind."""
    lost, for_good, moves_on = LOSSES[loss]
    for number in range(1, _MOST_WRITES):
        life, nth = Life(hasty, tables), Nth(number, lost, for_good=for_good)
        hasty.wire.lose = nth
        hasty.wire.meanwhile = life.moves_on if moves_on else _nobody
        await life.happens()
        hasty.wire.lose = lambda _: None
        await _ended_well(life)
        if nth.victim is None:
            assert number > 8, "the whole life has been tried"
            return
    pytest.fail("an incident's life has more writes than were tried")


async def _nobody() -> None: ...


async def _ended_well(life: Life) -> None:
    incident = (await life.watching.ledger.load(life.failed.item)).incident
    assert incident is not None
    assert incident.outcome is Outcome.RECOVERED, incident
    assert len(life.attempts) == len(set(life.attempts)) == 2
    own = {(each.kind, each.id) for each in life.publisher.sent if each.subject == life.failed.item.id}
    kinds = sorted(kind for kind, _ in own)
    assert kinds == [NoticeKind.RECOVERED, NoticeKind.RETRY_TRIGGERED, NoticeKind.RETRY_TRIGGERED]
    assert incident.notices == ()
    assert await life.watching.row_of(OPEN, incident) is None
    assert await life.watching.row_of(JOURNAL, incident) is not None


# ---- the other writes, each by itself ----------------------------------------------------------------------


def storm() -> Storm:
    """A storm that has just begun, of a code of its own."""
    canary = vm_item()
    return Storm(
        vault=canary.vault,
        code=canary.friendly_name,
        began_at=NOW,
        size=25,
        canary=canary,
        canary_incident="i-1",
        led_at=NOW,
    )


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_storm_whose_answer_was_lost_is_stored(hasty: Tables, is_new: bool) -> None:
    """Whoever began or changed it goes on to tell of it."""
    known = storm() if is_new else await hasty.ledger.save_storm(storm())
    assert known is not None
    hasty.wire.lose = Nth(1, Lost.SERVER_ERROR)
    stored = await hasty.ledger.save_storm(replace(known, told=True))
    assert stored is not None
    assert stored == await hasty.ledger.storm(known.key)


async def test_a_storm_that_another_worker_moved_on_meanwhile_is_stored_as_well(
    hasty: Tables, tables: Tables
) -> None:
    """What there is to tell of the own change is still told."""
    known = await hasty.ledger.save_storm(storm())
    assert known is not None

    async def released() -> None:
        current = await tables.ledger.storm(known.key)
        assert current is not None
        assert await tables.ledger.save_storm(replace(current, released_at=NOW)) is not None

    hasty.wire.lose, hasty.wire.meanwhile = Nth(1, Lost.SERVER_ERROR), released
    stored = await hasty.ledger.save_storm(replace(known, told=True))
    assert stored is not None
    assert (stored.told, stored.released_at) == (True, NOW)
    assert await hasty.ledger.save_storm(replace(known, told=False)) is None


async def test_a_row_that_is_gone_keeps_no_other_notice(tables: Tables) -> None:
    """Another worker has told one of them; the rest are forgotten as well."""
    incident = await noted(tables.ledger, _with_three_notices())
    one = replace(incident, notices=incident.notices[:1])
    await tables.ledger.told(one, one.without_notices())
    await tables.ledger.told(incident, incident.without_notices())
    assert (await tables.ledger.load(incident.item)).incident == replace(incident, notices=())


def _with_three_notices() -> Incident:
    incident = opened()
    kinds = (NoticeKind.RETRY_TRIGGERED, NoticeKind.STORM_BEGAN, NoticeKind.STORM_ENDED)
    return incident.with_notices(*(notice(kind, incident, NOW) for kind in kinds))


async def _told(tables: Tables) -> None:
    stored = await noted(tables.ledger, _with_three_notices())
    await tables.ledger.told(stored, stored.without_notices())


async def _closes(tables: Tables) -> None:
    await saved(tables.ledger, closed(claimed(await noted(tables.ledger, opened()))))


async def _purges(tables: Tables) -> None:
    old = opened(failed_job(vm_item(), LONG_AGO))
    await saved(tables.ledger, closed(await noted(tables.ledger, old)))
    archive = TableArchive(tables.service)
    for _ in range(2):
        await archive.purge(NOW - timedelta(days=90), 100)


async def _pauses(tables: Tables) -> None:
    await tables.ledger.set_pause(Pause(by="alice", why="maintenance"))
    await tables.ledger.beat("sweep", NOW)


async def _resumes(tables: Tables) -> None:
    await _pauses(tables)
    await tables.ledger.resume()


async def _keeps(tables: Tables) -> None:
    await TableInbox(tables.service, tables.clock).add({"vault": vm_item().vault.id, "label": "an alert"})


async def _forgets(tables: Tables) -> None:
    inbox = TableInbox(tables.service, tables.clock)
    await _keeps(tables)
    for kept in await inbox.due(10):
        await inbox.forget(kept)


@pytest.mark.parametrize("work", [_told, _closes, _purges, _pauses, _resumes, _keeps, _forgets])
async def test_a_write_that_is_repeated_leaves_what_it_would_have_left(
    hasty: Tables, work: Callable[[Tables], Awaitable[None]]
) -> None:
    """Whichever of its writes it is; the keys of all rows are the same in number and kind."""
    await _clear(hasty)
    await work(hasty)
    wanted = await _kinds(hasty)
    for number in range(1, _MOST_WRITES):
        await _clear(hasty)
        hasty.wire.lose = nth = Nth(number, Lost.SERVER_ERROR)
        await work(hasty)
        hasty.wire.lose = lambda _: None
        assert await _kinds(hasty) == wanted
        if nth.victim is None:
            return
    pytest.fail("it has more writes than were tried")


async def _kinds(tables: Tables) -> dict[str, list[str]]:
    """How the keys of the rows begin, and what they say of their states."""
    return {
        name: sorted(f"{str(row['RowKey'])[:4]}{row.get('state', '')}" for row in await tables.rows(name))
        if name == INCIDENTS
        else ["row"] * len(await tables.rows(name))
        for name in TABLES
    }


async def _clear(tables: Tables) -> None:
    for name in TABLES:
        table = tables.service.get_table_client(name)
        for row in await tables.rows(name):
            await table.delete_entity(row)
