"""What an incident remembers of the one before it, who is notified of its end for that, and what is forgotten."""

from dataclasses import replace
from datetime import datetime

from backup_retry.domain.decisions import Close, Outcome
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Job, Source
from backup_retry.domain.memory import Memory
from backup_retry.domain.workloads import backup_rank, kind_of, workload


def opened(failed: FailedJob, source: Source, now: datetime, after: Incident | None = None) -> Incident:
    """A new incident for an item that had none open; it remembers the last one, where that one is no other matter."""
    incident = Incident.open(failed, source, now, after=after)
    return replace(incident, memory=_remembered(after, failed)) if after else incident


def reopened(closed: Incident, by: str, now: datetime) -> Incident:
    """A closed incident's failure in a new incident, because a person wants it retried all the same."""
    again = Incident.open(closed.failure, Source.OPERATOR, now, after=closed)
    return replace(again, weighed_before=closed.weighed_before, approved_by=by)


def _remembered(last: Incident, failed: FailedJob) -> Memory:
    """Something only where the item fails with the same error and kind of backup, and operators were notified."""
    kinds = {kind_of(each.operation) for each in (failed, last.failure)}
    is_alike = len(kinds) == 1 and failed.error.label in {last.failure.error.label, last.first_error.label}
    if last.outcome is None or not last.outcome.needs_a_person or not is_alike:
        return Memory()
    return last.memory.again(
        first_failed_at=last.first_failed_at, failed_at=last.failure.ended_at, told_at=last.closed_at
    )


def closed(incident: Incident, decision: Close, now: datetime) -> tuple[Incident, bool]:
    """The closed incident, and whether that is to be told: not where a person knows it since less than a day."""
    if not decision.outcome.needs_a_person:
        return incident.closed(decision, now), True
    memory = incident.memory
    if decision.outcome is Outcome.EXHAUSTED:
        memory = memory.with_exhausted_night(incident.first_failed_at)
    is_news = not decision.is_told and not memory.is_fresh(now)
    memory = replace(memory, told_at=now) if is_news or decision.is_told else memory
    detail = f"{memory.in_words}{decision.detail}"
    return replace(incident, memory=memory).closed(replace(decision, detail=detail), now), is_news


def after_success(incident: Incident, facts: Facts) -> Incident:
    """The incident, which remembers nothing where a backup has succeeded between its failure and the one before."""
    failed_at = incident.memory.failed_at
    if failed_at is None:
        return incident
    succeeded = any(_is_between(job, incident, failed_at) for job in facts.listed)
    return (
        replace(incident, memory=Memory())
        if succeeded or _has_point(incident, facts, failed_at)
        else incident
    )


def _is_between(job: Job, incident: Incident, failed_at: datetime) -> bool:
    """True for a success after the last time, that is worth as much as what failed."""
    as_good = job.is_good and backup_rank(job.operation) >= backup_rank(incident.failure.operation)
    return as_good and job.end is not None and failed_at < job.end <= incident.first_failed_at


def _has_point(incident: Incident, facts: Facts, failed_at: datetime) -> bool:
    """True where the item's last recovery point says so; of databases it may be a lesser backup's."""
    point = facts.item.last_recovery_point if facts.item else None
    has_kinds = workload(incident.failure.workload).has_kinds
    return point is not None and not has_kinds and failed_at < point <= incident.first_failed_at
