"""The policy on the attempt in flight: what the vault says became of it, and which failure is the newest."""

from datetime import timedelta
from typing import Any

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason, Wait
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import Job, JobError, JobStatus, Operation
from backup_retry.policy.decide import decide
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.settle import attempt_job, settle, with_newest_failure
from tests.builders import (
    ENDED,
    NEEDS_PERSON,
    NOW,
    STARTED,
    attempt,
    failed,
    in_short,
    incident,
    item,
    job,
    minutes,
)
from tests.settle_world import CLAIMED_AT, RULES, facts, in_flight, own_job, settled

LATER = STARTED + minutes(5)
IN_FLIGHT = attempt(1, claimed_at=CLAIMED_AT)


def test_without_an_attempt_in_flight_there_is_nothing_to_settle() -> None:
    """The incident comes back untouched, and the decision is left to the rows."""
    waiting = incident(attempt(1, result=AttemptResult.FAILED, ended_at=ENDED))

    assert settled(waiting, own_job(JobStatus.COMPLETED)) == (waiting, None)


@pytest.mark.parametrize("state", [State.CLAIMED, State.TRIGGERED, State.UNKNOWN])
@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.COMPLETED_WITH_WARNINGS])
def test_a_completed_job_recovers_the_incident_in_every_state(state: State, status: JobStatus) -> None:
    """Whoever answered or not: the vault's job with our id is ours."""
    changed, decision = settled(in_flight(state, due=NOW + minutes(1)), own_job(status))

    assert decision is not None
    assert in_short(decision) == (Close, Reason.RETRY_SUCCEEDED, Outcome.RECOVERED)
    last = changed.attempts[-1]
    assert (last.result, last.job_id, last.ended_at) == (
        AttemptResult.COMPLETED,
        "own",
        CLAIMED_AT + minutes(3),
    )


def test_the_services_casing_of_our_id_does_not_matter() -> None:
    """Recovery Services writes ids in capitals now and then."""
    changed, _ = settled(in_flight(State.UNKNOWN), own_job(JobStatus.COMPLETED, activity_id="ATTEMPT-1"))

    assert changed.attempts[-1].result == AttemptResult.COMPLETED


@pytest.mark.parametrize("state", [State.CLAIMED, State.TRIGGERED, State.UNKNOWN])
@pytest.mark.parametrize("status", [JobStatus.IN_PROGRESS, JobStatus.CANCELLING])
def test_a_running_job_is_waited_for(state: State, status: JobStatus) -> None:
    """An unclear answer becomes TRIGGERED once the vault shows the job."""
    changed, decision = settled(in_flight(state), own_job(status))

    assert (changed.state, changed.attempts[-1].job_id) == (State.TRIGGERED, "own")
    assert decision == Wait(until=NOW, reason=Reason.ATTEMPT_RUNNING)


@pytest.mark.parametrize(
    ("status", "result"),
    [(JobStatus.FAILED, AttemptResult.FAILED), (JobStatus.CANCELLED, AttemptResult.CANCELLED)],
)
def test_a_job_that_ended_badly_becomes_the_newest_failure(status: JobStatus, result: AttemptResult) -> None:
    """The rows weigh it next: its error counts, not the first one's."""
    changed, decision = settled(in_flight(State.TRIGGERED), own_job(status, error=NEEDS_PERSON))

    assert decision is None
    assert (changed.state, changed.attempts[-1].result) == (State.WAITING, result)
    assert (changed.failure.id, changed.failure.error.title) == ("own", NEEDS_PERSON)
    assert (changed.first_job_id, changed.first_failed_at) == ("job-1", ENDED)


