"""Signals that nobody had time to look into, and what becomes of them."""

import asyncio
import json
import logging
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.decisions import Reason
from backup_retry.domain.errors import AzureUnavailable, Throttled
from backup_retry.domain.jobs import JobList, JobStatus, Source, UnreadJob
from reactor import deferred_signals
from reactor.deferred_signals import read, written
from reactor.resolve import Resolved
from reactor.signal_handler import SignalHandler
from reactor.signals import Ignored, Signal
from tests.builders import ITEM_IS_BUSY, PASSES, item, minutes, vault
from tests.deferred_world import AMPLE, Session, signal
from tests.signal_reading import MACHINE_ID
from tests.world import World


@pytest.fixture
def session(world: World) -> Session:
    """A reactor on the world, with an empty inbox."""
    return Session(world)


@pytest.mark.parametrize(
    "came",
    [
        signal(),
        signal(""),
        Signal(source=Source.EVENT, vault=vault()),
        Signal(source=Source.ALERT, resource_id=MACHINE_ID, error_code="400160", label="ü"),
    ],
)
def test_a_signal_is_written_and_read_without_loss(came: Signal) -> None:
    """Whatever it names."""
    assert read(written(came)) == came


async def test_a_signal_that_azure_is_too_slow_for_is_kept(world: World, session: Session) -> None:
    """It counts as received: nobody has to send it again."""
    world.fails()
    world.vaults.read_error = AzureUnavailable("no answer")

    reaction = await session.reactor.handle_signal(signal(), seconds=AMPLE)

    assert (reaction.deferred, reaction.why, reaction.reports) == (True, "no answer", ())
    assert [read(each.fields) for each in session.inbox.signals.values()] == [signal()]
    assert world.attempts == []


async def test_it_is_looked_into_once_azure_answers(world: World, session: Session) -> None:
    """However often it came: one retry, and nothing is left waiting."""
    world.fails()
    world.vaults.read_error = AzureUnavailable("no answer")
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    await session.look()
    assert len(session.inbox.signals) == 1
    world.vaults.read_error = None

    world.clock.move(minutes=5)
    await session.look()
    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_what_azure_has_no_read_left_for_comes_again_when_it_has(
    world: World, session: Session
) -> None:
    """That was no look: the waits do not grow, and whoever is handed the signal may look into it."""
    world.fails()
    world.vaults.read_error = Throttled("few reads are left", retry_after=minutes(2))
    await session.inbox.add(written(signal()))
    await session.look()
    assert (session.waits.looks, session.waits.due) == (0, world.clock() + minutes(2))
    world.vaults.read_error = None

    world.clock.move(minutes=2)
    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_those_of_one_vault_share_its_list(world: World, session: Session) -> None:
    """A hundred alerts are no hundred reads of a job."""
    for number in (1, 2, 3):
        world.fails(f"job-{number}", of=item(number))
        await session.inbox.add(written(signal(f"job-{number}", number)))
    world.vaults.on_job = _never

    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (3, {})


async def _never() -> None:
    raise AssertionError("a job was read by itself")


