"""The engine: what becomes of an incident when its own attempt's job ends."""

from dataclasses import replace
from datetime import timedelta

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import FailedJob, JobStatus
from backup_retry.domain.journal import StepKind
from tests.builders import ITEM_IS_BUSY, NEEDS_PERSON, NOW, PASSES, failed, item, job, minutes
from tests.world import World


async def test_a_completed_attempt_recovers_the_incident(world: World) -> None:
    """Recovered is what the vault shows, not what the trigger answered."""
    await world.handle(world.fails())
    running = world.runs(world.attempts[0])
    waiting = await world.advance(minutes=5)
    world.ends(running, JobStatus.COMPLETED)

    report = await world.advance(minutes=5)

    incident = await world.incident()
    assert (waiting.decision, waiting.reason) == ("waiting", Reason.ATTEMPT_RUNNING)
    assert (report.decision, incident.outcome) == ("closed", Outcome.RECOVERED)
    assert incident.closed_at == world.clock()
    assert len(world.attempts) == 1


async def test_the_alert_of_our_own_failed_attempt_opens_nothing(world: World) -> None:
    """It can arrive before we know the job's id: it fails the attempt, and nothing is triggered at once."""
    await world.handle(world.fails())
    opened = await world.incident()
    world.clock.move(minutes=3)
    own = world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, PASSES)

    report = await world.handle(failed(own.id, started_at=own.started_at, activity_id=own.activity_id))

    incident = await world.incident()
    assert (report.decision, report.reason) == ("waiting", Reason.BACKOFF)
    assert (incident.id, incident.due) == (opened.id, NOW + minutes(3 + 15))
    assert [attempt.result for attempt in incident.attempts] == [AttemptResult.FAILED]
    assert len(world.attempts) == 1


async def test_the_late_alert_of_our_own_attempt_reopens_nothing(world: World) -> None:
    """It comes after the incident was closed: the attempt's failure has been weighed."""
    await world.handle(world.fails())
    own = world.ends(world.runs(world.attempts[0]), JobStatus.FAILED, NEEDS_PERSON)
    await world.advance(minutes=5)
    assert (await world.incident()).outcome == Outcome.NEEDS_ACTION

    report = await world.handle(
        failed(own.id, started_at=own.started_at, activity_id=own.activity_id.upper(), error=NEEDS_PERSON)
    )

    assert report.decision == "already_handled"
    assert len(world.attempts) == 1


async def test_an_attempt_that_was_given_up_opens_nothing_when_it_fails_after_all(world: World) -> None:
    """No job of it had appeared, and a colleague's backup has ended the incident before it did."""
    given_up = await world.unclear()
    good = job("good", status=JobStatus.COMPLETED, started_at=NOW, activity_id="a-colleague's")
    world.vaults.shown_jobs.append(good)
    closed = await world.advance(minutes=30)
    own = world.ends(world.runs(given_up.attempts[0].id), JobStatus.FAILED, PASSES)

    report = await world.handle(FailedJob.of(own, item()))

    assert (closed.reason, report.decision) == (Reason.ALREADY_RECOVERED, "already_handled")
    assert len(world.attempts) == 1


async def test_an_attempt_that_a_person_cancelled_is_left_alone(world: World) -> None:
    """Somebody stopped our retry: we do not start it again."""
    await world.handle(world.fails())
    world.ends(world.runs(world.attempts[0]), JobStatus.CANCELLED)

    await world.advance(minutes=5)
    incident = await world.incident()

    assert (incident.outcome, incident.reason) == (Outcome.LEFT_ALONE, Reason.CANCELLED)
    assert len(world.attempts) == 1


async def test_a_second_failure_during_an_attempt_starts_no_second_one(world: World) -> None:
    """The schedule's own job fails while ours runs: noted in the same incident, and that is all."""
    await world.handle(world.fails())
    world.runs(world.attempts[0])
    world.clock.move(minutes=5)
    second = world.fails("job-2", started_at=NOW + minutes(3), ended_at=NOW + minutes(4))

    report = await world.handle(second)

    incident = await world.incident()
    assert (report.decision, incident.state) == ("waiting", State.TRIGGERED)
    assert (incident.first_job_id, incident.failure.id) == ("job-1", "job-2")
    assert len(await world.ledger.open_incidents()) == 1
    assert len(world.attempts) == 1