@pytest.mark.parametrize(
    ("shown", "named", "found"),
    [
        pytest.param({"activity_id": "ATTEMPT-1"}, "", True, id="bears the attempt's id"),
        pytest.param({"activity_id": "ATTEMPT-1", "of": item(2)}, "", True, id="called otherwise"),
        pytest.param(
            {"activity_id": "ATTEMPT-1", "started_at": CLAIMED_AT - minutes(9)}, "", True, id="clocks differ"
        ),
        pytest.param({"activity_id": "the-vaults-own"}, "", True, id="known by its own id"),
        pytest.param({"job_id": "NAMED"}, "named", True, id="its operation named it"),
        pytest.param({"job_id": "x", "started_at": NOW}, "", False, id="bears no id"),
        pytest.param({"job_id": "x", "activity_id": "a-colleague"}, "", False, id="bears a colleague's"),
    ],
)
def test_an_attempts_job_is_known_by_an_id_alone(shown: dict[str, Any], named: str, found: bool) -> None:
    """Neither its names nor the time at which it began say whose it is."""
    known = attempt(1, claimed_at=CLAIMED_AT, job_id="j-7")
    other = job(**{"job_id": "j-7" if shown.get("activity_id") == "the-vaults-own" else "x", **shown})

    assert attempt_job(known, [job("before"), other], named) == (other if found else None)


def test_the_job_that_the_operation_names_settles_the_attempt_at_once() -> None:
    """A backup vault may give the job an id of its own; its operation says which one it is."""
    changed, decision = settled(
        in_flight(State.TRIGGERED, operation_id="op"),
        own_job(JobStatus.COMPLETED, activity_id="the-vaults-own"),
        operation=Operation(status="Succeeded", job_id="own"),
    )

    assert (changed.attempts[-1].result, changed.attempts[-1].job_id) == (AttemptResult.COMPLETED, "own")
    assert isinstance(decision, Close)


def test_a_job_that_was_found_before_is_found_again_by_its_own_id() -> None:
    """The job id that is stored with the attempt stays the key."""
    known = attempt(1, claimed_at=CLAIMED_AT, job_id="j-7")
    shown = job("j-7", status=JobStatus.COMPLETED, activity_id="something-else")

    assert attempt_job(known, [shown]) == shown


def test_a_fresh_claim_is_left_to_whoever_made_it() -> None:
    """Its worker is between claim and answer: nothing changes before the lease lapses."""
    claimed = in_flight(State.CLAIMED, due=NOW + minutes(1))
    changed, decision = settled(claimed)

    assert changed == claimed
    assert decision is not None
    assert in_short(decision) == (Wait, Reason.ATTEMPT_RUNNING, NOW + minutes(1))


def test_a_lapsed_claim_becomes_unknown() -> None:
    """Its worker died between claim and answer: only the vault can say what happened."""
    changed, decision = settled(in_flight(State.CLAIMED, due=NOW))

    assert (changed.state, changed.reason) == (State.UNKNOWN, Reason.ANSWER_UNCLEAR)
    assert decision is not None
    assert in_short(decision) == (Wait, Reason.ANSWER_UNCLEAR, NOW)
    assert changed.running_attempt is not None


def test_an_accepted_trigger_whose_job_has_not_appeared_is_waited_for() -> None:
    """Azure said 202: the job is on its way."""
    triggered = in_flight(State.TRIGGERED)
    changed, decision = settled(triggered)

    assert changed == triggered
    assert decision is not None
    assert in_short(decision) == (Wait, Reason.ATTEMPT_RUNNING, NOW)


@pytest.mark.parametrize("state", [State.CLAIMED, State.TRIGGERED, State.UNKNOWN])
def test_no_job_after_the_settling_time_means_that_nothing_was_started(state: State) -> None:
    """Claimed at 13:56; the list was read at 14:11, fifteen minutes later: long enough."""
    read_at = CLAIMED_AT + RULES.settle_after
    changed, decision = settled(in_flight(state), read_at=read_at)

    assert decision is None
    assert (changed.state, changed.attempts[-1].result) == (State.WAITING, AttemptResult.NO_JOB)
    assert changed.failure.id == "job-1"


@pytest.mark.parametrize("state", [State.CLAIMED, State.TRIGGERED, State.UNKNOWN])
def test_a_list_that_was_read_too_early_proves_nothing(state: State) -> None:
    """It is late enough now, but the list is a second too old: the job may have appeared since."""
    read_at = CLAIMED_AT + RULES.settle_after - timedelta(seconds=1)
    now = CLAIMED_AT + minutes(60)

    changed, decision = settle(in_flight(state), Facts(jobs=(), read_at=read_at), RULES, now)

    assert isinstance(decision, Wait)
    assert changed.running_attempt is not None


