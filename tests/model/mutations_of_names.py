"""Deliberate faults in what is made of jobs that are called otherwise than their items."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any
from unittest.mock import patch

from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import FailedJob, Job
from backup_retry.engine import failed_jobs
from tests.model.mutation import Mutation


def _believe_the_name() -> AbstractContextManager[Any]:
    """A job is whatever it is called, and not of the item that is named with it."""

    async def unasked(_: object, jobs: Sequence[Job], __: object) -> Sequence[Job]:
        return jobs

    return patch.object(failed_jobs, "_named", unasked)


def _look_for_own_names_only() -> AbstractContextManager[Any]:
    """The retry's own job counts where its name fits, whatever id it bears."""

    def by_name(self: Incident, job: Job | FailedJob) -> bool:
        is_called_so = isinstance(job, FailedJob) or job.is_of(self.item)
        return is_called_so and any(job.activity_id.lower() == each.id for each in self.attempts)

    return patch.object(Incident, "owns", by_name)


def mutations_of_names() -> Sequence[Mutation]:
    """All of them, made anew."""
    return [
        Mutation("believe the name", _believe_the_name(), seed=29),
        Mutation("look for the own job's name", _look_for_own_names_only(), seed=6),
    ]
