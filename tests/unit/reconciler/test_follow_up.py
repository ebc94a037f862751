"""The follow-up: what is due is moved on, vault by vault, and nothing holds up anything else."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from backup_retry.azure import shared_reads
from backup_retry.azure.listing import Reading
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import JobList, Source
from backup_retry.domain.pauses import Pause
from backup_retry.engine.unit_of_work import Report
from backup_retry.ports.ledger import Beat, LeftOpen
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from reconciler.follow_up import FollowUp
from tests.builders import ENDED, NEEDS_PERSON, NOW, OTHER_SUBSCRIPTION, STARTED, item, minutes, vault
from tests.status_world import unreadable
from tests.world import World


def follow_up(world: World) -> FollowUp:
    """A follow-up on the world's ledger."""
    return FollowUp(ledger=world.ledger, engine=world.engine, controls=world.ledger, clock=world.clock)


async def noted(world: World, number: int, of: ProtectedItem, started_at: datetime = STARTED) -> None:
    """A failure that is stored and not yet acted on."""
    failed = world.fails(f"job-{number}", of=of, started_at=started_at)
    await world.engine.note(failed, Source.ALERT)


async def test_every_open_incident_that_is_due_is_moved_on(world: World) -> None:
    """Three of them, and the report counts them."""
    for number in range(3):
        await noted(world, number, item(number))

    report = await follow_up(world).run()

    assert (report.open, report.due, report.failed) == (3, 3, 0)
    assert [each.decision for each in report.moved] == ["triggered"] * 3


async def test_what_is_not_due_is_left_alone(world: World) -> None:
    """A second early is too early; on the second it is due."""
    world.clock.time = ENDED - minutes(1)
    await world.handle(world.fails())
    assert (await world.incident()).due == ENDED

    early = await follow_up(world).run()
    assert (early.open, early.due, early.moved, world.attempts) == (1, 0, [], [])

    world.clock.time = ENDED
    assert (await follow_up(world).run()).due == 1
    assert len(world.attempts) == 1


@pytest.mark.parametrize(
    ("left", "due"),
    [
        ([], 1),
        ([Pause(by="eve", why="x", scope=vault("vault-2").id)], 1),
        ([Pause(by="eve", why="x", starts=NOW + minutes(5))], 1),
        ([Pause(by="eve", why="x", until=NOW + minutes(5))], 0),
    ],
)
async def test_what_waits_for_the_end_of_a_pause_goes_on_when_it_is_taken_away(
    world: World, left: list[Pause], due: int
) -> None:
    """By a command, or by a hand that deletes its row; as long as another pause holds it goes on waiting."""
    await world.ledger.set_pause(Pause(by="eve", why="x", until=NOW + timedelta(days=3)))
    await world.handle(world.fails())
    assert (await follow_up(world).run()).due == 0

    await world.ledger.resume()
    for pause in left:
        await world.ledger.set_pause(pause)
    assert (await follow_up(world).run()).due == due
    assert len(world.attempts) == due


async def test_a_closed_incident_is_not_looked_at(world: World) -> None:
    """The cost grows with what is open."""
    await world.handle(world.fails(error="UserErrorVmProvisioningStateFailed"))
    world.vaults.listed.clear()

    report = await follow_up(world).run()

    assert (report.open, world.vaults.listed) == (0, [])


async def test_a_vaults_oldest_incident_is_looked_at_first_and_alone(world: World) -> None:
    """Its list reaches back far enough for all the others of the vault, which then share it."""
    for number, age in [(1, 0), (2, 90), (3, 30)]:
        await noted(world, number, item(number), STARTED - minutes(age))
    at_once: list[int] = []

    async def first_one_alone() -> None:
        at_once.append(len(world.attempts))

    world.vaults.on_list = first_one_alone
    await follow_up(world).run()

    oldest = STARTED - minutes(90)
    assert world.vaults.listed[0][1] < oldest
    assert world.vaults.triggered[0][0] == item(2).key
    assert at_once[1:] != []
    assert all(triggered >= 1 for triggered in at_once[1:])


