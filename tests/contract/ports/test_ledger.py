"""One suite for both ledgers: what MemoryLedger promises in tests, Table Storage keeps."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import uuid4

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import JobError, JobStatus, Source
from backup_retry.domain.journal import StepKind
from backup_retry.domain.memory import Memory
from backup_retry.domain.pauses import Pause
from backup_retry.engine.vault_incidents import whole
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import Beat, Controls, Ledger, MemoryLedger, Record, Storms
from backup_retry.ports.log_events import line_of
from tests import racing
from tests.failures import VAULT, claimed, closed, failed_job, noted, open_of, opened, saved, step, vm_item
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

UNICODE = "Zürich „übergelaufen“ \u2028 日本 🧨"


class Store(Ledger, Controls, Storms, Protocol):
    """All three ports, as both ledgers have them."""


@pytest.fixture(params=["memory", "table"])
def ledger(request: pytest.FixtureRequest) -> Store:
    if request.param == "memory":
        return MemoryLedger()
    tables: Tables = request.getfixturevalue("tables")
    return tables.ledger


# ---- both ledgers: incidents -------------------------------------------------------------------------------


async def test_nothing_is_known_of_a_new_item(ledger: Store) -> None:
    """No incident, no job, no steps."""
    item = vm_item()
    assert await ledger.load(item, "job-1") == Record(incident=None, job_known=False)
    assert await ledger.steps(item) == []


async def test_a_fresh_incident_comes_back_with_its_gaps(ledger: Store) -> None:
    """What is None or empty stays so: no outcome, no end, no error code, no attempts."""
    bare = failed_job(activity_id="", error=JobError())
    stored = await noted(ledger, opened(bare))
    assert await ledger.load(bare.item, bare.id) == Record(incident=stored, job_known=True)
    assert replace(stored, version="") == replace(opened(bare), id=stored.id)


async def test_an_incident_of_a_whole_vault_is_kept_as_that_of_an_item_is(ledger: Store) -> None:
    """With the vault's id in the place of the item's: the index of open ones, and its end, know it as well."""
    vault = replace(VAULT, name=f"v-{uuid4().hex[:12]}")
    stored = await saved(ledger, opened(failed_job(whole(vault))))
    assert (await ledger.load(whole(vault))).incident == stored
    assert await open_of(ledger, whole(vault)) == [stored]
    assert (stored.item.id, stored.item.friendly_name, stored.item.is_vault) == (vault.id, vault.name, True)

    await saved(ledger, closed(stored))

    assert await open_of(ledger, whole(vault)) == []


async def test_every_field_comes_back(ledger: Store) -> None:
    """Text of any script, a code beyond 32 bits, microseconds, three attempts with all they hold."""
    failed = failed_job(error=JobError(title=UNICODE, code=2**40, message=UNICODE))
    incident = opened(failed)
    for result in (AttemptResult.THROTTLED, AttemptResult.FAILED):
        running = claimed(incident).triggered(f"https://arm.test/op?x={UNICODE}", incident.due)
        incident = running.attempt_ended(result, running.due + timedelta(microseconds=7), "job-x")
    newest = failed_job(failed.item, failed.started_at + timedelta(hours=2), status=JobStatus.CANCELLED)
    at = incident.due + timedelta(microseconds=7)
    memory = Memory(times=9, since=at, failed_at=at, told_at=at, exhausted_nights=4, exhausted_at=at)
    waits = replace(incident, waits_since=at, told_of=("in_progress job-1", UNICODE), memory=memory)
    told = replace(waits, named_jobs=("job-1",), asked_at=at, approved_by=UNICODE, profile=UNICODE)
    full = closed(replace(claimed(told).with_failure(newest), found_by=Source.SWEEP, detail=UNICODE))
    stored = await noted(ledger, full)
    loaded = (await ledger.load(failed.item)).incident
    assert loaded == stored
    assert replace(stored, version="") == full


@pytest.mark.parametrize("letter", ["x", "🧨"])
async def test_long_texts_are_kept_for_the_most_part(ledger: Store, letter: str) -> None:
    """30,000 characters in every text that Azure writes are no reason to fail; at least 16,000 are kept."""
    text = letter * 30_000
    error = JobError(title="T", message=text)
    incident = replace(opened(failed_job(error=error)), detail=text)
    steps = [step(incident, StepKind.NOTED, detail=text)]
    incident = incident.with_lines(line_of(incident, steps[0]))
    assert await ledger.save(incident, steps, incident.first_job_id) is not None
    loaded = (await ledger.load(incident.item)).incident
    assert loaded is not None
    kept = [loaded.detail, loaded.first_error.message, loaded.failure.error.message]
    kept += [each.detail for each in await ledger.steps(incident.item)]
    assert [each[:16_000] for each in kept] == [text[:16_000]] * 4
    assert loaded.lines == incident.lines


async def test_casing_makes_no_other_item_and_no_other_job(ledger: Store) -> None:
    """ARM's ids come back in other casings."""
    incident = opened()
    stored = await noted(ledger, incident)
    shouted = ProtectedItem.parse(incident.item.id.upper())
    assert shouted is not None
    found = await ledger.load(shouted, incident.first_job_id.upper())
    assert found == Record(incident=stored, job_known=True)


