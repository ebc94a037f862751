"""What a signal sets off, and what happens when Azure is slower than the caller can wait."""

import asyncio
import json
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden, NotFound
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import Source
from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.item_lookup import MemoryItemLookup
from backup_retry.ports.ledger import Record
from reactor.resolve import Resolver
from reactor.signal_handler import Defer, SignalHandler
from reactor.signals import Ignored, Signal
from tests.builders import SUBSCRIPTION, item, vault
from tests.signal_reading import MACHINE_ID
from tests.world import World

#: long enough for everything that does not hang
AMPLE = 30.0
#: too short for what hangs
SHORT = 0.02


def reactor(
    world: World, defer: Defer | None = None, hand_on: Defer | None = None, **options: Any
) -> SignalHandler:
    """A reactor on the world's vaults."""
    resolver = Resolver(
        vaults=world.vaults,
        item_lookup=world.item_lookup,
        clock=world.clock,
        lookback=timedelta(hours=24),
        scope=Scope(subscriptions=Names(patterns=(SUBSCRIPTION,))),
    )
    return SignalHandler(resolver=resolver, engine=world.engine, defer=defer, hand_on=hand_on, **options)


def signal(job_id: str = "job-1") -> Signal:
    """An alert about the vault."""
    return Signal(source=Source.ALERT, vault=vault(), job_id=job_id, label="an alert")


