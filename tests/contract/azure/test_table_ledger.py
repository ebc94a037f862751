"""Table Storage's own half of the ledger: crashes between its writes, repeated writes, requests, processes."""

import asyncio
import multiprocessing
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from backup_retry.azure.table_ledger import CONTROL, JOURNAL, OPEN, TableLedger
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.domain.journal import StepKind
from backup_retry.domain.pauses import Pause
from backup_retry.ports.ledger import Beat
from simulator.azurite import Azurite
from simulator.machine.tls import Certificates
from tests import racing
from tests.clock import Clock
from tests.failures import claimed, closed, failed_job, noted, open_of, opened, saved, step, vm_item
from tests.table_storage import CrashError, Tables, table_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: what a transaction is on the wire
BATCH = ("POST", "/$batch")


async def test_nothing_has_beaten_in_new_tables(tables: Tables) -> None:
    """No heartbeat is None, and making the tables again is no error."""
    await tables.ledger.create_tables()
    await tables.service.get_table_client(CONTROL).delete_entity("control", "beat-sweep")
    assert await tables.ledger.last_beat(Beat.SWEEP) is None


async def test_another_worker_sees_a_pause_within_ten_seconds(tables: Tables) -> None:
    """Each worker reads the switch at most once in ten seconds."""
    other = TableLedger(tables.service, tables.clock)
    pause = Pause(by="alice", why="maintenance")
    assert list(await other.pauses()) == []
    await tables.ledger.set_pause(pause)
    tables.clock.move(seconds=9)
    assert list(await other.pauses()) == []
    tables.clock.move(seconds=1)
    assert list(await other.pauses()) == [pause]
    await tables.ledger.resume()


async def test_each_operation_has_its_number_of_requests(tables: Tables) -> None:
    """One to load or save; two to save a new one, three to close it; the pause once for many."""
    incident = opened()
    ledger, sent = tables.ledger, tables.wire.sent
    requests: dict[str, int] = {}

    def count(operation: str) -> None:
        requests[operation] = len(sent)
        sent.clear()

    await ledger.load(incident.item, incident.first_job_id)
    count("load")
    incident = await noted(ledger, incident)
    count("new")
    incident = await saved(ledger, claimed(incident))
    count("open")
    await saved(ledger, closed(incident))
    count("closed")
    await ledger.pauses()
    await ledger.pauses()
    count("pause")
    assert requests == {"load": 1, "new": 2, "open": 1, "closed": 3, "pause": 1}


async def test_a_closed_incident_is_reported_in_the_journal_of_its_day(tables: Tables) -> None:
    """One row with what a report needs."""
    incident = await saved(tables.ledger, closed(claimed(await noted(tables.ledger, opened()))))
    row = await tables.row_of(JOURNAL, incident)
    assert row is not None
    wanted = {
        "PartitionKey": "2026-11-22",
        "item": incident.item.id,
        "error": "CloudInternalError",
        "attempts": 1,
        "outcome": "recovered",
        "reason": "retry_succeeded",
    }
    assert {name: row[name] for name in wanted} == wanted


async def test_an_index_row_without_its_incident_is_removed_after_half_an_hour(tables: Tables) -> None:
    """The process died between the two writes; until then another one may still be writing the incident."""
    incident = opened()
    tables.wire.crash_before = lambda call: call == BATCH
    with pytest.raises(CrashError):
        await tables.ledger.save(incident, job_id=incident.first_job_id)
    tables.wire.crash_before = lambda _: False
    assert await open_of(tables.ledger, incident.item) == []
    tables.clock.move(minutes=30)
    await tables.ledger.open_incidents()
    assert await tables.row_of(OPEN, incident) is not None
    tables.clock.move(seconds=1)
    await tables.ledger.open_incidents()
    assert await tables.row_of(OPEN, incident) is None


