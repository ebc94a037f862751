"""The policy on jobs that bear nobody's id and may be the attempt's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Decision, Outcome, Reason, Wait
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import Job, JobStatus
from backup_retry.policy.decide import already_recovered
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.settle import settle
from tests.builders import (
    ENDED,
    attempt,
    failed,
    in_short,
    incident,
    item,
    vault,
)
from tests.settle_world import CLAIMED_AT, RULES, facts, own_job

# ---- jobs that bear nobody's id ----------------------------------------------------------------------------

DISK = ProtectedItem(vault=replace(vault(), kind=VaultKind.BACKUP), name="disk-1")
LATE = CLAIMED_AT + RULES.settle_after


def stranger(status: JobStatus, **differing: Any) -> Job:
    """A disk's backup since the failure that bears an id of which nobody knows whose it is."""
    shown = own_job(status, activity_id="a-guid")
    return replace(shown, id="stranger", item=DISK, **differing)


def among_strangers(
    *jobs: Job, of: ProtectedItem = DISK, old_row: bool = False
) -> tuple[Incident, Decision | None]:
    """A disk's trigger without a clear answer, and no job that bears the attempt's id, after the settling time."""
    lost = attempt(1, claimed_at=CLAIMED_AT, failed_at=None if old_row else ENDED)
    opened = incident(lost, failure=failed(of=of), state=State.UNKNOWN)
    return settle(opened, Facts(jobs=jobs, read_at=LATE), RULES, LATE)


def test_a_running_job_that_may_be_the_attempts_is_waited_for() -> None:
    """Nobody can say whether it is ours: nothing is triggered beside it, however long it runs."""
    changed, decision = among_strangers(stranger(JobStatus.IN_PROGRESS))

    assert decision is not None
    assert in_short(decision) == (Wait, Reason.ANSWER_UNCLEAR, LATE)
    assert changed.running_attempt is not None


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED])
@pytest.mark.parametrize("old_row", [False, True])
@pytest.mark.parametrize("on_demand", [False, None])
def test_a_job_that_may_be_the_attempts_and_ended_badly_is_a_persons(
    status: JobStatus, old_row: bool, on_demand: bool | None
) -> None:
    """It may have been the retry, whatever it says of who asked for it: a second one could be one too many."""
    changed, decision = among_strangers(stranger(status, on_demand=on_demand), old_row=old_row)

    assert decision is not None
    assert in_short(decision) == (Close, Reason.ANSWER_UNCLEAR, Outcome.NEEDS_ACTION)
    assert changed.attempts[-1].result is AttemptResult.NO_JOB


def test_a_job_that_may_be_the_attempts_and_completed_recovers_the_item() -> None:
    """Whoever started it, the item has a good backup: the rows say so."""
    good = stranger(JobStatus.COMPLETED)
    changed, decision = among_strangers(good)

    assert decision is None
    assert changed.attempts[-1].job_id == ""
    weighed = already_recovered(DecisionContext(incident=changed, facts=facts(good), rules=RULES, now=LATE))
    assert weighed is not None
    assert weighed.outcome is Outcome.RECOVERED_ELSEWHERE


@pytest.mark.parametrize(
    ("jobs", "of"),
    [
        pytest.param([], DISK, id="none"),
        pytest.param([stranger(JobStatus.FAILED, operation="Restore")], DISK, id="a restore"),
        pytest.param([stranger(JobStatus.FAILED, ended_at=ENDED)], DISK, id="ended as the failure did"),
        pytest.param([own_job(JobStatus.FAILED, activity_id="a-colleague")], item(), id="where ids are kept"),
    ],
)
def test_a_job_that_cannot_be_the_attempts_leaves_it_without_one(jobs: list[Job], of: ProtectedItem) -> None:
    """Nothing was started then, and the rows decide what follows."""
    changed, decision = among_strangers(*jobs, of=of)

    assert (changed.attempts[-1].result, decision) == (AttemptResult.NO_JOB, None)


def test_a_job_without_any_id_is_a_stranger_in_every_vault() -> None:
    """Recovery Services keeps the id of whoever asked; where it says none, nobody knows."""
    _, decision = among_strangers(own_job(JobStatus.FAILED, activity_id=""), of=item())

    assert decision is not None
    assert in_short(decision) == (Close, Reason.ANSWER_UNCLEAR, Outcome.NEEDS_ACTION)


def test_a_job_that_may_be_the_attempts_is_not_judged_before_the_settling_time() -> None:
    """The attempt's own job, with its id, may appear until then."""
    opened = incident(
        attempt(1, claimed_at=CLAIMED_AT, failed_at=ENDED), failure=failed(of=DISK), state=State.UNKNOWN
    )
    early = Facts(jobs=[stranger(JobStatus.FAILED)], read_at=LATE - timedelta(seconds=1))

    changed, decision = settle(opened, early, RULES, LATE)

    assert isinstance(decision, Wait)
    assert changed.running_attempt is not None