class Gate:
    """Holds up whoever comes by until it is opened."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()

    async def __call__(self, *_: object) -> None:
        """Wait for the gate to open."""
        await self._opened.wait()

    def open(self) -> None:
        """Let everybody through."""
        self._opened.set()


class Box:
    """Where signals are kept, and whom they are handed on to."""

    def __init__(self) -> None:
        self.deferred: list[Signal] = []
        self.handed_on: list[Signal] = []

    def reactor(self, world: World, **options: Any) -> SignalHandler:
        """A reactor that keeps what it has no time for."""

        async def defer(came: Signal) -> None:
            self.deferred.append(came)

        async def hand_on(came: Signal) -> None:
            self.handed_on.append(came)

        return reactor(world, defer, hand_on, **options)


async def test_a_signal_of_a_failed_job_is_handled(world: World) -> None:
    """The report of its one failure."""
    world.fails()

    reaction = await reactor(world).handle_signal(signal(), seconds=AMPLE)

    assert [report.decision for report in reaction.reports] == ["triggered"]
    assert reaction.why == ""


async def test_a_signal_without_a_job_handles_every_unrecovered_failure(world: World) -> None:
    """Nineteen machines of one vault, one fewer than a storm: a report each."""
    for number in range(19):
        world.fails(f"job-{number}", of=item(number))

    reaction = await reactor(world).handle_signal(signal(""), seconds=AMPLE)

    assert [report.decision for report in reaction.reports] == ["triggered"] * 19
    assert sorted(report.job_id for report in reaction.reports) == sorted(f"job-{n}" for n in range(19))


async def test_a_resource_that_nobody_answers_for_in_time_is_an_outage(world: World) -> None:
    """Nothing is stored: the sender has to come again."""

    class Hangs(MemoryItemLookup):
        async def items_of(self, resource_id: str) -> Sequence[ProtectedItem]:
            await asyncio.sleep(AMPLE)
            return await super().items_of(resource_id)

    world.item_lookup = Hangs()

    with pytest.raises(AzureUnavailable, match="Resource Graph"):
        await reactor(world).handle_signal(Signal(source=Source.ALERT, resource_id=MACHINE_ID), seconds=SHORT)


async def test_what_came_is_logged_with_its_sender(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """So that an administrator sees why nothing happened, and who to ask."""
    caplog.set_level(logging.INFO, "backup_retry")

    await reactor(world).handle_signal(
        Ignored(why="not ours", label="a-1", came={"rule": "cpu"}), seconds=AMPLE
    )

    assert [json.loads(message) for message in caplog.messages] == [
        {"event": "signal_ignored", "signal": "a-1", "why": "not ours", "rule": "cpu"}
    ]


async def test_an_ignored_signal_does_nothing(world: World) -> None:
    """The reaction says why."""
    reaction = await reactor(world).handle_signal(Ignored(why="not ours"), seconds=AMPLE)

    assert (reaction.reports, reaction.why) == ((), "not ours")


async def test_a_signal_that_means_no_failure_does_nothing(world: World) -> None:
    """The vault has no such job."""
    reaction = await reactor(world).handle_signal(signal(), seconds=AMPLE)

    assert reaction.reports == ()
    assert "job-1" in reaction.why


@pytest.mark.parametrize(
    "error",
    [
        Forbidden("no role on vault-1", status=403),
        NotFound("no such subscription", code="SubscriptionNotFound", status=404),
        AzureRefused("bad request", status=400),
        RuntimeError("an answer that nobody expected"),
    ],
    ids=repr,
)
async def test_whatever_is_in_the_way_the_signal_is_kept(world: World, error: Exception) -> None:
    """Answered with success it would be lost: it is stored first."""
    deferred: list[Signal] = []

    async def defer(came: Signal) -> None:
        deferred.append(came)

    async def raising() -> None:
        raise error

    world.vaults.on_job = world.vaults.on_list = raising

    reaction = await reactor(world, defer).handle_signal(signal(), seconds=AMPLE)

    assert (deferred, reaction.deferred, reaction.why) == ([signal()], True, str(error))


async def test_a_failure_that_the_ledger_does_not_take_keeps_its_signal(world: World) -> None:
    """Of the failures of a vault each that could be stored is, and the signal tells of the others later."""
    deferred: list[Signal] = []

    async def defer(came: Signal) -> None:
        deferred.append(came)

    def refuse(incident: Incident) -> None:
        if incident.item == item(2):
            raise AzureUnavailable("no answer")

    for number in (1, 2):
        world.fails(f"job-{number}", of=item(number))
    world.ledger.before_save = refuse

    reaction = await reactor(world, defer).handle_signal(signal(""), seconds=AMPLE)

    assert (deferred, reaction.deferred, len(world.attempts)) == ([signal("")], True, 1)


async def test_a_vault_that_refuses_is_the_callers_to_repeat(world: World) -> None:
    """The right may come back, and nothing of the signal is stored where it cannot be kept."""
    world.vaults.read_error = Forbidden("no role on vault-1", status=403)

    with pytest.raises(Forbidden):
        await reactor(world).handle_signal(signal(), seconds=AMPLE)


async def test_a_vault_that_does_not_answer_is_the_callers_to_repeat(world: World) -> None:
    """Nothing is stored yet: whoever sent the signal has to send it again."""
    world.vaults.read_error = AzureUnavailable("no answer")

    with pytest.raises(AzureUnavailable):
        await reactor(world).handle_signal(signal(), seconds=AMPLE)


@pytest.mark.parametrize("job_id", ["job-1", ""])
async def test_a_vault_that_is_too_slow_counts_as_not_answering(world: World, job_id: str) -> None:
    """The caller is told before it gives up."""
    gate = Gate()
    world.vaults.on_job = world.vaults.on_list = gate
    world.fails()

    with pytest.raises(AzureUnavailable, match="vault-1"):
        await reactor(world).handle_signal(signal(job_id), seconds=SHORT)


@pytest.mark.parametrize("hangs", ["on_job", "on_list"])
async def test_what_there_is_no_time_for_is_kept_and_handed_on(world: World, hangs: str) -> None:
    """Nothing of it is left at work: whoever is handed it begins anew."""
    setattr(world.vaults, hangs, Gate())
    world.fails()
    box = Box()

    reaction = await box.reactor(world).handle_signal(signal(), seconds=SHORT)

    assert (reaction.deferred, box.deferred, box.handed_on) == (True, [signal()], [signal()])
    assert len(asyncio.all_tasks()) == 1
    assert world.attempts == []


async def test_what_somebody_has_looked_into_is_not_handed_on(world: World) -> None:
    """Its vault answered that it cannot say: the timer asks again."""
    world.fails()
    world.vaults.read_error = AzureUnavailable("no answer")
    box = Box()

    await box.reactor(world).handle_signal(signal(), seconds=AMPLE)

    assert (box.deferred, box.handed_on) == ([signal()], [])


async def test_a_slow_trigger_is_heard_out(world: World) -> None:
    """The time to decide is over, and Azure's answer is recorded in the same invocation."""
    gate = Gate()
    world.vaults.on_trigger = gate
    world.fails()
    asyncio.get_running_loop().call_later(10 * SHORT, gate.open)

    reaction = await reactor(world).handle_signal(signal(), seconds=SHORT)

    assert [report.decision for report in reaction.reports] == ["triggered"]
    assert (await world.incident()).state == State.TRIGGERED