async def test_a_job_is_known_for_its_own_item_only(ledger: Store) -> None:
    """Two items do not share what was noted."""
    incident = opened()
    await noted(ledger, incident)
    assert not (await ledger.load(vm_item(), incident.first_job_id)).job_known
    assert not (await ledger.load(incident.item, "another-job")).job_known


async def test_a_stale_version_loses_and_changes_nothing(ledger: Store) -> None:
    """Not the head, not an attempt, not a step, not a job."""
    first = await noted(ledger, opened())
    winner = await saved(ledger, first.waiting(first.due + timedelta(minutes=1), Reason.BACKOFF))
    late = claimed(first)
    assert await ledger.save(late, [step(late, StepKind.CLAIMED)], "job-of-the-loser") is None
    assert await ledger.load(first.item, "job-of-the-loser") == Record(incident=winner, job_known=False)
    assert [each.kind for each in await ledger.steps(first.item)] == [StepKind.NOTED]


async def test_a_known_job_loses_and_changes_nothing(ledger: Store) -> None:
    """Even with the right version: the insertion of the job is the deduplication."""
    current = await noted(ledger, opened())
    again = claimed(current)
    assert await ledger.save(again, [step(again, StepKind.CLAIMED)], current.first_job_id.upper()) is None
    assert (await ledger.load(current.item)).incident == current
    assert [each.kind for each in await ledger.steps(current.item)] == [StepKind.NOTED]


async def test_a_second_new_incident_of_an_item_loses(ledger: Store) -> None:
    """Two signals about two jobs of one item: whoever is first has it, and one incident is open."""
    item = vm_item()
    first = await noted(ledger, opened(failed_job(item)))
    second = opened(failed_job(item))
    assert await ledger.save(second, job_id=second.first_job_id) is None
    assert await ledger.load(item, second.first_job_id) == Record(incident=first, job_known=False)
    assert await open_of(ledger, item) == [first]


async def test_attempts_and_steps_come_with_the_head(ledger: Store) -> None:
    """One save holds them all, the next one changes the attempt."""
    running = claimed(opened())
    steps = [
        step(running, StepKind.NOTED, job_id=running.first_job_id),
        step(running, StepKind.CLAIMED, attempt_id=running.attempts[0].id, reason="retry", detail=UNICODE),
    ]
    stored = await ledger.save(running, steps, running.first_job_id)
    assert stored is not None
    assert stored.attempts == running.attempts
    assert await ledger.steps(running.item) == steps
    ended = await saved(ledger, stored.attempt_ended(AttemptResult.FAILED, stored.due, "job-2"))
    loaded = (await ledger.load(running.item)).incident
    assert loaded == ended
    assert [(each.job_id, each.result) for each in ended.attempts] == [("job-2", AttemptResult.FAILED)]