async def test_an_open_incident_stays_in_the_index_after_a_lost_race_about_an_older_failure(
    tables: Tables,
) -> None:
    """The older failure becomes its first one; the loser must not take the winner's row away."""
    log = failed_job(operation="Backup (Log)")
    full = failed_job(log.item, log.started_at - timedelta(hours=1), operation="Backup (Full)")
    incident = await noted(tables.ledger, opened(log))
    winner = await saved(tables.ledger, claimed(incident))

    older = incident.with_failure(full)
    assert older.first_job_id == full.id
    assert await tables.ledger.save(older, job_id=full.id) is None

    assert await open_of(tables.ledger, log.item) == [winner]


async def test_an_incident_after_a_closed_one_is_new_once(tables: Tables) -> None:
    """Its row of the index is written with the first save and not again."""
    past = await saved(tables.ledger, closed(await noted(tables.ledger, opened())))
    failed = failed_job(past.item)
    current = await noted(tables.ledger, Incident.open(failed, Source.ALERT, failed.ended_at, after=past))
    tables.wire.sent.clear()
    await saved(tables.ledger, claimed(current))
    assert tables.wire.sent == [BATCH]


@pytest.mark.parametrize("is_first", [True, False])
async def test_an_incident_noted_after_such_a_crash_is_open(tables: Tables, is_first: bool) -> None:
    """The row that was left behind does not stand in the way, and is gone with the next look: nothing counts it."""
    incident = opened()
    if not is_first:
        past = await saved(tables.ledger, closed(await noted(tables.ledger, incident)))
        incident = Incident.open(failed_job(past.item), Source.ALERT, past.failure.ended_at, after=past)
    tables.wire.crash_before = lambda call: call == BATCH
    with pytest.raises(CrashError):
        await tables.ledger.save(incident, job_id=incident.first_job_id)
    tables.wire.crash_before = lambda _: False
    await tables.ledger.open_incidents()
    assert await tables.row_of(OPEN, incident) is not None  # it may still be written
    again = await noted(tables.ledger, replace(incident, id=str(uuid4())))
    assert await open_of(tables.ledger, incident.item) == [again]
    assert await tables.row_of(OPEN, incident) is None


@pytest.mark.parametrize("table", [JOURNAL, OPEN])
async def test_a_closed_incident_is_tidied_by_the_next_look(tables: Tables, table: str) -> None:
    """The process died after closing it, before its report or before its row of the index was removed."""
    incident = await noted(tables.ledger, opened())
    tables.wire.crash_before = lambda call: call[1].startswith(f"/{table}(")
    with pytest.raises(CrashError):
        await tables.ledger.save(closed(incident))
    tables.wire.crash_before = lambda _: False
    assert await open_of(tables.ledger, incident.item) == []
    assert await tables.row_of(JOURNAL, incident) is not None
    assert await tables.row_of(OPEN, incident) is None


async def test_an_incident_that_was_not_tidied_is_reported_though_the_item_failed_again(
    tables: Tables,
) -> None:
    """The process died after closing it, and a new incident took its place before anybody looked."""
    incident = await noted(tables.ledger, opened())
    tables.wire.crash_before = lambda call: call[1].startswith(f"/{JOURNAL}(")
    with pytest.raises(CrashError):
        await tables.ledger.save(closed(incident))
    tables.wire.crash_before = lambda _: False
    old = (await tables.ledger.load(incident.item)).incident
    assert old is not None
    failed = failed_job(old.item, old.due + timedelta(hours=1))
    tables.clock.time = old.due
    new = await noted(tables.ledger, Incident.open(failed, Source.SWEEP, failed.ended_at, after=old))
    assert await open_of(tables.ledger, old.item) == [new]
    assert await tables.row_of(JOURNAL, old) is not None