async def test_a_schedule_that_collides_with_our_attempt_needs_no_other_retry(world: World) -> None:
    """Azure fails a backup that starts while another runs, a second later; ours then completes after that failure."""
    await world.handle(world.fails())
    running = world.runs(world.attempts[0])
    collided = NOW + minutes(10)
    world.fails("job-2", started_at=collided, ended_at=collided + timedelta(seconds=1), error=ITEM_IS_BUSY)
    await world.advance(minutes=15)
    world.clock.move(minutes=15)
    world.ends(running, JobStatus.COMPLETED)

    await world.advance()

    assert (await world.incident()).outcome == Outcome.RECOVERED
    assert len(world.attempts) == 1


async def test_a_failure_after_a_completed_attempt_is_retried(world: World) -> None:
    """Ours completed, and then the schedule's own backup failed, before any follow-up: that one is not mended."""
    await world.handle(world.fails())
    world.clock.move(minutes=3)
    world.ends(world.runs(world.attempts[0]), JobStatus.COMPLETED)
    started = world.clock() + minutes(1)
    world.clock.move(minutes=20)

    await world.handle(world.fails("job-2", started_at=started, ended_at=started + minutes(1)))

    incident = await world.incident()
    assert incident.outcome is None
    assert incident.failure.id == "job-2"


async def test_three_failed_attempts_exhaust_the_incident(world: World) -> None:
    """Attempts 1, 2, 3 after 0, 15 and 60 minutes; then a person is told."""
    await world.handle(world.fails())
    for _ in range(3):
        world.ends(world.runs(world.attempts[-1]), JobStatus.FAILED, PASSES)
        await world.advance(minutes=1)
        await world.advance(minutes=60)

    incident = await world.incident()
    assert (incident.outcome, incident.attempts_spent) == (Outcome.EXHAUSTED, 3)
    assert len(set(world.attempts)) == 3


async def test_the_journal_tells_a_whole_life_in_order(world: World) -> None:
    """Failed, retried, failed again, retried, recovered: every step once."""
    await world.handle(world.fails())
    running = world.runs(world.attempts[0])
    await world.advance(minutes=1)
    world.ends(running, JobStatus.FAILED, PASSES)
    await world.advance(minutes=1)
    await world.advance(minutes=1)
    await world.advance(minutes=20)
    world.ends(world.runs(world.attempts[1]), JobStatus.COMPLETED)
    await world.advance(minutes=5)

    assert await world.story() == [
        StepKind.NOTED,
        StepKind.CLAIMED,
        StepKind.TRIGGERED,
        StepKind.FOUND,
        StepKind.ENDED,
        StepKind.WAITING,
        StepKind.CLAIMED,
        StepKind.TRIGGERED,
        StepKind.ENDED,
        StepKind.CLOSED,
    ]


async def test_looking_again_without_news_writes_nothing(world: World) -> None:
    """A follow-up that finds an attempt still running costs no write."""
    await world.handle(world.fails())
    world.runs(world.attempts[0])
    await world.advance(minutes=1)
    saves = world.ledger.saves

    await world.advance(minutes=5)

    assert world.ledger.saves == saves


async def test_the_job_of_an_attempt_is_known_although_its_names_fit_two_items(world: World) -> None:
    """Two databases of one name: what the twin's good backup says nothing of, the attempt's own job ends."""
    await world.handle(world.fails())
    own = job("own", names_item=False, status=JobStatus.IN_PROGRESS, started_at=world.clock())
    twin = replace(own, id="twin", status=JobStatus.COMPLETED, ended_at=world.clock() + minutes(1))
    world.vaults.shown_jobs += [twin, replace(own, activity_id=world.attempts[0])]
    waiting = await world.advance(minutes=30)
    world.ends(world.vaults.shown_jobs[-1], JobStatus.COMPLETED)

    await world.advance(minutes=5)

    incident = await world.incident()
    assert (waiting.decision, waiting.reason) == ("waiting", Reason.ATTEMPT_RUNNING)
    assert (incident.outcome, incident.attempts[-1].job_id) == (Outcome.RECOVERED, "own")
    assert len(world.attempts) == 1
