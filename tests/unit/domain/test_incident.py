"""The incident: which failures are its own, which it has weighed, and what its methods change."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import Job, JobStatus, Source
from tests.builders import ENDED, NOW, STARTED, attempt, failed, incident, item, job, minutes, vault

CLAIMED_AT = NOW - minutes(4)
IN_FLIGHT = attempt(1, claimed_at=CLAIMED_AT)


def test_a_new_incident_is_due_at_once() -> None:
    """It waits for nothing but the next look."""
    opened = Incident.open(failed(), Source.SWEEP, NOW)

    assert (opened.state, opened.due, opened.opened_at) == (State.WAITING, NOW, NOW)
    assert (opened.first_job_id, opened.first_failed_at, opened.found_by) == ("job-1", ENDED, Source.SWEEP)


def test_two_incidents_have_two_ids() -> None:
    """Even of one failure."""
    assert Incident.open(failed(), Source.ALERT, NOW).id != Incident.open(failed(), Source.ALERT, NOW).id


@pytest.mark.parametrize("activity_id", ["attempt-1", "ATTEMPT-1", "attempt-2"])
def test_a_failed_job_that_carries_an_attempts_id_is_its_own(activity_id: str) -> None:
    """Of any attempt, in any casing, whenever it started."""
    opened = incident(attempt(1, result=AttemptResult.FAILED, ended_at=ENDED), attempt(2))

    assert opened.owns(failed("own", activity_id=activity_id))


@pytest.mark.parametrize("activity_id", ["", "a-colleague"])
@pytest.mark.parametrize("since_claim", [timedelta(0), timedelta(seconds=1), minutes(1)])
def test_a_failed_job_that_bears_no_attempts_id_is_not_its_own(
    activity_id: str, since_claim: timedelta
) -> None:
    """Whenever it began: a colleague may start a backup in the same second."""
    other = failed("x", started_at=CLAIMED_AT + since_claim, activity_id=activity_id)

    assert not incident(IN_FLIGHT).owns(other)


def twins_job(job_id: str = "x", activity_id: str = "") -> Job:
    """A job whose names fit two items, the incident's among them."""
    return replace(job(job_id, activity_id=activity_id, names_item=False), candidates=(item(1), item(2)))


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(job(), True, id="of its item"),
        pytest.param(job(of=item(2)), False, id="of another item"),
        pytest.param(
            job(of=item(2), activity_id="attempt-1"), True, id="called otherwise, with an attempt's id"
        ),
        pytest.param(job("OWN", of=item(2)), True, id="called otherwise, the attempt's known job"),
        pytest.param(twins_job(activity_id="ATTEMPT-2"), True, id="with a later attempt's id, in capitals"),
        pytest.param(twins_job("own"), True, id="fits several, the attempt's known job"),
        pytest.param(twins_job(activity_id="the-schedule"), False, id="fits several, somebody else's"),
        pytest.param(twins_job(), False, id="fits several, nobody's"),
    ],
)
def test_a_job_is_an_incidents_by_the_attempts_id_or_else_by_its_item(shown: Job, expected: bool) -> None:
    """The node that does a backup gives the job its name; the id of the attempt is what it was asked for with."""
    ended = attempt(1, result=AttemptResult.FAILED, ended_at=ENDED, job_id="own")
    assert incident(ended, attempt(2)).is_about(shown) is expected


def named(entity: str, stand_in: bool = True) -> Job:
    """A job of a database that its vault does not list under that name."""
    container = "Unlisted;SQLDataBase;node-2" if stand_in else "VMAppContainer;Compute;rg;sql"
    return replace(job(of=ProtectedItem(vault=vault(), container=container, name="x")), entity_name=entity)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        pytest.param(twins_job(), True, id="fits this item and another"),
        pytest.param(named("ORDERS"), True, id="fits none, has no server yet"),
        pytest.param(named("orders [node-2]"), True, id="fits none, another node's"),
        pytest.param(named("orders-2 [node-2]"), False, id="another database's"),
        pytest.param(named("orders [node-2]", stand_in=False), False, id="another item's"),
        pytest.param(named(""), True, id="nameless"),
        pytest.param(replace(named(""), item=None), True, id="nameless, and of no item"),
        pytest.param(replace(named(""), workload="SQLDataBase"), False, id="nameless, of another workload"),
        pytest.param(replace(named(""), vault=vault("vault-2")), False, id="nameless, of another vault"),
        pytest.param(replace(named(""), item=item(2)), False, id="nameless, of an item that is known"),
    ],
)
def test_a_job_may_be_an_incidents_where_its_names_leave_that_open(shown: Job, expected: bool) -> None:
    """A young job of a database says the database's name alone, or nothing; nodes call theirs after themselves."""
    opened = incident(failure=replace(failed(), entity_name="orders [listener]"))
    assert opened.may_be_about(shown) is expected