async def test_a_look_at_the_open_incidents_costs_nothing_for_closed_ones(tables: Tables) -> None:
    """One request for the index and one for each that is open, whatever the ledger's age."""
    await noted(tables.ledger, opened())
    await tables.ledger.open_incidents()
    tables.wire.sent.clear()
    await tables.ledger.open_incidents()
    before = len(tables.wire.sent)
    for _ in range(30):
        await saved(tables.ledger, closed(await noted(tables.ledger, opened())))
    tables.wire.sent.clear()
    assert await tables.ledger.open_incidents() != []
    assert len(tables.wire.sent) == before


async def test_losing_the_race_leaves_no_row_in_the_index(tables: Tables) -> None:
    """The loser's row is removed, the winner's stays."""
    item = vm_item()
    first = await noted(tables.ledger, opened(failed_job(item)))
    second = opened(failed_job(item))
    assert await tables.ledger.save(second, job_id=second.first_job_id) is None
    assert await tables.row_of(OPEN, second) is None
    assert await tables.row_of(OPEN, first) is not None


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_write_that_the_sdk_repeats_counts_as_won(tables: Tables, is_new: bool) -> None:
    """The first try took effect, the second is refused for it: nobody else was first."""
    incident = opened() if is_new else claimed(await noted(tables.ledger, opened()))
    tables.wire.repeat = lambda call: call == BATCH
    steps = [step(incident, StepKind.CLAIMED)]
    stored = await tables.ledger.save(incident, steps, incident.first_job_id if is_new else "")
    tables.wire.repeat = lambda _: False
    assert tables.wire.sent.count(BATCH) == (2 if is_new else 3)
    assert stored is not None
    assert (await tables.ledger.load(incident.item)).incident == stored
    assert await tables.ledger.save(stored.waiting(stored.due, Reason.BACKOFF)) is not None


async def test_an_incident_of_many_attempts_fits_into_a_transaction(tables: Tables) -> None:
    """A transaction has room for 100 changes, and attempts that Azure throttled do not count against the limit."""
    incident = await noted(tables.ledger, opened())
    for _ in range(101):
        throttled = claimed(incident).attempt_ended(AttemptResult.THROTTLED, incident.due)
        incident = await saved(tables.ledger, throttled)
    assert (await tables.ledger.load(incident.item)).incident == incident


async def test_tables_that_do_not_answer_are_unavailable(trust: Certificates) -> None:
    """Reads and writes alike: whoever asked has to ask again."""
    nowhere = "https://127.0.0.1:1/devstoreaccount1"
    async with table_service(nowhere, trust.client_context(), retry_total=0) as (service, _):
        ledger = TableLedger(service, Clock())
        for call in (
            lambda: ledger.load(vm_item()),
            lambda: ledger.save(opened()),
            ledger.open_incidents,
            ledger.pauses,
        ):
            with pytest.raises(AzureUnavailable):
                await call()


@pytest.mark.race
async def test_of_four_processes_one_claims_each_job(
    shared_azurite: Azurite, trust: Certificates, tables: Tables
) -> None:
    """Eight jobs, each with one winner; every loser is told so."""
    context = multiprocessing.get_context("spawn")
    failures = [failed_job() for _ in range(8)]
    race = racing.Race(endpoint=shared_azurite.endpoint, ca_file=str(trust.ca_file), failures=failures)
    start, claims = context.Barrier(4), context.Queue()
    processes = [context.Process(target=racing.compete, args=(race, start, claims)) for _ in range(4)]
    for process in processes:
        process.start()
    won = [await asyncio.to_thread(claims.get, True, 30) for _ in processes]
    assert await asyncio.to_thread(racing.finish, processes) == [0, 0, 0, 0]
    by_job = [[claim for claim in claims_of_job if claim] for claims_of_job in zip(*won, strict=True)]
    assert [len(winners) for winners in by_job] == [1] * len(failures)
    records = [await tables.ledger.load(failed.item) for failed in failures]
    incidents = [record.incident for record in records if record.incident]
    assert [[attempt.id for attempt in incident.attempts] for incident in incidents] == by_job
