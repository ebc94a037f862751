"""What the policy makes of databases' log backups, and which backup makes up for one that failed."""

from dataclasses import replace

import pytest

from backup_retry.domain.decisions import Close, Outcome, Reason, Trigger, Wait
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.policy.decide import decide
from tests.builders import (
    ENDED,
    NOW,
    in_short,
    incident,
    job,
    minutes,
    protected,
)
from tests.policy_world import CHAIN_BROKE, context, database

# ---- log backups -------------------------------------------------------------------------------------------


def test_a_failed_log_backup_is_left_to_its_schedule() -> None:
    """Never Log: the next one runs by itself within minutes."""
    assert in_short(decide(context(database("Log")))) == (Wait, Reason.LOG_SCHEDULE, NOW)


@pytest.mark.parametrize(
    ("interval", "hours_ago", "told"),
    [(15, 0, False), (15, 1, True), (60, 1, False), (60, 2, True), (240, 7, False), (240, 8, True)],
)
def test_log_backups_that_go_on_failing_need_a_person(interval: int, hours_ago: float, told: bool) -> None:
    """After two intervals of the schedule, and after an hour at least."""
    policy = BackupPolicy(log_interval=minutes(interval))
    decision = decide(
        context(database("Log", hours_ago=hours_ago), state=replace(protected(), policy=policy))
    )
    expected = (
        (Close, Reason.LOG_SCHEDULE, Outcome.NEEDS_ACTION) if told else (Wait, Reason.LOG_SCHEDULE, NOW)
    )
    assert in_short(decision) == expected


def test_a_log_backup_whose_chain_broke_is_retried_as_a_full_one() -> None:
    """Waiting for the next log backup would not mend the chain."""
    assert decide(context(database("Log", error=CHAIN_BROKE))) == Trigger()


@pytest.mark.parametrize(
    ("interval", "hours_ago", "retried"),
    [(15, 0, False), (15, 0.8, False), (15, 1, True), (60, 1.8, False), (60, 2, True)],
)
def test_a_log_backup_that_azure_mends_by_itself_is_given_two_intervals(
    interval: int, hours_ago: float, retried: bool
) -> None:
    """A scheduled full backup follows, says the built-in alert; where it does not, one is started."""
    waits = database("Log", error="UserErrorParentFullBackupMissing", hours_ago=hours_ago)
    state = replace(protected(), policy=BackupPolicy(log_interval=minutes(interval)))
    assert (decide(context(waits, state=state)) == Trigger()) is retried


def test_a_log_backup_that_needs_a_person_says_so_at_once() -> None:
    """Its schedule would only fail again."""
    decision = decide(context(database("Log", error="UserErrorSQLNoSysadminMembership")))
    assert in_short(decision) == (Close, Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION)


@pytest.mark.parametrize(
    ("kind", "later", "recovered"),
    [
        ("Full", "Full", True),
        ("Full", "CopyOnlyFull", True),
        ("Full", "Differential", False),
        ("Full", "Log", False),
        ("Differential", "Full", True),
        ("Differential", "Differential", True),
        ("Differential", "Log", False),
        ("Log", "Log", True),
        ("Log", "Full", True),
    ],
)
def test_only_a_backup_worth_as_much_makes_up_for_one_that_failed(
    kind: str, later: str, recovered: bool
) -> None:
    """A log backup every fifteen minutes must not hide that the full one is missing."""
    good = job("good", operation=f"Backup ({later})", status=JobStatus.COMPLETED, started_at=ENDED)
    decision = decide(context(database(kind), good))
    assert (decision.reason is Reason.ALREADY_RECOVERED) is recovered


def test_a_log_failure_beside_a_full_one_is_no_news() -> None:
    """The full backup is what is missing, whichever was heard of first."""
    full, log = database("Full"), replace(database("Log"), id="job-2", ended_at=NOW)
    assert incident(failure=full).with_failure(log).failure == full
    later_told = incident(failure=log).with_failure(full)
    assert (later_told.failure, later_told.first_job_id, later_told.first_failed_at) == (
        full,
        "job-1",
        ENDED,
    )
    assert incident(failure=full).covers(log) is False
    assert incident(failure=log).covers(full) is False