async def test_lists_of_one_run_may_be_shared(world: World) -> None:
    """Every list has to be as fresh as the run, not fresher: one list per vault will do."""
    for number in range(1, 4):
        await noted(world, number, item(number))
    for number in range(4, 6):
        await noted(world, number, item(number, of=vault("vault-2")))

    await follow_up(world).run()

    assert max(world.vaults.freshness) <= NOW
    assert {each.name for each, _ in world.vaults.listed} == {"vault-1", "vault-2"}


class Stubborn:
    """An engine that cannot move one item's incident."""

    def __init__(self, world: World, stuck: ProtectedItem, error: Exception) -> None:
        self._advance: Callable[..., Awaitable[Report]] = world.engine.advance
        self.teller = world.engine.teller
        self._stuck = stuck
        self._error = error

    async def advance(self, incident: Incident, **how: object) -> Report:
        """See Engine."""
        if incident.item == self._stuck:
            raise self._error
        return await self._advance(incident, **how)


@pytest.mark.parametrize("stuck", [1, 2, 3])
@pytest.mark.parametrize(
    "error", [AzureUnavailable("no answer"), KeyError("weekdays")], ids=["foreseen", "not"]
)
async def test_an_incident_that_cannot_be_moved_holds_up_no_other(
    world: World, stuck: int, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even when it is the oldest of its vault, which goes first; what nobody foresaw has a traceback."""
    for number in range(1, 4):
        await noted(world, number, item(number), STARTED + minutes(number))
    engine = Stubborn(world, item(stuck), error)
    run = FollowUp(
        ledger=world.ledger,
        engine=engine,  # type: ignore[arg-type]
        controls=world.ledger,
        clock=world.clock,
    )

    report = await run.run()

    assert (report.due, report.failed, len(report.moved)) == (3, 1, 2)
    assert len(world.attempts) == 2
    assert (await world.incident(item(stuck))).state == State.WAITING
    (line,) = (json.loads(each.getMessage()) for each in caplog.records if each.levelno == logging.ERROR)
    assert (line["event"], line["item"]) == ("incident_failed", item(stuck).id)
    assert ("in advance" in line.get("traceback", "")) == isinstance(error, KeyError)


async def test_an_incident_that_cannot_be_read_is_left_alone_and_holds_up_no_other(world: World) -> None:
    """Nothing is triggered for it; its row is in the summary that the follow-up leaves."""
    for number in (1, 2):
        await noted(world, number, item(number), STARTED + minutes(number))
    world.ledger.unreadable.add(item(1).key)
    summary = MemoryUnreadables(rows=[unreadable("head")])
    run = FollowUp(
        ledger=world.ledger,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        unreadables=summary,
    )

    report = await run.run()

    assert (report.open, report.failed, [key for key, _ in world.vaults.triggered]) == (1, 0, [item(2).key])
    assert summary.summed_up == {"head": 1}


async def test_a_follow_up_says_how_many_incidents_it_left_open(world: World) -> None:
    """One that it closed is not among them; how many of them wait for a person is said as well."""
    world.tag_lookup.tag(item(2).machine_id, retry="ask")
    for number in (1, 2, 3):
        await noted(world, number, item(number), STARTED + minutes(number))
    world.vaults.protect(item(1), "ProtectionStopped")

    await follow_up(world).run()
    left, state = world.ledger._left_open, (await world.incident(item(1))).state
    assert (state, left) == (State.CLOSED, LeftOpen(incidents=2, approvals=1))


async def test_a_completed_follow_up_leaves_its_beat(world: World) -> None:
    """The time at which it began: the health page shows it."""
    await follow_up(world).run()

    assert await world.ledger.last_beat(Beat.FOLLOW_UP) == NOW


async def test_a_ledger_that_does_not_answer_leaves_no_beat(world: World) -> None:
    """Nothing was followed up, and it must not look so."""

    async def no_answer() -> list[Incident]:
        raise AzureUnavailable("the ledger does not answer")

    world.ledger.open_incidents = no_answer  # type: ignore[method-assign]
    with pytest.raises(AzureUnavailable):
        await follow_up(world).run()

    assert await world.ledger.last_beat(Beat.FOLLOW_UP) is None


async def test_running_twice_changes_nothing_more(world: World) -> None:
    """An attempt that runs on is only looked at."""
    await noted(world, 1, item(1))
    await follow_up(world).run()
    world.runs(world.attempts[0], item(1))
    await follow_up(world).run()
    before = await world.incident(item(1))

    await follow_up(world).run()

    assert await world.incident(item(1)) == before
    assert len(world.attempts) == 1


# ---- large ledgers ----------------------------------------------------------------------------------------------


async def test_a_follow_up_costs_one_list_per_vault_with_open_incidents(world: World) -> None:
    """Whatever the ledger's age: hundreds of closed incidents, in those vaults and in others, cost nothing."""
    vaults = [vault(f"vault-{number}") for number in range(10)]
    for number in range(500):
        old = item(number + 100, of=vaults[number % 10])
        await world.handle(world.fails(f"old-{number}", of=old, error=NEEDS_PERSON))
    for number in range(9):
        await noted(world, number, item(number, of=vaults[number % 3]))
    lists = SharedLists(world)

    report = await follow_up(world).run()

    assert (report.open, report.due, report.failed) == (9, 9, 0)
    assert sorted(lists.read) == [each.key for each in vaults[:3]]


class SharedLists:
    """The vaults' lists as the adapter shares them: a second reader of a list that is fresh enough costs nothing."""

    def __init__(self, world: World) -> None:
        self.read: list[str] = []
        self._lists = world.vaults.jobs
        self._cached_lists = shared_reads.SharedLists(world.clock, read=self._read, freshen=self._read)
        world.vaults.jobs = self._jobs  # type: ignore[method-assign]

    async def _jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        return await self._cached_lists.get(vault, since, fresh_since)

    async def _read(self, reading: Reading) -> None:
        self.read.append(reading.vault.key)
        reading.jobs += (await self._lists(reading.vault, reading.since, fresh_since=reading.since)).jobs


async def test_a_subscription_that_hangs_holds_up_no_other(world: World) -> None:
    """Its vaults come first, more of them than are followed up at once."""
    other = vault("vault-x", OTHER_SUBSCRIPTION)
    for number in range(70):
        await noted(world, number, item(number, of=vault(f"vault-{number:02}")), STARTED - minutes(5))
    await noted(world, 99, item(99, of=other))
    done = asyncio.Event()
    lists = world.vaults.jobs

    async def hanging(vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        if vault != other:
            async with asyncio.timeout(20):
                await done.wait()
        return await lists(vault, since, fresh_since=fresh_since)

    world.vaults.jobs = hanging  # type: ignore[method-assign]
    world.ledger.after_save = lambda incident: done.set() if incident.item.vault == other else None

    assert (await follow_up(world).run()).failed == 0


class OldIncidents:
    """An archive that keeps what it is asked to forget, and does not answer while told so."""

    def __init__(self, error: AzureUnavailable | None = None) -> None:
        self.asked: list[tuple[datetime, int]] = []
        self._error = error

    async def purge(self, before: datetime, most: int) -> int:
        """See Archive."""
        self.asked.append((before, most))
        if self._error:
            raise self._error
        return 7


def purging(world: World, archive: OldIncidents, retention: timedelta | None) -> FollowUp:
    """A follow-up that forgets."""
    ledger, engine = world.ledger, world.engine
    return FollowUp(
        ledger=ledger, engine=engine, controls=ledger, clock=world.clock, archive=archive, retention=retention
    )


async def test_what_is_older_than_the_days_to_keep_is_forgotten_bit_by_bit(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A hundred incidents with each follow-up."""
    caplog.set_level(logging.INFO, logger="backup_retry")
    archive = OldIncidents()

    await purging(world, archive, timedelta(days=90)).run()

    assert archive.asked == [(NOW - timedelta(days=90), 100)]
    assert '{"event": "ledger_purged", "incidents": 7}' in caplog.messages


async def test_kept_for_ever_is_never_forgotten(world: World) -> None:
    """KEEP_DAYS=0."""
    archive = OldIncidents()

    await purging(world, archive, None).run()

    assert archive.asked == []


async def test_what_cannot_be_forgotten_now_makes_no_follow_up_fail(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It has time."""
    archive = OldIncidents(AzureUnavailable("the ledger does not answer"))

    await purging(world, archive, timedelta(days=90)).run()

    assert await world.ledger.last_beat(Beat.FOLLOW_UP) == NOW
    assert '"event": "purge_failed"' in caplog.text