async def test_a_trigger_that_takes_too_long_is_broken_off(world: World) -> None:
    """Its claim is stored, so that the follow-up asks the vault, as after a crash; nothing is left at work."""
    world.vaults.on_trigger = Gate()
    world.fails()
    box = Box()

    reaction = await box.reactor(world).handle_signal(signal(), seconds=SHORT, to_hear=SHORT)

    assert (reaction.deferred, box.deferred) == (True, [signal()])
    assert (await world.incident()).state == State.CLAIMED
    assert len(asyncio.all_tasks()) == 1


async def test_a_slow_item_holds_up_no_other(world: World) -> None:
    """What is done is reported as done; the signal is kept for the one that is late."""
    gate = Gate()

    async def slow_for_one(of: ProtectedItem, attempt_id: str) -> None:
        if of.key == item(1).key:
            await gate()

    world.vaults.on_trigger = slow_for_one
    world.fails("job-1", of=item(1))
    world.fails("job-2", of=item(2))

    reaction = await Box().reactor(world).handle_signal(signal(""), seconds=SHORT, to_hear=SHORT)

    done = [(report.job_id, report.decision) for report in reaction.reports]
    assert (done, reaction.deferred) == ([("job-2", "triggered")], True)


async def test_a_caller_who_gives_up_leaves_nothing_at_work(world: World) -> None:
    """A trigger under way is broken off with everything else."""
    world.vaults.on_trigger = Gate()
    world.fails()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5 * SHORT):
            await reactor(world).handle_signal(signal(), seconds=SHORT)

    assert len(asyncio.all_tasks()) == 1


async def test_a_ledger_that_hangs_counts_as_not_answering(world: World) -> None:
    """Nothing can be stored, and the caller is told so before it gives up waiting."""
    world.fails()

    async def hang(item: ProtectedItem, job_id: str = "") -> Record:
        await asyncio.Event().wait()
        return Record()

    world.ledger.load = hang  # type: ignore[method-assign]
    async with asyncio.timeout(20):  # only so that a hanging reactor fails this test soon
        with pytest.raises(AzureUnavailable):
            await reactor(world).handle_signal(signal(), seconds=SHORT)


async def test_a_signal_alone_is_not_worth_one_of_the_last_reads(world: World) -> None:
    """It is stored, nothing is read, and nobody is called at once: the timer's look reads once for all that wait."""
    world.fails()
    box = Box()
    frugal = box.reactor(world, reads_are_low=lambda each: each == vault())

    reaction = await frugal.handle_signal(signal(), seconds=AMPLE)

    assert (reaction.deferred, box.deferred, box.handed_on) == (True, [signal()], [])
    assert (world.vaults.listed, world.attempts) == ([], [])


async def test_enough_reads_elsewhere_are_used(world: World) -> None:
    """Another subscription's quota says nothing of this one."""
    world.fails()
    frugal = Box().reactor(world, reads_are_low=lambda each: each != vault())

    reaction = await frugal.handle_signal(signal(), seconds=AMPLE)

    assert [report.decision for report in reaction.reports] == ["triggered"]
