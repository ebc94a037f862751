"""Missed backups: what they are as failures, and what follows from them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from backup_retry.domain.decisions import Decision, Outcome, Reason, Trigger
from backup_retry.domain.estate import Backups
from backup_retry.domain.facts import Facts, ItemState
from backup_retry.domain.jobs import JobStatus
from backup_retry.domain.missed import NO_BACKUP_IN_TIME, MissedBackups, is_missed, missed_id, point_before
from backup_retry.domain.pauses import Pause
from backup_retry.policy.decide import decide
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.missed import failure_of
from backup_retry.policy.promise import Promise
from backup_retry.policy.protection_state import Missed
from backup_retry.policy.rules import Rules
from tests.builders import NOW, incident, item, job

POINT = NOW - timedelta(days=12)
MISSED = Missed(
    promise=Promise(), point=POINT, turn=POINT + timedelta(days=1), since=POINT + timedelta(hours=30)
)
BACKUPS = Backups(item=item(), workload="VM", last_good_at=POINT)


def outcome(decision: Decision) -> str:
    """In a word and a code."""
    name = type(decision).__name__ if not hasattr(decision, "outcome") else decision.outcome.value
    return f"{name} {decision.reason}" if not isinstance(decision, Trigger) else "Trigger"


def decided(
    what: MissedBackups = MissedBackups.TELL,
    *,
    point: datetime | None = POINT,
    kind: str = "",
    **case: object,
) -> Decision:
    """What is decided of a machine whose last point is that one."""
    missed = replace(MISSED, promise=Promise(kind=kind))
    failure = failure_of(BACKUPS, missed, NOW)
    jobs = case.pop("jobs", ())
    state = ItemState(protection_state="Protected", last_recovery_point=point)
    facts = Facts(item=state, jobs=jobs, listed=jobs)  # type: ignore[arg-type]
    opened = replace(incident(failure=failure), first_failed_at=failure.ended_at)
    context = DecisionContext(incident=opened, facts=facts, rules=Rules(missed_backups=what), now=NOW)
    return decide(replace(context, **case))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "point", "has_any", "expected"),
    [
        ("", datetime(2026, 11, 10, 22, 5, 7, tzinfo=UTC), True, "missed-20261110t220507z"),
        ("Full", datetime(2026, 11, 10, 22, 5, 7, tzinfo=UTC), True, "missed-full-20261110t220507z"),
        ("", None, False, "missed-never"),
        ("SnapshotFull", None, True, "missed-snapshotfull-unknown"),
    ],
)
def test_a_gap_is_named_by_what_came_last(
    kind: str, point: datetime | None, has_any: bool, expected: str
) -> None:
    """So one gap is one failure, however often it is found; the name tells the point."""
    assert missed_id(kind, point, has_any=has_any) == expected
    assert is_missed(expected)
    assert point_before(expected) == point


def test_a_jobs_guid_is_no_gap() -> None:
    """Azure's names are left alone."""
    assert not is_missed("3f9d2c1e-0000-4000-8000-000000000001")


def test_a_gap_is_a_failure_of_its_item() -> None:
    """Dated by the turn that made nothing and the end of the grace; within what Azure remembers, however old."""
    failure = failure_of(BACKUPS, MISSED, NOW)
    assert (failure.error.title, failure.started_at, failure.ended_at) == (
        NO_BACKUP_IN_TIME,
        MISSED.turn,
        MISSED.since,
    )
    old = failure_of(BACKUPS, replace(MISSED, since=NOW - timedelta(days=200)), NOW)
    assert NOW - old.ended_at == timedelta(days=11)


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        pytest.param(decided(), "needs_action needs_action", id="tell"),
        pytest.param(decided(MissedBackups.RETRY), "Trigger", id="retry"),
        pytest.param(decided(MissedBackups.OFF), "left_alone opted_out", id="off"),
        pytest.param(
            decided(point=NOW - timedelta(hours=1)),
            "recovered_elsewhere already_recovered",
            id="a point has come",
        ),
        pytest.param(
            decided(point=NOW - timedelta(hours=1), kind="Full"),
            "needs_action needs_action",
            id="a log's point",
        ),
        pytest.param(
            decided(point=NOW - timedelta(hours=1), kind="Log"),
            "recovered_elsewhere already_recovered",
            id="a log, and the vault knows more than Resource Graph",
        ),
        pytest.param(
            decided(jobs=[job("new", status=JobStatus.COMPLETED)]),
            "recovered_elsewhere already_recovered",
            id="a backup has completed",
        ),
        pytest.param(
            decided(jobs=[job("new", status=JobStatus.IN_PROGRESS)]),
            "Wait in_progress",
            id="a backup is running",
        ),
        pytest.param(decided(pause=Pause(by="a", why="b")), "Wait paused", id="paused"),
        pytest.param(
            decided(MissedBackups.RETRY, rules=Rules(missed_backups=MissedBackups.RETRY, dry_run=True)),
            "left_alone dry_run",
            id="dry run",
        ),
    ],
)
def test_all_rows_of_the_policy_hold_for_a_missed_backup(decision: Decision, expected: str) -> None:
    """What is told says when the last point was, and what to do."""
    assert outcome(decision) == expected
    if getattr(decision, "outcome", None) is Outcome.NEEDS_ACTION:
        assert "2026-11-10 14:00 UTC" in decision.detail
        assert decision.reason is Reason.NEEDS_ACTION