def test_an_older_or_equal_failure_is_covered() -> None:
    """It has been weighed, or one that ended later has."""
    assert incident().covers(failed("job-0", ended_at=ENDED - minutes(1)))
    assert incident().covers(failed("job-0", ended_at=ENDED))
    assert not incident().covers(failed("job-2", ended_at=ENDED + minutes(1)))


def test_an_attempts_own_failure_is_covered_however_late_it_comes() -> None:
    """The attempt was given up and the incident closed; what its job does afterwards is no failure of its own."""
    given_up = incident(attempt(1, result=AttemptResult.NO_JOB))
    late = failed("own", activity_id="attempt-1", ended_at=NOW + minutes(60))

    assert given_up.covers(late)
    assert not given_up.covers(replace(late, activity_id="somebody"))


def test_a_long_backup_is_not_covered_by_one_that_ran_into_it() -> None:
    """It began first and ended last: what became of it, by failing or by a person's cancelling it, is news."""
    long = failed("long", started_at=STARTED - timedelta(hours=9), ended_at=ENDED + minutes(1))

    assert not incident().covers(long)
    assert incident().with_failure(long).failure == long


@pytest.mark.parametrize(
    ("by_start", "began", "ended", "past"),
    [
        (False, 0, 30, True),
        (False, 0, 31, False),
        (False, 30, 40, False),
        (True, 30, 40, True),
        (True, 0, 30, True),
        (True, 0, 31, False),
        (True, 31, 40, False),
    ],
)
def test_what_an_earlier_incident_has_weighed_is_past(
    by_start: bool, began: float, ended: float, past: bool
) -> None:
    """Weighed up to minute 30: by ends. In a row of 0.1.0 the one that began then is meant, whenever it ended."""
    opened = replace(incident(), weighed_before={3: STARTED + minutes(30)}, weighed_by_start=by_start)
    other = failed("x", started_at=STARTED + minutes(began), ended_at=STARTED + minutes(ended))

    assert opened.is_past(other) is past


def test_a_new_incident_knows_how_its_item_kept_what_was_weighed() -> None:
    """Else a row of 0.1.0 would be taken for one of ours as soon as the item fails again."""
    old = replace(incident(), weighed_by_start=True)

    assert Incident.open(failed("x"), Source.ALERT, NOW, after=old).weighed_by_start
    assert not Incident.open(failed("x"), Source.ALERT, NOW, after=incident()).weighed_by_start


def test_only_a_newer_failure_takes_the_place_of_the_old_one() -> None:
    """The first one stays on record."""
    newer = incident().with_failure(failed("job-2", started_at=STARTED + minutes(1)))

    assert (newer.failure.id, newer.first_job_id, newer.first_failed_at) == ("job-2", "job-1", ENDED)
    assert newer.with_failure(failed("job-0", started_at=STARTED)) == newer


def test_a_full_backup_that_failed_before_the_log_backup_becomes_the_first_failure() -> None:
    """It is the one that is missing, and since then jobs are looked at."""
    log = failed("log", operation="Backup (Log)")
    full = failed("full", operation="Backup (Full)", started_at=STARTED - minutes(60), error="FullBroke")
    changed = Incident.open(log, Source.ALERT, NOW).with_failure(full)

    assert changed.failure.id == "full"
    assert (changed.first_job_id, changed.first_failed_at) == ("full", ENDED - minutes(60))
    assert changed.first_error.title == "FullBroke"
    assert changed.with_failure(log) == changed


def test_a_claim_adds_an_attempt_with_an_id_of_its_own() -> None:
    """The lease ends when the rules say; numbers count up."""
    first = incident().claimed(NOW, minutes(5))
    second = first.attempt_ended(AttemptResult.FAILED, NOW).claimed(NOW, minutes(5))

    assert (first.state, first.due, first.reason) == (State.CLAIMED, NOW + minutes(5), Reason.RETRY)
    assert [each.number for each in second.attempts] == [1, 2]
    assert [each.failed_at for each in second.attempts] == [ENDED, ENDED]
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
