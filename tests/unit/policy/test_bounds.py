"""Nothing is waited for in silence: after a day a person is told, after 14 it ends."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from backup_retry.domain.decisions import Outcome, Reason, Wait
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus
from backup_retry.policy.decide import decide
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.rules import Rules
from tests.builders import ENDED, NOW, incident, item, job, protected
from tests.world import World

#: what the adapters make of a job without a start
NO_START = datetime.min.replace(tzinfo=UTC)
NEEDS_PERSON = ("NeedsPerson", item().name)


async def updating(world: World) -> None:
    """Somebody edits the item's policy."""
    world.vaults.protect(item(), "UpdatingProtection")


async def refusing(world: World) -> None:
    """The vault has a reason of its own to refuse."""
    world.vaults.read_error = AzureRefused("400 BadRequest", code="BadRequest", status=400)


async def silent(world: World) -> None:
    """The vault does not answer."""
    world.vaults.read_error = AzureUnavailable("no answer")


@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        (updating, Reason.PASSING_STATE),
        (refusing, Reason.AZURE_REFUSED),
        (silent, Reason.AZURE_UNAVAILABLE),
    ],
)
async def test_what_lasts_longer_than_a_day_is_told_once(
    world: World, arrange: Callable[[World], Awaitable[None]], reason: Reason
) -> None:
    """The incident stays open, and goes on by itself when it is over."""
    failure = world.fails()
    await arrange(world)
    await world.handle(failure)
    await world.follow_up(hours=23)
    assert world.sent_notices == []

    for _ in range(3):
        await world.follow_up(hours=2)

    incident = await world.incident()
    assert (incident.reason, incident.is_open, world.sent_notices) == (reason, True, [NEEDS_PERSON])

    world.vaults.read_error = None
    world.vaults.protect(item())
    await world.follow_up(minutes=5)
    assert len(world.attempts) == 1


async def test_what_passes_within_the_day_calls_nobody_however_often_it_comes(world: World) -> None:
    """Each time it is counted anew."""
    failure = world.fails()
    for _ in range(3):
        world.vaults.protect(item(), "UpdatingProtection")
        await world.handle(failure)
        await world.follow_up(hours=20)
        world.vaults.read_error = AzureUnavailable("no answer")
        await world.follow_up(minutes=5)
        world.vaults.read_error = None

    assert world.sent_notices == []


@pytest.mark.parametrize("status", [JobStatus.IN_PROGRESS, JobStatus.UNKNOWN])
async def test_a_job_that_does_not_end_is_named_to_a_person(world: World, status: JobStatus) -> None:
    """It began 20 hours before the failure was heard of; the incident ends as the job does."""
    failure = world.fails()
    stuck = job("stuck", status=status, started_at=NOW - timedelta(hours=20))
    world.vaults.shown_jobs.append(stuck)
    await world.handle(failure)
    await world.follow_up(hours=1)
    assert world.sent_notices == []

    for _ in range(3):
        await world.follow_up(hours=4)

    assert world.sent_notices == [NEEDS_PERSON]
    assert "Job stuck" in world.publisher.sent[0].data["remedy"]
    world.ends(stuck, JobStatus.COMPLETED)
    await world.follow_up(minutes=5)
    assert (await world.incident()).outcome is Outcome.RECOVERED_ELSEWHERE


async def test_a_job_that_never_ends_is_waited_for_14_days(world: World) -> None:
    """Azure keeps no job longer; a person is told a second time, that it is over."""
    failure = world.fails()
    world.vaults.shown_jobs.append(job("stuck", status=JobStatus.IN_PROGRESS, started_at=ENDED))
    await world.handle(failure)
    await world.follow_up(days=2)

    await world.follow_up(days=12)

    assert (await world.incident()).outcome is Outcome.EXHAUSTED
    assert [kind for kind, _ in world.sent_notices] == ["NeedsPerson", "Exhausted"]


async def test_a_retry_that_does_not_end_is_told_of_and_given_up_after_14_days(world: World) -> None:
    """Ours can hang as well as another."""
    await world.handle(world.fails())
    world.runs(world.attempts[0])
    await world.follow_up(hours=23)
    assert [kind for kind, _ in world.sent_notices] == ["RetryTriggered"]

    for _ in range(3):
        await world.follow_up(hours=2)
    assert [kind for kind, _ in world.sent_notices] == ["RetryTriggered", "NeedsPerson"]
    assert (await world.incident()).state is State.TRIGGERED
    await world.follow_up(days=14)

    assert (await world.incident()).outcome is Outcome.EXHAUSTED
    assert len(world.attempts) == 1


async def test_a_retry_in_a_vault_that_refuses_is_given_up_after_14_days(world: World) -> None:
    """Nobody can say what became of it, and an incident is not kept for ever."""
    await world.handle(world.fails())
    world.vaults.read_error = Forbidden("403", code="AuthorizationFailed", status=403)
    await world.follow_up(days=13)
    assert (await world.incident()).is_open

    await world.follow_up(days=2)

    assert (await world.incident()).outcome is Outcome.EXHAUSTED


def test_a_young_job_without_a_start_has_not_run_for_ages() -> None:
    """Nobody is called for a backup that has just begun."""
    young = job("young", status=JobStatus.IN_PROGRESS, started_at=NO_START)
    facts = Facts(jobs=[young], item=protected(), read_at=NOW)

    decision = decide(DecisionContext(incident=incident(), facts=facts, rules=Rules(), now=NOW))

    assert decision == Wait(until=NOW, reason=Reason.IN_PROGRESS, detail="Job young is running.")
