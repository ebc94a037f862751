"""How many items of a vault fail with one error at the same time: each counts once, by the ends of its jobs."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from backup_retry.domain.facts import OtherFailure, SimilarFailures
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Job, database_of


def similar_failures(jobs: Sequence[Job], incident: Incident, window: timedelta) -> SimilarFailures:
    """How many items of the vault fail with the incident's error, and which error that is.

    It is the error of the newest failed job, whatever a refused trigger said since. The time is that of the job or,
    where the error is the same, of the first one: a retry that failed is no way out of a storm.
    """
    failure = incident.failure
    error = next((job.error for job in jobs if job.id == failure.id and job.error), failure.error)
    times = [failure.ended_at]
    if incident.first_error.label == error.label:
        times.append(incident.first_failed_at)
    failed = (job for job in jobs if job.failed and job.error and job.error.label == error.label)
    others = (job for job in failed if job.is_backup and job.id != failure.id)
    alike = [job for job in others if not (incident.is_about(job) or incident.may_be_about(job))]
    near = ([job for job in alike if abs(_end(job) - at) <= window] for at in times)
    return SimilarFailures(
        error=error, ever=1 + len(_by_item(alike)), near=tuple(_others(group) for group in near)
    )


def _others(jobs: Sequence[Job]) -> tuple[OtherFailure, ...]:
    return tuple(sorted(OtherFailure(_name(job), _end(job)) for job in _by_item(jobs).values()))


def _by_item(jobs: Sequence[Job]) -> Mapping[str, Job]:
    """The last job of each item: nodes call theirs after themselves, and one item that has failed twice is no two."""
    jobs = sorted(jobs, key=_end)
    listed = {job.item.key: job for job in jobs if job.item and not job.item.is_stand_in}
    names = {database_of(job.entity_name) for job in listed.values()}
    called = {database_of(job.entity_name): job for job in jobs if not job.item or job.item.is_stand_in}
    return {**listed, **{name: job for name, job in called.items() if name not in names}}


def _name(job: Job) -> str:
    return job.item.id if job.item else job.entity_name


def _end(job: Job) -> datetime:
    return job.end or job.started_at
