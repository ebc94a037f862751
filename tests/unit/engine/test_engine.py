"""The engine: a failed job is acted on once, however many hear of it, and what two at work on one item leave."""

import asyncio
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.journal import StepKind
from backup_retry.policy.rules import Rules
from tests.builders import NEEDS_PERSON, NOW, failed, item, minutes
from tests.world import World


async def test_a_first_failure_is_retried_at_once(world: World) -> None:
    """One call: noted, claimed, triggered, and the report says so."""
    report = await world.handle(world.fails())

    incident = await world.incident()
    assert (report.decision, report.job_id, report.item_id) == ("triggered", "job-1", item().id)
    assert world.vaults.triggered == [(item().key, incident.attempts[0].id)]
    assert (incident.state, len(incident.attempts)) == (State.TRIGGERED, 1)
    assert incident.attempts[0].operation_id == f"operation-{incident.attempts[0].id}"


async def test_the_reason_of_a_retry_is_reported_as_retry(world: World) -> None:
    """The caller of the webhook is told why: the policy's row 15."""
    report = await world.handle(world.fails())

    assert report.reason == Reason.RETRY


async def test_a_retrys_recovery_point_is_kept_as_long_as_the_rules_say() -> None:
    """The retention is counted from the trigger."""
    world = World(Rules(retention=timedelta(days=8)))

    await world.handle(world.fails())

    assert [each.keep_until for each in world.vaults.requests] == [NOW + timedelta(days=8)]


async def test_a_job_that_is_known_is_not_acted_on_again(world: World) -> None:
    """Two action groups deliver one alert twice."""
    failed_job = world.fails()
    await world.handle(failed_job)

    again = await world.handle(failed_job)

    assert (again.decision, again.reason) == ("already_handled", Reason.ALREADY_HANDLED)
    assert len(world.attempts) == 1


async def test_a_job_that_is_known_costs_azure_nothing(world: World) -> None:
    """The ledger is asked first: a second delivery reads nothing from the vault."""
    failed_job = world.fails()
    await world.handle(failed_job)
    world.vaults.listed.clear()

    await world.handle(failed_job)

    assert world.vaults.listed == []


@pytest.mark.race
async def test_fifty_deliveries_of_one_job_trigger_one_backup(world: World) -> None:
    """Two machines, fifty deliveries at the same time: one of them has the item, the others leave."""
    failed_job = world.fails()
    engines = [world.engine, world.another_engine()]

    reports = await asyncio.gather(
        *(engines[number % 2].handle(failed_job, Source.ALERT) for number in range(50))
    )

    assert len(world.attempts) == 1
    assert sorted(report.decision for report in reports) == [*["already_handled"] * 49, "triggered"]


@pytest.mark.race
async def test_fifty_notes_of_one_job_store_one_incident(world: World) -> None:
    """Noting is a race as well; nothing is triggered by it."""
    failed_job = world.fails()

    reports = await asyncio.gather(*(world.engine.note(failed_job, Source.EVENT) for _ in range(50)))

    assert [report.decision for report in reports].count("stored") == 1
    assert len(await world.ledger.open_incidents()) == 1
    assert world.attempts == []


@pytest.mark.race
async def test_two_failures_of_one_item_at_once_are_both_stored(world: World) -> None:
    """Whoever loses the race was told of a failure that the winner knows nothing of, and the vault may not show yet."""
    first = failed("job-1")
    second = failed("job-2", started_at=NOW - minutes(9), ended_at=NOW - minutes(8))

    reports = await asyncio.gather(
        world.engine.note(first, Source.ALERT), world.another_engine().note(second, Source.ALERT)
    )

    assert [report.decision for report in reports] == ["stored", "stored"]
    known = [(await world.ledger.load(item(), each.id)).job_known for each in (first, second)]
    assert (known, (await world.incident()).failure.id) == ([True, True], "job-2")


async def test_two_follow_ups_at_once_trigger_one_backup(world: World) -> None:
    """Both read the same incident; only one claim is stored."""
    await world.engine.note(world.fails(), Source.ALERT)
    incident = await world.incident()

    reports = await asyncio.gather(world.engine.advance(incident), world.another_engine().advance(incident))

    assert sorted(report.decision for report in reports) == ["already_handled", "triggered"]
    assert len(world.attempts) == 1


@pytest.mark.race
async def test_two_follow_ups_at_once_close_an_incident_once(world: World) -> None:
    """Only one of them has closed it, and only one says so."""
    await world.engine.note(world.fails(error=NEEDS_PERSON), Source.ALERT)
    incident = await world.incident()

    reports = await asyncio.gather(world.engine.advance(incident), world.another_engine().advance(incident))

    assert sorted(report.decision for report in reports) == ["already_handled", "closed"]
    assert await world.story() == [StepKind.NOTED, StepKind.CLOSED]


async def test_different_items_are_retried_independently(world: World) -> None:
    """One item's incident says nothing about another's."""
    await world.handle(world.fails("job-1", of=item(1)))
    await world.handle(world.fails("job-2", of=item(2)))

    assert [key for key, _ in world.vaults.triggered] == [item(1).key, item(2).key]


async def test_noting_stores_and_leaves_the_rest_to_the_follow_up(world: World) -> None:
    """It asks the vault nothing and is due at once."""
    report = await world.engine.note(world.fails(), Source.EVENT)

    incident = await world.incident()
    assert (report.decision, report.job_id) == ("stored", "job-1")
    assert (incident.state, incident.due, incident.found_by) == (State.WAITING, NOW, Source.EVENT)
    assert (world.attempts, world.vaults.listed) == ([], [])

    assert (await world.advance()).decision == "triggered"


# ---- two at work on one item ---------------------------------------------------------------------------------


async def test_the_answer_is_recorded_on_top_of_a_failure_noted_meanwhile(world: World) -> None:
    """A signal changes the incident between claim and answer: neither of the two is lost."""
    second = failed("job-2", started_at=NOW - minutes(1), ended_at=NOW)

    async def noted_meanwhile(of: ProtectedItem, attempt_id: str) -> None:
        await world.another_engine().note(second, Source.EVENT)

    world.vaults.on_trigger = noted_meanwhile
    report = await world.handle(world.fails())

    incident = await world.incident()
    assert (report.decision, incident.state) == ("triggered", State.TRIGGERED)
    assert (incident.failure.id, incident.attempts[0].operation_id) == (
        "job-2",
        f"operation-{world.attempts[0]}",
    )
    assert len(world.attempts) == 1


async def test_a_late_answer_does_not_undo_what_a_follow_up_found(world: World) -> None:
    """The worker was slow, its lease lapsed, and the vault has already shown the completed job."""

    async def slow(of: ProtectedItem, attempt_id: str) -> None:
        world.ends(world.runs(attempt_id), JobStatus.COMPLETED)
        world.clock.move(minutes=6)
        await world.another_engine().advance(await world.incident())

    world.vaults.on_trigger = slow
    report = await world.handle(world.fails())

    incident = await world.incident()
    assert (report.decision, incident.outcome) == ("closed", Outcome.RECOVERED)
    assert len(world.attempts) == 1


async def test_a_follow_up_with_an_old_copy_does_nothing(world: World) -> None:
    """It read the incident before another worker claimed it."""
    await world.engine.note(world.fails(), Source.ALERT)
    old = await world.incident()
    await world.advance()

    report = await world.another_engine().advance(old)

    assert report.decision == "already_handled"
    assert len(world.attempts) == 1
