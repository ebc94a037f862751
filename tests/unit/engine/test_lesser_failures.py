"""Full, differential and log backups of one database fail side by side: none is forgotten for another."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import FailedJob, Job, JobStatus, Source
from backup_retry.policy.rules import Rules
from backup_retry.policy.settle import settle, with_newest_failure, with_own_successes
from tests.builders import NEEDS_PERSON, NOW, STARTED, attempt, failed, incident, item, job, minutes
from tests.world import World

SQL = "SQLDataBase"
CLAIMED_AT = STARTED + minutes(5)


def backup(
    kind: str,
    job_id: str = "",
    *,
    status: JobStatus = JobStatus.FAILED,
    began: datetime = STARTED,
    lasted: float = 5,
) -> Job:
    """A database's backup that took some minutes."""
    return job(
        job_id or kind.lower(),
        operation=f"Backup ({kind})",
        workload=SQL,
        status=status,
        started_at=began,
        ended_at=began + minutes(lasted),
    )


def about(kind: str) -> Incident:
    """An open incident of such a backup."""
    return incident(failure=failure_of(backup(kind)))


def failure_of(shown: Job) -> FailedJob:
    return FailedJob.of(shown, item())


@pytest.mark.parametrize(
    ("retried", "recovered"), [("Full", True), ("Differential", False), ("CopyOnlyFull", True)]
)
def test_a_retry_mends_no_better_backup_that_failed_beside_it(retried: str, recovered: bool) -> None:
    """The schedule's full backup ran into the differential one that had been retried: it is still missing."""
    own = replace(
        backup(retried, "own", status=JobStatus.COMPLETED, began=CLAIMED_AT, lasted=10),
        activity_id="attempt-1",
    )
    open_one = replace(
        incident(attempt(1, claimed_at=CLAIMED_AT), failure=failure_of(backup("Full", lasted=6))),
        state=State.TRIGGERED,
    )

    changed, decision = settle(open_one, Facts(jobs=[own], read_at=NOW), Rules(), NOW)

    assert changed.attempts[-1].result is AttemptResult.COMPLETED
    assert (decision == Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED)) is recovered


