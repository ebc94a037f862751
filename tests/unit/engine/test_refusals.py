"""The engine when Azure says no, or not now."""

import json
import logging
from dataclasses import replace

import pytest

from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.errors import (
    OF_ANOTHER_TENANT,
    AzureRefused,
    AzureUnavailable,
    Forbidden,
    Throttled,
)
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import JobStatus
from tests.builders import ENDED, NEEDS_PERSON, NOW, PASSES, job, minutes
from tests.world import World


async def test_a_throttled_trigger_spends_no_attempt(world: World) -> None:
    """429: nothing was started; it is tried again when Azure said, not before."""
    world.vaults.trigger_errors = [Throttled("too many requests", retry_after=minutes(2))]
    report = await world.handle(world.fails())
    incident = await world.incident()
    assert (report.decision, report.reason) == ("waiting", Reason.THROTTLED)
    assert (incident.due, incident.attempts_spent) == (NOW + minutes(2), 0)

    early = await world.advance(minutes=1)
    assert (early.reason, len(world.attempts)) == (Reason.THROTTLED, 1)

    report = await world.advance(minutes=1)
    assert (report.decision, len(set(world.attempts))) == ("triggered", 2)


async def test_a_throttled_trigger_without_retry_after_waits_a_little(world: World) -> None:
    """Never at once: a storm of requests would go on."""
    world.vaults.trigger_errors = [Throttled("too many requests")]

    await world.handle(world.fails())

    assert (await world.incident()).due > NOW


async def test_a_refused_trigger_is_weighed_by_its_code(world: World) -> None:
    """400 with a code that the catalogue knows: a person is told what to do, and nothing is repeated."""
    world.vaults.trigger_errors = [AzureRefused("the agent is gone", code=NEEDS_PERSON, status=400)]
    await world.handle(world.fails())
    assert (await world.incident()).state == State.WAITING

    await world.advance(minutes=30)

    incident = await world.incident()
    assert (incident.outcome, incident.reason) == (Outcome.NEEDS_ACTION, Reason.NEEDS_ACTION)
    assert len(world.attempts) == 1


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "NobodyKnowsThis",
            "Azure rejected the backup, NobodyKnowsThis: It is in the way. Azure says: Move it. Fix what",
        ),
        (
            "ScopeLocked",
            "Azure rejected the backup, ScopeLocked: It is in the way. Move it. A read-only lock on",
        ),
        (
            "",
            "Azure rejected the backup, no error code: It is in the way. Azure says: Move it. Fix what",
        ),
    ],
)
async def test_a_refusal_is_told_in_azures_own_words(world: World, code: str, said: str) -> None:
    """Code, message and advice, whether the catalogue knows the code or not; it is not tried a second time."""
    error = AzureRefused("no", code=code, status=400, said="It is in the way.", advice="Move it.")
    world.vaults.trigger_errors = [error]
    await world.handle(world.fails())

    await world.advance(minutes=30)

    incident = await world.incident()
    assert (incident.reason, len(world.attempts)) == (Reason.NEEDS_ACTION, 1)
    assert incident.detail.startswith(said)


async def test_what_was_refused_once_is_not_said_of_a_later_failure(world: World) -> None:
    """The schedule's next backup failed by itself: nobody refused it."""
    world.vaults.trigger_errors = [AzureRefused("no", code="Conflict", status=409, said="Busy.")]
    await world.handle(world.fails())
    later = world.clock() + minutes(5)
    await world.handle(world.fails("job-2", error=NEEDS_PERSON, started_at=later, ended_at=later))

    incident = await world.incident()
    assert incident.reason is Reason.NEEDS_ACTION
    assert "refused" not in incident.detail


async def test_a_refusal_that_passes_is_tried_again(world: World) -> None:
    """409 with a code that nobody knows: something else was in the way."""
    world.vaults.trigger_errors = [AzureRefused("no", code="Conflict", status=409, said="Busy.")]
    await world.handle(world.fails())

    report = await world.advance(minutes=30)

    assert (report.decision, len(world.attempts)) == ("triggered", 2)


async def test_a_code_that_nobody_knows_is_in_the_log_whatever_is_done_about_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """A refusal that is not tried again is reported as a retried failure is."""
    caplog.set_level(logging.INFO, "backup_retry")
    world.vaults.trigger_errors = [AzureRefused("no", code="NobodyKnowsThis", status=400, said="No.")]
    await world.handle(world.fails())
    await world.advance(minutes=30)

    lines = [json.loads(each.message) for each in caplog.records]
    assert [each["code"] for each in lines if each["event"] == "unknown_error_code"] == ["NobodyKnowsThis"]


@pytest.mark.parametrize(
    ("code", "says", "lacks"),
    [
        ("AuthorizationFailed", "Backup Operator and Reader", "another tenant"),
        (OF_ANOTHER_TENANT, "another tenant", "Backup Operator"),
        ("DisallowedByNetwork", "not because of a missing role", "Backup Operator"),
    ],
)
async def test_only_for_a_missing_role_a_role_is_asked_for(
    world: World, code: str, says: str, lacks: str
) -> None:
    """A vault that must not be read says why, and what it says of it stands beside."""
    world.vaults.read_error = Forbidden("jobs of the vault: 403", code=code, status=403, said="It says why.")
    await world.handle(world.fails())

    incident = await world.incident()
    assert incident.reason is Reason.NO_PERMISSION
    assert says in incident.detail
    assert "It says why." in incident.detail
    assert lacks not in incident.detail