async def test_a_later_failure_of_a_closed_item_opens_a_new_incident(ledger: Store) -> None:
    """The attempts of the old incident do not count in the new one; its jobs and steps stay known."""
    old = await saved(ledger, closed(claimed(await noted(ledger, opened()))))
    failed = failed_job(old.item, old.due + timedelta(hours=1))
    new = Incident.open(failed, Source.SWEEP, failed.ended_at, after=old)
    stored = await noted(ledger, new)
    assert await ledger.load(old.item, old.first_job_id) == Record(incident=stored, job_known=True)
    running = await saved(ledger, claimed(stored))
    assert [each.number for each in running.attempts] == [1]
    assert (await ledger.load(old.item)).incident == running
    assert {each.incident_id for each in await ledger.steps(old.item)} == {old.id, new.id}


async def test_a_closed_incident_is_reopened_by_one_worker_only(ledger: Store) -> None:
    """The old incident's version is the fence."""
    old = await saved(ledger, closed(await noted(ledger, opened())))
    failed = failed_job(old.item)
    rivals = [Incident.open(failed, Source.ALERT, failed.ended_at, after=old) for _ in range(2)]
    results = [await ledger.save(rival, job_id=rival.first_job_id) for rival in rivals]
    assert [result is not None for result in results] == [True, False]
    assert await open_of(ledger, old.item) == results[:1]


async def test_only_open_incidents_are_open(ledger: Store) -> None:
    """One that is closed leaves the list, in whichever state it was before."""
    waiting, running, over = [await noted(ledger, opened()) for _ in range(3)]
    running = await saved(ledger, claimed(running))
    over = await saved(ledger, closed(over))
    born_closed = await noted(ledger, closed(opened()))
    keys = {each.item.key for each in (waiting, running, over, born_closed)}
    found = [each for each in await ledger.open_incidents() if each.item.key in keys]
    assert sorted(each.id for each in found) == sorted([waiting.id, running.id])
    assert {each.state for each in found} == {State.WAITING, State.CLAIMED}


async def test_steps_come_oldest_first(ledger: Store) -> None:
    """In the order of their times; those of one save in the order in which they were given."""
    incident = await noted(ledger, opened())
    kinds = [StepKind.CLAIMED, StepKind.UNCLEAR, StepKind.FOUND, StepKind.ENDED, StepKind.CLOSED]
    for minute, pair in enumerate((kinds[:2], kinds[2:]), start=1):
        moved = replace(incident, due=incident.due + timedelta(minutes=minute))
        stored = await ledger.save(moved, [step(moved, kind) for kind in pair])
        assert stored is not None
        incident = stored
    assert [each.kind for each in await ledger.steps(incident.item)] == [StepKind.NOTED, *kinds]


@pytest.mark.race
async def test_of_sixteen_tasks_one_claims_the_job(ledger: Store) -> None:
    """Five times: one winner, whose attempt is the one that is stored, and one open incident."""
    for _ in range(5):
        failed = failed_job()
        claims = await asyncio.gather(*(racing.note_and_claim(ledger, failed) for _ in range(16)))
        winners = [claim for claim in claims if claim]
        stored = (await ledger.load(failed.item)).incident
        assert stored is not None
        assert [each.id for each in stored.attempts] == winners
        assert len(await ledger.steps(failed.item)) == 1
        assert await open_of(ledger, failed.item) == [stored]


# ---- both ledgers: controls --------------------------------------------------------------------------------


async def test_a_pause_holds_until_it_is_lifted(ledger: Store) -> None:
    """With its reason, with and without an end, booked ahead as well; lifting twice is no error."""
    assert list(await ledger.pauses()) == []
    for pause in (
        Pause(by="alice", why=UNICODE),
        Pause(by="bob", why="maintenance", until=failed_job().ended_at),
        Pause(by="bob", why="freeze", starts=failed_job().started_at, until=failed_job().ended_at),
    ):
        await ledger.set_pause(pause)
        assert list(await ledger.pauses()) == [pause]
    await ledger.resume()
    await ledger.resume()
    assert list(await ledger.pauses()) == []


