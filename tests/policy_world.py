"""Failures of databases and of backup vaults that the policy decides on."""

from datetime import timedelta

from backup_retry.domain.facts import Facts, ItemState
from backup_retry.domain.jobs import FailedJob, Job
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.rules import Rules
from tests.builders import (
    NOW,
    PASSES,
    STARTED,
    failed,
    incident,
    protected,
)

CHAIN_BROKE = "UserErrorSQLLSNValidationFailure"


def context(
    failure: FailedJob, *jobs: Job, state: ItemState | None = None, rules: Rules | None = None
) -> DecisionContext:
    seen = Facts(jobs=jobs, read_at=NOW, item=state or protected())
    return DecisionContext(incident=incident(failure=failure), facts=seen, rules=rules or Rules(), now=NOW)


def database(
    kind: str = "Full", *, error: str = PASSES, workload: str = "SQLDataBase", hours_ago: float = 0
) -> FailedJob:
    started = STARTED - timedelta(hours=hours_ago)
    return failed(operation=f"Backup ({kind})", workload=workload, error=error, started_at=started)