async def test_a_refused_trigger_spends_an_attempt(world: World) -> None:
    """Azure said no for good: it counts, or it would be tried for ever."""
    world.vaults.trigger_errors = [AzureRefused("no", code=PASSES, status=400) for _ in range(9)]
    await world.handle(world.fails())
    for _ in range(5):
        await world.advance(minutes=61)

    assert (await world.incident()).outcome == Outcome.EXHAUSTED
    assert len(world.attempts) == 3


async def test_a_backup_that_completed_before_the_refusal_counts(world: World) -> None:
    """The list did not show it yet when the retry was decided."""
    world.vaults.trigger_errors = [AzureRefused("locked", code=PASSES, status=400)]
    await world.handle(world.fails())
    good = job("good", status=JobStatus.COMPLETED, started_at=ENDED, ended_at=NOW - minutes(1))
    world.vaults.shown_jobs.append(good)

    report = await world.advance(minutes=15)

    assert (report.decision, report.reason, len(world.attempts)) == ("closed", Reason.ALREADY_RECOVERED, 1)


async def full_retry_is_rejected(world: World) -> None:
    """A differential backup lacks its full one, and Azure rejects that with another error."""
    world.vaults.trigger_errors = [AzureRefused("locked", code=PASSES, status=400)]
    failure = world.fails(workload="SQLDataBase", error="UserErrorParentFullBackupMissing")
    shown = [replace(each, operation="Backup (Differential)") for each in world.vaults.shown_jobs]
    world.vaults.shown_jobs = shown
    await world.handle(replace(failure, operation="Backup (Differential)"))


async def test_a_broken_chain_is_not_forgotten_with_a_refusal(world: World) -> None:
    """What Azure answers to the full backup is not what the differential one had failed with."""
    await full_retry_is_rejected(world)

    await world.advance(minutes=15)

    assert [each.kind for each in world.vaults.requests] == ["Full", "Full"]


async def test_a_lesser_backup_shows_that_its_chain_is_whole_again(world: World) -> None:
    """The full backup that repaired it may have run on another node; after a rejected retry none is needed."""
    await full_retry_is_rejected(world)
    good = job("good", status=JobStatus.COMPLETED, started_at=ENDED, ended_at=NOW - minutes(1))
    world.vaults.shown_jobs.append(replace(good, operation="Backup (Differential)"))

    report = await world.advance(minutes=15)

    assert (report.decision, report.reason, len(world.attempts)) == ("closed", Reason.ALREADY_RECOVERED, 1)


async def test_a_failure_is_stored_when_azure_does_not_answer(world: World) -> None:
    """A signal that is answered with success is stored: the follow-up goes on when Azure is back."""
    world.vaults.read_error = AzureUnavailable("no answer", retry_after=minutes(3))
    await world.handle(world.fails())
    assert (await world.incident()).due == NOW + minutes(3)

    world.vaults.read_error = None
    report = await world.advance(minutes=3)

    assert report.decision == "triggered"


async def test_azure_out_of_reach_ends_no_attempt(world: World) -> None:
    """What is in flight stays in flight, however long Azure does not answer."""
    await world.unclear()
    world.vaults.read_error = AzureUnavailable("no answer")

    report = await world.advance(hours=5)

    incident = await world.incident()
    assert (report.decision, incident.state) == ("waiting", State.UNKNOWN)
    assert incident.running_attempt is not None
    assert len(world.attempts) == 1


async def test_a_vault_that_must_not_be_read_ends_no_attempt(world: World) -> None:
    """A role that is missing for a minute says nothing about a backup that may be running.

    Closed, the incident would forget the attempt: the item's next failure would be retried beside it.
    """
    await world.unclear()
    world.vaults.read_error = Forbidden("no role", status=403)
    await world.advance(minutes=1)
    world.vaults.read_error = None

    await world.handle(
        world.fails("job-2", started_at=world.clock(), ended_at=world.clock(), activity_id="the-schedule")
    )

    assert len(world.attempts) == 1


async def test_an_incident_that_azure_refuses_to_show_ends_after_fourteen_days(world: World) -> None:
    """Every failed job ends closed, with a reason a person can read."""
    world.vaults.read_error = AzureRefused("a bad request", code="BadRequest", status=400)
    await world.handle(world.fails())

    await world.advance(days=15)

    assert not (await world.incident()).is_open


async def test_a_retry_that_azure_always_puts_off_is_told_after_a_day(world: World) -> None:
    """Once; it is asked for again and again, and goes when Azure lets it."""
    world.vaults.trigger_errors = [Throttled("too many requests", retry_after=minutes(60))] * 30
    await world.handle(world.fails())
    for _ in range(23):
        await world.follow_up(hours=1)
    assert world.sent_notices == []
    for _ in range(6):
        await world.follow_up(hours=1)
    assert world.sent_notices == [("NeedsPerson", "VM;iaasvmcontainerv2;rg-app;vm-01")]
    assert world.publisher.sent[0].data["reason"] == "throttled"
    await world.follow_up(hours=1)
    assert (await world.incident()).state is State.TRIGGERED
