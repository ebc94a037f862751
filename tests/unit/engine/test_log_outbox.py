"""The log's lines that mails hang on: stored with the change, written by whoever lives, at least once."""

import json
from datetime import datetime, timedelta

import pytest

from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import JobStatus, Source
from backup_retry.domain.journal import READ_BY_RULES
from reconciler.follow_up import FollowUp
from tests.builders import NEEDS_PERSON, NOW, job
from tests.world import Crash, World


@pytest.fixture(autouse=True)
def _everything(caplog: pytest.LogCaptureFixture) -> None:
    """INFO is not shown by default."""
    caplog.set_level("INFO", logger="backup_retry")


def told_by_log(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The events of the lines that alert rules read."""
    events = [json.loads(record.getMessage())["event"] for record in caplog.records]
    return [event for event in events if event in READ_BY_RULES]


def dies_after_its_save(world: World) -> None:
    """The next worker that saves is killed before it has the ledger's answer."""

    def die(_: Incident) -> None:
        world.ledger.after_save = None
        raise Crash

    world.ledger.after_save = die


async def follow_up(world: World, behind: timedelta = timedelta(0)) -> None:
    """The timer fires, in a worker of its own, whose clock may be behind."""

    def clock() -> datetime:
        return world.clock() - behind

    engine = world.another_engine(clock)
    await FollowUp(ledger=world.ledger, engine=engine, controls=world.ledger, clock=clock).run()


async def test_a_worker_that_dies_after_closing_an_incident_leaves_its_line_to_the_follow_up(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It is written once, and nothing is left to tell."""
    dies_after_its_save(world)
    with pytest.raises(Crash):
        await world.handle(world.fails(error=NEEDS_PERSON))
    assert told_by_log(caplog) == []

    await follow_up(world)
    await follow_up(world)

    assert told_by_log(caplog) == ["incident_closed"]
    assert await world.ledger.open_incidents() == []


async def test_a_person_is_told_although_the_incident_is_not_due_yet(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup has run for days, and the worker dies; by the next one's clock nothing is to be done yet."""
    began = NOW - timedelta(days=3)
    world.vaults.shown_jobs.append(job("stuck", status=JobStatus.IN_PROGRESS, started_at=began))
    dies_after_its_save(world)
    with pytest.raises(Crash):
        await world.handle(world.fails())
    incident = await world.incident()

    await follow_up(world, behind=timedelta(minutes=1))

    assert told_by_log(caplog) == ["person_told"]
    assert await world.incident() == incident.without_lines().without_notices()


async def test_a_line_is_written_once_although_the_topic_is_away(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the notice is left."""
    world.publisher.error = AzureUnavailable("the topic does not answer")
    await world.handle(world.fails(error=NEEDS_PERSON))
    await follow_up(world)

    left = await world.incident()
    assert (told_by_log(caplog), left.lines, len(left.notices)) == (["incident_closed"], (), 1)


async def test_what_a_terminal_changes_is_said_by_the_app(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """No alert rule reads what a command logs."""
    terminal = world.another_engine(has_log=False)
    await terminal.handle(world.fails(error=NEEDS_PERSON), Source.OPERATOR)
    assert told_by_log(caplog) == []

    await follow_up(world)

    assert told_by_log(caplog) == ["incident_closed"]
    assert await world.ledger.open_incidents() == []


async def test_the_next_incident_of_an_item_takes_over_the_lines_of_the_last(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Its failure comes before the follow-up that would have written them."""
    dies_after_its_save(world)
    with pytest.raises(Crash):
        await world.handle(world.fails(error=NEEDS_PERSON))
    world.clock.move(hours=24)

    await world.handle(world.fails("job-2", started_at=world.clock(), ended_at=world.clock()))

    assert told_by_log(caplog) == ["incident_closed"]
    assert (await world.incident()).lines == ()