async def test_pauses_of_different_scopes_stand_beside_each_other(ledger: Store) -> None:
    """Each is lifted by its own scope, whatever the casing."""
    everything = Pause(by="alice", why="storage")
    vault = Pause(by="bob", why="patching", scope=vm_item().vault.id)
    await ledger.set_pause(everything)
    await ledger.set_pause(vault)
    await ledger.resume()
    assert list(await ledger.pauses()) == [vault]
    await ledger.resume(vault.scope.upper())
    assert list(await ledger.pauses()) == []


# ---- both ledgers: storms and notices ----------------------------------------------------------------------


def _storm(**changes: Any) -> Storm:
    canary = vm_item()
    storm = Storm(
        vault=canary.vault,
        code=f"code-{uuid4()}",
        began_at=failed_job().ended_at,
        size=25,
        canary=canary,
        canary_incident="i-1",
        led_at=failed_job().ended_at,
    )
    return replace(storm, **changes)


async def test_a_storm_is_kept_as_it_was_saved(ledger: Store) -> None:
    """With and without steps, a release and a predecessor, and under a version of its own."""
    storm = _storm()
    assert await ledger.storm(storm.key) is None
    saved = await ledger.save_storm(storm)
    assert saved is not None
    assert await ledger.storm(storm.key) == saved
    at = failed_job().ended_at
    stepped = replace(saved, steps=3, counted="attempt-1", due=at, telling_since=at)
    changed = replace(stepped, told=True, released_at=at, predecessor=vm_item())
    released = await ledger.save_storm(changed)
    assert released is not None
    assert await ledger.storm(storm.key) == released
    assert {storm.version, saved.version, released.version} == {"", saved.version, released.version}


async def test_a_storm_has_one_canary(ledger: Store) -> None:
    """Of sixteen that want to lead, one is stored; of sixteen that replace it, one is."""
    storm = _storm()
    begun = await asyncio.gather(*(ledger.save_storm(replace(storm, canary=vm_item())) for _ in range(16)))
    (first,) = [each for each in begun if each]
    replaced = await asyncio.gather(*(ledger.save_storm(replace(first, canary=vm_item())) for _ in range(16)))
    (second,) = [each for each in replaced if each]
    assert await ledger.storm(storm.key) == second


async def test_an_item_remembers_what_its_earlier_incidents_triggered(ledger: Store) -> None:
    """For the daily cap; what Azure put off is not counted."""
    first = await saved(ledger, closed(claimed(await noted(ledger, opened()))))
    again = failed_job(first.item, at=first.failure.started_at + timedelta(days=1))
    second = await noted(ledger, Incident.open(again, Source.SWEEP, again.ended_at, after=first))
    assert second.earlier_triggers == tuple(attempt.claimed_at for attempt in first.attempts)
    assert (await ledger.load(first.item)).incident == second


async def test_an_item_remembers_which_failures_its_earlier_incidents_weighed(ledger: Store) -> None:
    """So that none of them is taken up again."""
    first = await saved(ledger, closed(await noted(ledger, opened())))
    again = failed_job(first.item, at=first.failure.started_at + timedelta(days=1))
    second = await noted(ledger, Incident.open(again, Source.SWEEP, again.ended_at, after=first))
    assert (second.weighed_before, second.is_past(first.failure)) == (first.weighed, True)
    assert (await ledger.load(first.item)).incident == second


async def test_heartbeats_are_kept_apart(ledger: Store) -> None:
    """The last one of each counts."""
    sweep, follow_up = failed_job().started_at, failed_job().ended_at
    await ledger.beat(Beat.SWEEP, sweep - timedelta(days=1))
    await ledger.beat(Beat.SWEEP, sweep)
    await ledger.beat(Beat.FOLLOW_UP, follow_up)
    assert (await ledger.last_beat(Beat.SWEEP), await ledger.last_beat(Beat.FOLLOW_UP)) == (sweep, follow_up)
