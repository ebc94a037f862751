"""The engine: every reason to leave a failed job alone, and that nothing is triggered then."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden, NotFound
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import FailedJob, JobStatus, Source
from backup_retry.domain.pauses import Pause
from tests.builders import ENDED, LEFT_ALONE, NEEDS_PERSON, NOW, PASSES, STARTED, item, job, minutes
from tests.world import World

PAUSE = Pause(by="anna", why="the storage is being moved")


async def paused(world: World) -> None:
    world.fails()
    await world.ledger.set_pause(PAUSE)


async def mars_agent(world: World) -> None:
    world.fails(workload="MAB")


async def backed_up_by_hand_nine_times(world: World) -> None:
    world.fails()
    by_hand = [
        job(f"by-hand-{number}", status=JobStatus.COMPLETED, started_at=STARTED - number * timedelta(hours=1))
        for number in range(1, 10)
    ]
    world.vaults.shown_jobs.extend(by_hand)


async def item_gone(world: World) -> None:
    world.fails()
    world.vaults.items.clear()


async def soft_deleted(world: World) -> None:
    world.fails()
    world.vaults.items[item().key] = ItemState(protection_state="Protected", deleted=True)


async def protection_stopped(world: World) -> None:
    world.fails()
    world.vaults.protect(item(), "ProtectionStopped")


async def being_updated(world: World) -> None:
    world.fails()
    world.vaults.protect(item(), "UpdatingProtection")


async def recovered_meanwhile(world: World) -> None:
    world.fails()
    world.vaults.shown_jobs.append(job("good", status=JobStatus.COMPLETED, started_at=ENDED))


async def running_meanwhile(world: World) -> None:
    world.fails()
    world.vaults.shown_jobs.append(job("now", status=JobStatus.IN_PROGRESS, started_at=ENDED))


async def cancelled_by_a_person(world: World) -> None:
    world.fails(status=JobStatus.CANCELLED, error="")


async def cancelled_by_code(world: World) -> None:
    world.fails(error=LEFT_ALONE)


async def needs_a_person(world: World) -> None:
    world.fails(error=NEEDS_PERSON)


async def newer_failure_needs_a_person(world: World) -> None:
    world.fails()
    world.fails("job-2", started_at=ENDED, ended_at=NOW, error=NEEDS_PERSON)


async def failed_a_moment_ago(world: World) -> None:
    world.clock.time = ENDED - minutes(1)
    world.fails()


async def vault_forbidden(world: World) -> None:
    world.fails()
    world.vaults.read_error = Forbidden("no role", status=403)


async def vault_gone(world: World) -> None:
    world.fails()
    world.vaults.read_error = NotFound("no vault", status=404)


async def vault_refuses(world: World) -> None:
    world.fails()
    world.vaults.read_error = AzureRefused("a bad request", code="BadRequest", status=400)


async def azure_down(world: World) -> None:
    world.fails()
    world.vaults.read_error = AzureUnavailable("no answer")


@pytest.mark.parametrize(
    ("arrange", "decision", "reason", "outcome"),
    [
        (paused, "waiting", Reason.PAUSED, None),
        (mars_agent, "closed", Reason.UNSUPPORTED, Outcome.NEEDS_ACTION),
        (item_gone, "closed", Reason.NOT_PROTECTED, Outcome.LEFT_ALONE),
        (soft_deleted, "closed", Reason.NOT_PROTECTED, Outcome.LEFT_ALONE),
        (protection_stopped, "closed", Reason.NOT_PROTECTED, Outcome.LEFT_ALONE),
        (being_updated, "waiting", Reason.PASSING_STATE, None),
        (recovered_meanwhile, "closed", Reason.ALREADY_RECOVERED, Outcome.RECOVERED_ELSEWHERE),
        (running_meanwhile, "waiting", Reason.IN_PROGRESS, None),
        (cancelled_by_a_person, "closed", Reason.CANCELLED, Outcome.LEFT_ALONE),
        (cancelled_by_code, "closed", Reason.CANCELLED, Outcome.LEFT_ALONE),
        (needs_a_person, "closed", Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION),
        (newer_failure_needs_a_person, "closed", Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION),
        (backed_up_by_hand_nine_times, "waiting", Reason.DAILY_CAP, None),
        (failed_a_moment_ago, "waiting", Reason.BACKOFF, None),
        (vault_forbidden, "waiting", Reason.NO_PERMISSION, None),
        (vault_gone, "waiting", Reason.NOT_REACHABLE, None),
        (vault_refuses, "waiting", Reason.AZURE_REFUSED, None),
        (azure_down, "waiting", Reason.AZURE_UNAVAILABLE, None),
    ],
)
async def test_nothing_is_triggered(
    world: World,
    arrange: Callable[[World], Awaitable[None]],
    decision: str,
    reason: Reason,
    outcome: Outcome | None,
) -> None:
    """Every reason to leave a job alone: the failure is stored with the reason, and Azure is not touched."""
    await arrange(world)
    shown = next(each for each in world.vaults.shown_jobs if each.id == "job-1")

    report = await world.handle(FailedJob.of(shown, item()))

    incident = await world.incident()
    assert world.attempts == []
    assert (report.decision, report.reason) == (decision, reason)
    assert (incident.reason, incident.outcome, incident.is_open) == (reason, outcome, outcome is None)
    assert (await world.ledger.load(item(), "job-1")).job_known


async def test_a_paused_incident_asks_the_vault_nothing(world: World) -> None:
    """A pause costs Azure no call."""
    await world.ledger.set_pause(PAUSE)

    await world.handle(world.fails())

    assert world.vaults.listed == []


async def test_what_failed_while_paused_is_retried_when_retries_resume(world: World) -> None:
    """Nothing is lost to a pause."""
    await world.ledger.set_pause(PAUSE)
    await world.handle(world.fails())
    await world.advance(minutes=5)
    assert world.attempts == []

    await world.ledger.resume()
    report = await world.advance(minutes=5)

    assert report.decision == "triggered"
    assert len(world.attempts) == 1


async def test_a_pause_does_not_hide_what_became_of_an_attempt(world: World) -> None:
    """What is in flight is still followed: paused means that nothing new is triggered."""
    await world.handle(world.fails())
    world.ends(world.runs(world.attempts[0]), JobStatus.COMPLETED)
    await world.ledger.set_pause(PAUSE)

    report = await world.advance(minutes=5)

    assert (report.decision, report.reason) == ("closed", Reason.RETRY_SUCCEEDED)


async def test_an_attempt_that_fails_while_paused_is_not_repeated(world: World) -> None:
    """Its end is recorded, and the next attempt waits for the pause to end."""
    await world.handle(world.fails())
    world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, PASSES)
    await world.ledger.set_pause(PAUSE)

    report = await world.advance(hours=2)

    incident = await world.incident()
    assert report.reason == Reason.PAUSED
    assert incident.attempts[-1].result == AttemptResult.FAILED
    assert len(world.attempts) == 1


async def test_an_older_failure_that_is_heard_of_late_is_not_retried(world: World) -> None:
    """Out of order: the newer failure was weighed and closed, the older one has nothing to add."""
    await world.handle(world.fails("job-2", started_at=ENDED, error=NEEDS_PERSON))

    report = await world.handle(world.fails("job-1", started_at=STARTED))

    assert report.decision == "already_handled"
    assert (await world.incident()).failure.id == "job-2"
    assert world.attempts == []


async def test_a_failure_after_the_end_of_an_incident_opens_a_new_one(world: World) -> None:
    """A closed incident says nothing about the next night."""
    await world.handle(world.fails(error=NEEDS_PERSON))
    first = await world.incident()
    world.clock.move(days=1)

    report = await world.handle(
        world.fails("job-2", started_at=NOW + timedelta(hours=23), ended_at=world.clock())
    )

    second = await world.incident()
    assert report.decision == "triggered"
    assert (second.first_job_id, len(second.attempts)) == ("job-2", 1)
    assert second.id != first.id


# ---- after a dry run -----------------------------------------------------------------------------------------------


async def rehearsed(world: World, error: str = PASSES) -> FailedJob:
    """A failure that DRY_RUN kept from being retried; then the setting is off."""
    failure = world.fails(error=error)
    world.rules = replace(world.rules, dry_run=True)
    await world.another_engine().handle(failure, Source.SWEEP)
    world.rules = replace(world.rules, dry_run=False)
    return failure


@pytest.mark.parametrize("source", [Source.SWEEP, Source.OPERATOR, Source.ALERT])
async def test_what_was_rehearsed_is_retried_once_dry_run_is_off(world: World, source: Source) -> None:
    """Once: whoever names the failure frees it, and after that it is a failure like any other."""
    failure = await rehearsed(world)
    first = await world.incident()

    done = [(await world.engine.handle(failure, source)).decision for _ in range(2)]

    incident = await world.incident()
    assert (first.reason, done) == (Reason.DRY_RUN, ["triggered", "already_handled"])
    assert (len(world.attempts), incident.id == first.id, incident.weighed_before) == (1, False, {})


async def test_two_workers_free_what_was_rehearsed_once(world: World) -> None:
    """Whoever saves first has it."""
    failure = await rehearsed(world)

    reports = await asyncio.gather(*(world.another_engine().handle(failure, Source.SWEEP) for _ in range(5)))

    assert sorted(each.decision for each in reports) == ["already_handled"] * 4 + ["triggered"]
    assert len(world.attempts) == 1


async def test_while_dry_run_is_on_what_was_rehearsed_stays_so(world: World) -> None:
    """The next sweep finds it again and rehearses nothing twice."""
    failure = await rehearsed(world)
    world.rules = replace(world.rules, dry_run=True)

    report = await world.another_engine().handle(failure, Source.SWEEP)

    assert (report.decision, world.attempts) == ("already_handled", [])


async def test_what_a_dry_run_decided_otherwise_stays_decided(world: World) -> None:
    """A person was told: that was no rehearsal."""
    failure = await rehearsed(world, NEEDS_PERSON)

    report = await world.handle(failure)

    assert (report.decision, world.attempts) == ("already_handled", [])


async def test_what_a_real_incident_has_ended_is_not_freed_by_a_rehearsal_after_it(world: World) -> None:
    """The first night was a person's, the second was rehearsed: only that one can be retried now."""
    first = world.fails(error=NEEDS_PERSON)
    await world.handle(first)
    world.clock.move(days=1)
    second = world.fails("job-2", started_at=NOW + timedelta(hours=23))
    world.rules = replace(world.rules, dry_run=True)
    await world.another_engine().handle(second, Source.SWEEP)
    world.rules = replace(world.rules, dry_run=False)
    engine = world.another_engine()

    assert (await engine.handle(first, Source.SWEEP)).decision == "already_handled"
    assert (await engine.handle(second, Source.SWEEP)).decision == "triggered"


async def test_what_has_recovered_since_the_dry_run_is_not_retried(world: World) -> None:
    """It is looked at as it stands now."""
    failure = await rehearsed(world)
    world.vaults.shown_jobs.append(job("good", status=JobStatus.COMPLETED, started_at=ENDED))

    report = await world.handle(failure)

    assert (report.reason, world.attempts) == (Reason.ALREADY_RECOVERED, [])
