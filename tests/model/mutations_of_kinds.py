"""Deliberate faults in what is made of full, differential and log backups."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest.mock import patch

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.facts import Facts
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import BackupRequest, FailedJob, Job
from backup_retry.domain.workloads import FULL, kind_of
from backup_retry.engine import gather
from backup_retry.policy import decide as policy
from backup_retry.policy import settle
from backup_retry.policy.decision_context import DecisionContext
from tests.model.mutation import Mutation, without_row


def _believe_any_success() -> AbstractContextManager[Any]:
    """A log backup that completes makes up for a full one that failed."""

    def made_up_for(self: Job, failure: FailedJob) -> bool:
        ended_at = self.ended_at or self.started_at
        return self.is_backup and self.status.succeeded and ended_at > failure.ended_at

    return patch.object(Job, "makes_up_for", made_up_for)


def _believe_any_retry() -> AbstractContextManager[Any]:
    """A retry that completes has mended whatever failed meanwhile."""
    by_job = settle._settle_by_job

    def believed(incident: Incident, job: Job, facts: Facts, now: datetime) -> Any:
        if not job.status.succeeded:
            return by_job(incident, job, facts, now)
        ended = incident.attempt_ended(AttemptResult.COMPLETED, job.ended_at or now, job.id)
        return ended, Close(outcome=Outcome.RECOVERED, reason=Reason.RETRY_SUCCEEDED)

    return patch.object(settle, "_settle_by_job", believed)


def _ask_for(kind: str) -> AbstractContextManager[Any]:
    """Every retry of a database is of one kind; "": of the kind that failed, whatever became of the log chain."""
    request = policy.backup_request

    def other(context: DecisionContext) -> BackupRequest:
        asked = request(context)
        failed = kind_of(context.incident.failure.operation)
        return replace(asked, kind=(kind or failed) if asked.kind else "")

    return patch.object(policy, "backup_request", other)


@contextmanager
def _trigger_a_log_backup() -> Iterator[None]:
    """A failed log backup is retried as any other one."""
    with without_row("log_schedule"), _ask_for(""):
        yield


def _forget_the_lesser_failure() -> AbstractContextManager[Any]:
    """A failure of little worth is forgotten with a better one that a later backup made up for."""

    def heaviest(incident: Incident, facts: Facts, noted_failure: FailedJob | None = None) -> Incident:
        failed = [FailedJob.of(job, incident.item) for job in facts.jobs if job.is_backup and job.failed]
        return incident.with_failure(max(failed, key=FailedJob.weight)) if failed else incident

    return patch.object(gather, "with_newest_failure", heaviest)


@contextmanager
def _take_up_what_is_over() -> Iterator[None]:
    """An incident does not know what earlier ones of its item have brought to an end."""
    with patch.object(Incident, "is_past", lambda *_: False):
        yield


def mutations_of_kinds() -> Sequence[Mutation]:
    """All of them, made anew."""
    return [
        Mutation("believe any backup's success", _believe_any_success(), seed=54),
        Mutation("believe any retry's success", _believe_any_retry(), seed=17),
        Mutation("trigger a log backup", _trigger_a_log_backup(), seed=3),
        Mutation("retry a failed log backup as a full one", without_row("log_schedule"), seed=16),
        Mutation("retry on a broken chain", _ask_for(""), seed=24),
        Mutation("retry everything as a full backup", _ask_for(FULL), seed=12),
        Mutation("forget the lesser failure", _forget_the_lesser_failure(), seed=3),
        Mutation("take up what is over", _take_up_what_is_over(), seed=17),
    ]
