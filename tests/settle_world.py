"""An incident with an attempt in flight, and jobs that may be the attempt's."""

from datetime import datetime

from backup_retry.domain.decisions import Decision
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import Job, JobStatus, Operation
from backup_retry.policy.rules import Rules
from backup_retry.policy.settle import settle
from tests.builders import (
    NOW,
    attempt,
    incident,
    job,
    minutes,
    protected,
)

RULES = Rules()


def facts(*jobs: Job) -> Facts:
    return Facts(jobs=jobs, read_at=NOW, item=protected())


CLAIMED_AT = NOW - minutes(4)


def in_flight(state: State, due: datetime = NOW, operation_id: str = "") -> Incident:
    return incident(attempt(1, claimed_at=CLAIMED_AT, operation_id=operation_id), state=state, due=due)


def own_job(status: JobStatus, activity_id: str = "attempt-1", error: str | None = None) -> Job:
    return job(
        "own",
        status=status,
        started_at=CLAIMED_AT + minutes(1),
        ended_at=None if status.running else CLAIMED_AT + minutes(3),
        activity_id=activity_id,
        error=error,
    )


def settled(
    of: Incident, *jobs: Job, operation: Operation | None = None, read_at: datetime | None = NOW
) -> tuple[Incident, Decision | None]:
    return settle(of, Facts(jobs=jobs, read_at=read_at, operation=operation), RULES, NOW)
