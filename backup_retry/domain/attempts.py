"""On-demand backups that this app asked for."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AttemptResult(StrEnum):
    """What became of an attempt."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Azure refused it for now (429, or the right is missing): nothing was started
    THROTTLED = "throttled"
    #: no answer came and no job appeared: nothing was started
    NO_JOB = "no_job"


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One on-demand backup that this project asked for."""

    #: sent as x-ms-client-request-id; the job it starts carries it as activityId
    id: str
    number: int
    claimed_at: datetime
    #: when the failure ended that it is to fix, by Azure's clock; None: claimed by version 0.1.0
    failed_at: datetime | None = None
    operation_id: str = ""
    job_id: str = ""
    result: AttemptResult = AttemptResult.RUNNING
    ended_at: datetime | None = None

    @property
    def refused(self) -> bool:
        """True where Azure turned the trigger down, at once or by its operation, so that no job began."""
        return self.result is AttemptResult.FAILED and not self.job_id

    @property
    def spent(self) -> bool:
        """False when Azure put it off; one whose job never appeared counts, since nobody can be quite sure."""
        return self.result is not AttemptResult.THROTTLED
