"""The incident: which failures are its own, which it has weighed, and what its methods change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.incident import AttemptResult, Incident, State
from backup_retry.domain.jobs import Close, Job, JobStatus, Outcome, Reason, Source
from tests.builders import ENDED, NOW, STARTED, attempt, failed, incident, item, job, minutes

CLAIMED_AT = NOW - minutes(4)
IN_FLIGHT = attempt(1, claimed_at=CLAIMED_AT)


def test_a_new_incident_is_due_at_once() -> None:
    """It waits for nothing but the next look."""
    opened = Incident.open(failed(), Source.SWEEP, NOW)

    assert (opened.state, opened.due, opened.opened_at) == (State.WAITING, NOW, NOW)
    assert (opened.first_job_id, opened.first_failed_at, opened.found_by) == ("job-1", STARTED, Source.SWEEP)


def test_two_incidents_have_two_ids() -> None:
    """Even of one failure."""
    assert Incident.open(failed(), Source.ALERT, NOW).id != Incident.open(failed(), Source.ALERT, NOW).id


@pytest.mark.parametrize("activity_id", ["attempt-1", "ATTEMPT-1", "attempt-2"])
def test_a_failed_job_that_carries_an_attempts_id_is_its_own(activity_id: str) -> None:
    """Of any attempt, in any casing, whenever it started."""
    opened = incident(attempt(1, result=AttemptResult.FAILED, ended_at=ENDED), attempt(2))

    assert opened.owns(failed("own", activity_id=activity_id))


@pytest.mark.parametrize(
    ("activity_id", "started_after", "expected"),
    [
        ("", minutes(0), True),
        ("", minutes(1), True),
        ("", -timedelta(seconds=1), False),
        ("the-schedule", minutes(1), False),
    ],
)
def test_a_job_without_an_id_is_its_own_by_time(
    activity_id: str, started_after: timedelta, expected: bool
) -> None:
    """Only while an attempt is in flight, only since its claim, only if nobody else signed it."""
    other = failed("x", started_at=CLAIMED_AT + started_after, activity_id=activity_id)

    assert incident(IN_FLIGHT).owns(other) is expected
    assert not incident(attempt(1, result=AttemptResult.FAILED)).owns(other)
    assert not incident().owns(other)


def twins_job(job_id: str = "x", activity_id: str = "") -> Job:
    """A job whose names fit two items, the incident's among them."""
    return replace(job(job_id, activity_id=activity_id, names_item=False), candidates=(item(1), item(2)))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(job(), True, id="of its item"),
        pytest.param(job(of=item(2), activity_id="attempt-1"), False, id="of another item"),
        pytest.param(twins_job(activity_id="attempt-1"), True, id="with an attempt's id"),
        pytest.param(twins_job(activity_id="ATTEMPT-2"), True, id="with a later attempt's id, in capitals"),
        pytest.param(twins_job("own"), True, id="the attempt's known job"),
        pytest.param(twins_job(activity_id="the-schedule"), False, id="somebody else's"),
        pytest.param(twins_job(), False, id="nobody's"),
        pytest.param(replace(twins_job("own"), candidates=(item(2),)), False, id="fits other items only"),
    ],
)
def test_a_job_that_fits_several_items_is_of_this_one_where_an_attempt_started_it(
    shown: Job, expected: bool
) -> None:
    """Two databases of one name on one server: which of them it backed up only the attempt's id can tell."""
    ended = attempt(1, result=AttemptResult.FAILED, ended_at=ENDED, job_id="own")
    assert incident(ended, attempt(2)).is_about(shown) is expected


def test_an_older_or_equal_failure_is_covered() -> None:
    """It has been weighed, or a newer one has."""
    assert incident().covers(failed("job-0", started_at=STARTED - minutes(1)))
    assert incident().covers(failed("job-0", started_at=STARTED))
    assert not incident().covers(failed("job-2", started_at=STARTED + minutes(1)))


def test_only_a_newer_failure_takes_the_place_of_the_old_one() -> None:
    """The first one stays on record."""
    newer = incident().with_failure(failed("job-2", started_at=STARTED + minutes(1)))

    assert (newer.failure.id, newer.first_job_id, newer.first_failed_at) == ("job-2", "job-1", STARTED)
    assert newer.with_failure(failed("job-0", started_at=STARTED)) == newer


def test_a_full_backup_that_failed_before_the_log_backup_becomes_the_first_failure() -> None:
    """It is the one that is missing, and since then jobs are looked at."""
    log = failed("log", operation="Backup (Log)")
    full = failed("full", operation="Backup (Full)", started_at=STARTED - minutes(60), error="FullBroke")
    changed = Incident.open(log, Source.ALERT, NOW).with_failure(full)

    assert changed.failure.id == "full"
    assert (changed.first_job_id, changed.first_failed_at) == ("full", STARTED - minutes(60))
    assert changed.first_error.title == "FullBroke"
    assert changed.with_failure(log) == changed


def test_a_claim_adds_an_attempt_with_an_id_of_its_own() -> None:
    """The lease ends when the rules say; numbers count up."""
    first = incident().claimed(NOW, minutes(5))
    second = first.attempt_ended(AttemptResult.FAILED, NOW).claimed(NOW, minutes(5))

    assert (first.state, first.due, first.reason) == (State.CLAIMED, NOW + minutes(5), Reason.RETRY)
    assert [each.number for each in second.attempts] == [1, 2]
    assert len({each.id for each in second.attempts}) == 2


@pytest.mark.parametrize(
    ("result", "spent"),
    [
        (AttemptResult.RUNNING, True),
        (AttemptResult.COMPLETED, True),
        (AttemptResult.FAILED, True),
        (AttemptResult.CANCELLED, True),
        (AttemptResult.NO_JOB, True),
        (AttemptResult.THROTTLED, False),
    ],
)
def test_every_attempt_counts_but_a_throttled_one(result: AttemptResult, spent: bool) -> None:
    """Azure said in so many words that it had started nothing."""
    assert incident(attempt(1, result=result)).attempts_spent == int(spent)


def test_only_the_last_attempt_can_be_in_flight() -> None:
    """And only while nothing is known of its end."""
    assert incident().running_attempt is None
    assert incident(IN_FLIGHT).running_attempt == IN_FLIGHT
    assert incident(attempt(1, result=AttemptResult.NO_JOB)).running_attempt is None


def test_closing_keeps_why_and_when() -> None:
    """What a person reads later."""
    close = Close(outcome=Outcome.EXHAUSTED, reason=Reason.EXHAUSTED, detail="three retries")
    closed = incident().closed(close, NOW)

    assert not closed.is_open
    assert (closed.outcome, closed.reason, closed.detail, closed.closed_at) == (
        Outcome.EXHAUSTED,
        Reason.EXHAUSTED,
        "three retries",
        NOW,
    )


def test_a_failed_job_that_has_no_end_ends_when_it_started() -> None:
    """Azure leaves the end out now and then, or writes the year 1."""
    assert failed(status=JobStatus.IN_PROGRESS).ended_at == STARTED
