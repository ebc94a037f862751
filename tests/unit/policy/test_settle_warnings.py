"""The policy on attempts that completed with warnings."""

from dataclasses import replace

import pytest

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.incident import State
from backup_retry.domain.jobs import Job, JobError, JobStatus
from tests.builders import (
    NOW,
    in_short,
    job,
)
from tests.settle_world import in_flight, own_job, settled

# ---- what completed and moved nothing ----------------------------------------------------------------------


def warned(moved: bool | None) -> Job:
    """The attempt's job, completed with a warning."""
    error = JobError(title="UserErrorJobSuccessfullyCancelled", message="Job is cancelled.")
    return replace(own_job(JobStatus.COMPLETED_WITH_WARNINGS), moved_data=moved, error=error)


@pytest.mark.parametrize("moved", [True, None])
def test_a_warning_stands_in_the_incident_that_it_recovered(moved: bool | None) -> None:
    """Whoever reads it sees what was left out."""
    _, decision = settled(in_flight(State.TRIGGERED), warned(moved))

    detail = "Job own completed with warnings (UserErrorJobSuccessfullyCancelled: Job is cancelled.)."
    assert decision == Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED, detail=detail)


def test_a_retry_that_moved_nothing_recovers_nothing_and_is_told() -> None:
    """It made no recovery point: a person has to see why, and no other one is started."""
    changed, decision = settled(in_flight(State.TRIGGERED), warned(moved=False))

    assert decision is not None
    assert in_short(decision) == (Close, Reason.NEEDS_ACTION, Outcome.NEEDS_ACTION)
    assert "nothing shows that it transferred data" in decision.detail
    assert changed.attempts[-1].result is AttemptResult.FAILED


def test_a_retry_that_moved_nothing_tells_nobody_where_another_backup_is_good() -> None:
    """The rows find that one."""
    good = job("good", status=JobStatus.COMPLETED, started_at=NOW)

    _, decision = settled(in_flight(State.TRIGGERED), warned(moved=False), good)

    assert decision is None