def test_a_vault_that_was_not_asked_proves_nothing() -> None:
    """No list at all, however long ago the claim is."""
    now = NOW + timedelta(days=2)

    changed, decision = settle(in_flight(State.UNKNOWN), Facts(), RULES, now)

    assert isinstance(decision, Wait)
    assert changed.running_attempt is not None


def test_a_failed_operation_fails_the_attempt() -> None:
    """Azure took the trigger and then refused it without ever making a job; its error counts."""
    refused = Operation(status="Failed", error=JobError(title=NEEDS_PERSON))

    changed, decision = settled(in_flight(State.TRIGGERED, operation_id="op"), operation=refused)

    assert decision is None
    assert (changed.state, changed.attempts[-1].result) == (State.WAITING, AttemptResult.FAILED)
    assert (changed.failure.error.title, changed.failure.ended_at) == (NEEDS_PERSON, ENDED)
    weighed = decide(DecisionContext(incident=changed, facts=facts(), rules=RULES, now=NOW))
    assert in_short(weighed) == (Close, Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION)


def test_a_failed_operation_without_an_error_is_not_weighed_by_the_old_one() -> None:
    """The first failure's code says nothing about the second one: it counts as unknown."""
    changed, _ = settled(in_flight(State.TRIGGERED), operation=Operation(status="Failed"))

    assert changed.failure.error == JobError()


@pytest.mark.parametrize("status", ["InProgress", "Inprogress"])
def test_an_operation_in_progress_is_waited_for_beyond_the_settling_time(status: str) -> None:
    """Azure itself says that it is still at work; backup vaults write it otherwise."""
    pending = Operation(status=status)
    read_at = CLAIMED_AT + timedelta(hours=3)

    changed, decision = settled(in_flight(State.TRIGGERED), operation=pending, read_at=read_at)

    assert isinstance(decision, Wait)
    assert changed.running_attempt is not None


def test_an_operation_that_never_ends_is_given_up_when_azure_forgets_jobs() -> None:
    """Fourteen days: what has not appeared by then never will."""
    pending = Operation(status="InProgress")

    changed, _ = settled(
        in_flight(State.TRIGGERED), operation=pending, read_at=CLAIMED_AT + timedelta(days=14)
    )

    assert changed.attempts[-1].result == AttemptResult.NO_JOB


def test_a_succeeded_operation_is_no_success() -> None:
    """It means that a job was made; only the job itself can complete."""
    changed, decision = settled(
        in_flight(State.TRIGGERED), operation=Operation(status="Succeeded", job_id="own")
    )

    assert isinstance(decision, Wait)
    assert changed.running_attempt is not None


def test_a_success_from_before_a_newer_failure_recovers_nothing() -> None:
    """The attempt completed at 13:59, and then the schedule's own backup failed at 14:10: that one is not mended."""
    newer = failed("job-2", started_at=NOW + minutes(10), ended_at=NOW + minutes(11))
    opened = incident(IN_FLIGHT, failure=newer, state=State.TRIGGERED, first_failed_at=STARTED)

    _, decision = settle(
        opened,
        Facts(jobs=[job("job-2", started_at=newer.started_at), own_job(JobStatus.COMPLETED)], read_at=NOW),
        RULES,
        NOW + minutes(12),
    )

    assert not isinstance(decision, Close)


# ---- the newest failure ------------------------------------------------------------------------------------


def test_the_newest_failed_backup_counts() -> None:
    """Whoever started it, and whether or not anybody told us."""
    newer = job("job-2", started_at=LATER, error=NEEDS_PERSON)

    changed = with_newest_failure(incident(), facts(newer, job("job-1")))

    assert (changed.failure.id, changed.first_job_id) == ("job-2", "job-1")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(job("job-2", started_at=LATER, operation="Restore"), id="a-failed-restore"),
        pytest.param(job("job-2", started_at=LATER, status=JobStatus.COMPLETED), id="a-success"),
        pytest.param(job("job-0", started_at=STARTED - minutes(9)), id="an-older-failure"),
    ],
)
def test_what_is_no_newer_failed_backup_changes_nothing(other: Job) -> None:
    """Restores, successes and the past are not this incident's failure."""
    assert with_newest_failure(incident(), facts(other)) == incident()
