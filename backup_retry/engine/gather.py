"""What a vault's jobs say about an incident: which of them are its own, and which failure counts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from backup_retry.domain.error_catalog import Verdict
from backup_retry.domain.errors import NotFound
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Job, JobList, JobStatus, Operation
from backup_retry.engine.freshness import read_jobs
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.policy.decision_context import DecisionContext
from backup_retry.policy.rules import JOB_RETENTION, LONGEST_JOB, Rules
from backup_retry.policy.settle import attempt_job, with_newest_failure, with_own_successes
from backup_retry.policy.similar_failures import similar_failures
from backup_retry.ports.vaults import Vaults


class Gatherer:
    """Asks a vault for what a decision has to know of jobs."""

    def __init__(self, vaults: Vaults, rules: Rules) -> None:
        self._vaults = vaults
        self._rules = rules
        #: how long before a failure ended the jobs begin that matter to it; see `_longest_job` for the exceptions
        self.looks_back = LONGEST_JOB + rules.storm_window

    async def facts(self, work: UnitOfWork, run_began: datetime | None) -> Facts:
        """The item's jobs that ended since the first failure did; the newest failure becomes the incident's."""
        incident = work.incident
        since = incident.first_failed_at - self._longest_job(work) - self._rules.storm_window
        listed = await read_jobs(
            self._vaults,
            incident.item.vault,
            since,
            now=work.now,
            run_began=run_began,
            shows_the_end=partial(_shows_the_end, work),
            after=incident.attempts[-1].claimed_at if incident.attempts else None,
        )
        operation = await self._operation(incident, listed.jobs)
        items = [job for job in listed.jobs if incident.is_about(job)]
        own = [job for job in listed.jobs if _matters(job, incident, operation)]
        gap = listed.gap(incident.item)
        facts = Facts(
            jobs=own, listed=items, read_at=None if gap else listed.read_at, gap=gap, operation=operation
        )
        work.incident = with_newest_failure(incident, facts, work.noted_failure)
        similar = similar_failures(listed.jobs, work.incident, self._rules.storm_window)
        jobs = [await self._looked_through(job, work.incident) for job in own]
        work.incident = with_own_successes(work.incident, jobs)
        return replace(facts, jobs=jobs, similar=similar)

    def _longest_job(self, work: UnitOfWork) -> timedelta:
        """How much earlier what counts may have begun; what holds the item may be any job that Azure still shows."""
        context = DecisionContext(incident=work.incident, facts=Facts(), rules=self._rules, now=work.now)
        return JOB_RETENTION if context.error.verdict is Verdict.WAIT else LONGEST_JOB

    async def _operation(self, incident: Incident, jobs: Sequence[Job]) -> Operation | None:
        """The operation of the attempt in flight, asked for only where its job has not appeared."""
        attempt = incident.running_attempt
        if attempt is None or not attempt.operation_id or attempt_job(attempt, jobs):
            return None
        return await self._vaults.operation(incident.item, attempt.operation_id)

    async def _looked_through(self, job: Job, incident: Incident) -> Job:
        """A job that completed with warnings, and would fix the failure, with what only its details say about it."""
        if job.status is not JobStatus.COMPLETED_WITH_WARNINGS or not job.makes_up_for(incident.failure):
            return job
        try:
            details = await self._vaults.job(incident.item.vault, job.id)
        except NotFound:
            return job
        return replace(job, moved_data=details.moved_data, error=details.error or job.error)


def _shows_the_end(work: UnitOfWork, listed: JobList) -> bool:
    """True where a reading shows that the retry in flight, or else the failure that a signal names, has ended.

    Without either, what has come since an earlier reading is all that is asked.
    """
    attempt, failed = work.incident.running_attempt, work.noted_failure
    if attempt is not None:
        job = attempt_job(attempt, listed.jobs)
    else:
        job = next((each for each in listed.jobs if failed and each.id.lower() == failed.id.lower()), None)
    return job is not None and not job.status.running


def _matters(job: Job, incident: Incident, operation: Operation | None) -> bool:
    """True for a job that a decision looks at; one of an own attempt is never too old, and never called otherwise."""
    if incident.owns(job) or (operation is not None and operation.job_id.lower() == job.id.lower()):
        return True
    if job.end is None:
        return incident.is_about(job) or incident.may_be_about(job)
    return job.end >= incident.first_failed_at and incident.is_about(job)