async def test_a_vault_that_hangs_starves_no_signal_of_another(
    world: World, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many wait for it, and came first: the other one is retried, and these wait on, each by itself."""
    monkeypatch.setattr(deferred_signals, "_SECONDS", 0.05)
    hanging = vault("vault-0")
    lists = world.vaults.jobs

    async def hangs(vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        if vault == hanging:
            await asyncio.Event().wait()
        return await lists(vault, since, fresh_since=fresh_since)

    world.vaults.jobs = hangs  # type: ignore[method-assign]
    for number in range(20):
        await session.inbox.add(written(replace(signal(f"job-{number}"), vault=hanging, item=None)))
    world.fails()
    await session.inbox.add(written(signal()))

    await session.look()

    assert len(world.attempts) == 1
    waiting = session.inbox.signals.values()
    assert {(each.fields["vault"], each.looks, each.due) for each in waiting} == {
        (hanging.id, 1, world.clock() + minutes(5))
    }
    assert len(waiting) == 20


async def test_a_signal_that_came_too_early_waits_for_its_job(world: World, session: Session) -> None:
    """The alert of a job that still runs is kept, and found to be a failure once the job has ended."""
    running = world.runs("somebody's")
    world.vaults.protect(item())
    reaction = await session.reactor.handle_signal(signal(running.id), seconds=AMPLE)
    assert (reaction.deferred, reaction.why) == (True, f"job {running.id} is InProgress, not Failed")
    world.clock.move(minutes=30)
    await session.look()
    assert (world.attempts, session.waits.why) == ([], reaction.why)

    world.clock.move(minutes=30)
    world.ends(running, JobStatus.FAILED, PASSES)
    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_a_job_that_ended_well_needs_no_look_any_more(world: World, session: Session) -> None:
    """It is forgotten, and nobody is told."""
    running = world.runs("somebody's")
    await session.reactor.handle_signal(signal(running.id), seconds=AMPLE)
    world.ends(running, JobStatus.COMPLETED)

    await session.look()

    assert (session.inbox.signals, world.attempts, world.publisher.sent) == ({}, [], [])


async def test_each_look_in_vain_makes_the_next_one_later(world: World, session: Session) -> None:
    """5, 10, 20, then every 30 minutes; a timer that fires in between asks nobody."""
    world.vaults.read_error = AzureUnavailable("no answer")
    await session.reactor.handle_signal(signal(), seconds=AMPLE)
    waits: list[float] = []

    for _ in range(5):
        await session.look()
        due = session.waits.due
        assert due is not None
        waits.append((due - world.clock()) / minutes(1))
        asked = len(world.vaults.listed)
        await session.look()
        assert len(world.vaults.listed) == asked
        world.clock.time = due

    assert (waits, session.waits.looks, session.waits.why) == ([5, 10, 20, 30, 30], 5, "no answer")


async def test_many_signals_of_one_event_are_reacted_to_each(world: World, session: Session) -> None:
    """In their order; one that means nothing keeps no other back."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2), error=ITEM_IS_BUSY)
    came: list[Signal | Ignored] = [signal(), Ignored(why="is no ARM id"), signal("job-2", 2)]

    reactions = await session.reactor.handle_signals(came, seconds=AMPLE, run_began=world.clock())

    assert [len(each.reports) for each in reactions] == [1, 0, 1]
    assert len(world.attempts) == 2


async def test_a_ledger_that_does_not_keep_one_lets_the_event_be_sent_again(
    world: World, session: Session
) -> None:
    """The others have been dealt with by then."""
    world.fails("job-1", of=item(1))
    world.vaults.on_job = _unanswered
    world.fails("job-2", of=item(2))
    session.reactor = SignalHandler(resolver=session.reactor._resolver, engine=world.engine)

    with pytest.raises(AzureUnavailable):
        await session.reactor.handle_signals(
            [signal("no-such-job"), signal("job-2", 2)], seconds=AMPLE, run_began=world.clock()
        )

    assert len(world.attempts) == 1


async def _unanswered() -> None:
    raise AzureUnavailable("no answer")


async def test_a_signal_that_finds_no_place_is_kept(world: World, session: Session) -> None:
    """In a storm everybody is answered in time: whoever cannot be looked into is stored, and Azure is not asked."""
    world.fails()
    nobody = asyncio.Semaphore(0)
    busy = SignalHandler(
        resolver=session.reactor._resolver, engine=world.engine, defer=session.reactor._defer, places=nobody
    )

    reaction = await busy.handle_signal(signal(), seconds=0.05)

    assert (reaction.deferred, reaction.why) == (True, "busy with other alerts")
    assert (len(session.inbox.signals), world.vaults.listed) == (1, [])


async def test_more_than_one_run_can_take_at_a_time_are_looked_into(world: World, session: Session) -> None:
    """The look goes on until nothing waits."""
    world.fails("job-1", of=item(1))
    for number in range(1100):
        await session.inbox.add({**written(signal()), "label": f"alert {number}"})

    await session.look()

    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_a_signal_about_an_item_that_cannot_be_read_waits(world: World, session: Session) -> None:
    """Nothing is triggered for the item; another one that the same signal means is retried at once."""
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))
    world.ledger.unreadable.add(item(1).key)

    reaction = await session.reactor.handle_signal(Signal(source=Source.ALERT, vault=vault()), seconds=AMPLE)
    await session.look()

    assert (reaction.deferred, len(session.inbox.signals)) == (True, 1)
    assert [key for key, _ in world.vaults.triggered] == [item(2).key]

    world.ledger.unreadable.clear()
    world.clock.move(minutes=5)
    await session.look()
    assert [key for key, _ in world.vaults.triggered] == [item(2).key, item(1).key]
    assert session.inbox.signals == {}


async def test_of_what_a_signal_lacks_nothing_was_said(world: World, session: Session) -> None:
    """Another version may write fewer fields, or more."""
    world.fails()
    await session.inbox.add({"vault": vault().id, "severity": "Sev1"})
    await session.look()
    assert (len(world.attempts), session.inbox.signals) == (1, {})


async def test_what_nobody_foresaw_ends_one_signals_turn_and_no_other(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It waits on, the others are dealt with, and the log says where it was."""
    world = session.world
    for number in (1, 2):
        world.fails(f"job-{number}", of=item(number))
        await session.inbox.add(written(signal(f"job-{number}", number)))
    resolve = session.reactor._resolver.resolve

    async def resolved(asked: Signal, *arguments: Any) -> Resolved:
        if asked.job_id == "job-1":
            raise RuntimeError("an answer that nobody expected")
        return await resolve(asked, *arguments)

    monkeypatch.setattr(session.reactor._resolver, "resolve", resolved)
    await session.look()

    assert (session.waits.fields["job"], session.waits.looks) == ("job-1", 1)
    assert session.waits.why == "an answer that nobody expected"
    assert [key for key, _ in world.vaults.triggered] == [item(2).key]
    (line,) = (json.loads(each.getMessage()) for each in caplog.records if each.levelno == logging.ERROR)
    assert (line["event"], line["item"], "in resolved" in line["traceback"]) == (
        "signal_failed",
        item(1).id,
        True,
    )


async def test_a_signal_without_a_job_waits_for_a_job_that_cannot_be_read(
    world: World, session: Session
) -> None:
    """That one may be its failure; those that can be read are handled meanwhile, once."""
    world.vaults.unread = [UnreadJob(problem="job odd of vault vault-1 cannot be read")]
    world.fails("job-2", of=item(2))
    whole = Signal(source=Source.ALERT, vault=vault(), label="an alert")

    reaction = await session.reactor.handle_signal(whole, seconds=AMPLE)
    assert (reaction.deferred, reaction.why) == (True, "job odd of vault vault-1 cannot be read")
    assert (await world.incident(item(2))).reason is Reason.AZURE_UNAVAILABLE

    world.vaults.unread = []
    world.fails("job-1")
    world.clock.time += minutes(30)
    await session.look()
    await world.follow_up()
    assert (len(world.attempts), session.inbox.signals) == (2, {})