@pytest.mark.parametrize("lesser", ["Log", "Differential"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_failure_that_is_made_up_for_gives_way_to_a_lesser_one(lesser: str, listed: bool) -> None:
    """It would be closed as recovered with the full one; it counts from its own end, listed yet or only heard."""
    good = backup("Full", "good", status=JobStatus.COMPLETED, began=STARTED + minutes(6))
    missing = backup(lesser, began=STARTED + minutes(15))
    shown = [good, backup("Full"), *([missing] if listed else [])]

    changed = with_newest_failure(about("Full"), Facts(jobs=shown), None if listed else failure_of(missing))

    assert (changed.failure.id, changed.first_job_id) == (missing.id, missing.id)
    assert changed.first_failed_at == missing.ended_at
    assert changed.covers(failure_of(backup("Full")))


async def test_a_lesser_failure_that_only_an_alert_tells_is_not_forgotten_with_the_better_one(
    world: World,
) -> None:
    """The full one is made up for, and the vault's list does not show yet that a log backup has failed since."""
    world.vaults.protect(item())
    good = backup("Full", "good", status=JobStatus.COMPLETED, began=STARTED + minutes(6))
    world.vaults.shown_jobs = [good, backup("Full")]
    await world.engine.note(failure_of(backup("Full")), Source.ALERT)

    report = await world.handle(failure_of(backup("Log", began=STARTED + minutes(30))))

    assert (report.decision, report.reason) == ("waiting", Reason.LOG_SCHEDULE)
    assert (await world.incident()).failure.id == "log"


async def test_a_lesser_failure_of_another_name_is_not_forgotten_with_a_better_one_that_is_told_late(
    world: World,
) -> None:
    """The log backup's job is called after another node: only its alert said whose it is (world model, seed 47)."""
    world.vaults.protect(item())
    stand_in = ProtectedItem(vault=item().vault, container="Unlisted;SQLDataBase;node-2", name="vm-01")
    good = backup("Full", "good", status=JobStatus.COMPLETED, began=STARTED + minutes(6))
    log = backup("Log", began=STARTED + minutes(30))
    world.vaults.shown_jobs = [good, backup("Full"), replace(log, item=stand_in, guessed=True)]
    await world.handle(failure_of(log))

    report = await world.handle(failure_of(backup("Full")))

    assert (report.decision, report.reason) == ("waiting", Reason.LOG_SCHEDULE)
    assert (await world.incident()).failure.id == "log"


def test_a_failure_that_is_still_missing_does_not_give_way() -> None:
    """The full backup counts, whatever fails after it."""
    shown = [backup("Full"), backup("Differential", began=STARTED + minutes(15))]

    assert with_newest_failure(about("Full"), Facts(jobs=shown)) == about("Full")


@pytest.mark.parametrize("good_is_older", [False, True])
def test_a_retry_that_failed_before_the_good_backup_does_not_come_back(good_is_older: bool) -> None:
    """It is made up for as well, and the log backup that failed since is not.

    The good one may have ended before the failure that counts by now did (world model, seed 40683).
    """
    own = replace(backup("Full", "own", began=CLAIMED_AT, lasted=1), activity_id="attempt-1")
    good = backup("Full", "good", status=JobStatus.COMPLETED, began=CLAIMED_AT + minutes(2))
    log = backup("Log", began=CLAIMED_AT + minutes(10))
    jobs = [own, log] if good_is_older else [own, good, log]
    seen = Facts(jobs=jobs, listed=[own, good, log], read_at=NOW)
    in_flight = incident(attempt(1, claimed_at=CLAIMED_AT), failure=failure_of(backup("Full", lasted=4)))

    changed, _ = settle(with_newest_failure(in_flight, seen), seen, Rules(), NOW)

    assert (changed.failure.id, changed.attempts[-1].result) == ("log", AttemptResult.FAILED)


def test_what_an_earlier_incident_has_weighed_is_no_news() -> None:
    """A log backup that fails beside the full one must not bring that up again once a person has been told."""
    full, log = backup("Full", lasted=20), backup("Log", began=STARTED + minutes(10))
    closed = incident(failure=failure_of(full)).closed(
        Close(outcome=Outcome.EXHAUSTED, reason=Reason.EXHAUSTED), NOW
    )
    opened = Incident.open(failure_of(log), Source.ALERT, NOW, after=closed)

    assert opened.weighed_before == {3: full.ended_at}
    assert with_newest_failure(opened, Facts(jobs=[full, log])) == opened
    assert opened.covers(failure_of(full))


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_weighed_failure_that_is_heard_of_late_reopens_nothing(world: World, is_open: bool) -> None:
    """A sweep names it for as long as it is not made up for; its item is about a log backup by now."""
    full = failed("full", operation="Backup (Full)", workload=SQL, error=NEEDS_PERSON)
    log = failed("log", operation="Backup (Log)", workload=SQL, started_at=STARTED + minutes(10))
    world.vaults.protect(item())
    world.vaults.shown_jobs = [backup("Full"), backup("Log", began=log.started_at)]
    told = incident(failure=full).closed(Close(outcome=Outcome.NEEDS_ACTION, reason=Reason.NEEDS_ACTION), NOW)
    later = Incident.open(log, Source.ALERT, NOW, after=told)
    end = Close(outcome=Outcome.RECOVERED_ELSEWHERE, reason=Reason.ALREADY_RECOVERED)
    head = await world.ledger.save(replace(later if is_open else later.closed(end, NOW), version=""))

    report = await world.handle(replace(full, id="an-older-full-one"))

    assert report.decision == "already_handled"
    assert (await world.ledger.load(item())).incident == head


async def test_what_a_retry_made_up_for_is_no_news_whatever_node_its_job_is_called_after(
    world: World,
) -> None:
    """Only its incident knows whose job it is; a sweep names the lesser failure later (world model, seed 40466)."""
    stand_in = ProtectedItem(vault=item().vault, container="Unlisted;SQLDataBase;node-2", name="vm-01")
    own = backup("Full", "own", status=JobStatus.COMPLETED, began=CLAIMED_AT + minutes(10))
    lesser = backup("Differential", began=CLAIMED_AT)
    world.vaults.protect(item())
    world.vaults.shown_jobs = [
        backup("Full"),
        lesser,
        replace(own, item=stand_in, guessed=True, activity_id="attempt-1"),
    ]
    in_flight = incident(attempt(1, claimed_at=CLAIMED_AT + minutes(10)), failure=failure_of(backup("Full")))
    await world.ledger.save(replace(in_flight, state=State.TRIGGERED, version=""))

    first = await world.handle(failure_of(backup("Full")))
    later = await world.handle(failure_of(lesser))

    assert (first.decision, first.reason) == ("closed", Reason.RETRY_SUCCEEDED)
    assert later.decision == "already_handled"


@pytest.mark.parametrize(
    ("changes", "is_over"),
    [
        pytest.param({}, True, id="completed"),
        pytest.param({"moved_data": False}, False, id="completed, and moved nothing"),
        pytest.param({"status": JobStatus.FAILED}, False, id="failed"),
        pytest.param({"activity_id": "somebody-else"}, False, id="of somebody else"),
    ],
)
def test_only_a_retry_that_made_a_backup_is_the_end_of_what_failed_before(
    changes: dict[str, Any], is_over: bool
) -> None:
    """Another one would hide a failure from the item's later incidents."""
    own = replace(backup("Full", status=JobStatus.COMPLETED, began=CLAIMED_AT), activity_id="attempt-1")
    opened = incident(attempt(1, claimed_at=CLAIMED_AT), failure=failure_of(backup("Differential", lasted=1)))

    changed = with_own_successes(opened, [replace(own, **changes)])

    assert changed.is_past(failure_of(backup("Full"))) is is_over
