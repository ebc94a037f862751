"""An incident: from an item's first failed job until somebody can stop caring.

::

    WAITING ──claim──▶ CLAIMED ──202──▶ TRIGGERED ──job failed──▶ WAITING
       ▲                  │ no clear answer  │ job completed
       │                  ▼                  ▼
       └─no job appeared─ UNKNOWN        CLOSED

Every method returns a changed copy; the ledger stores it only where nobody else changed it meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind
from backup_retry.domain.jobs import Close, FailedJob, Job, JobError, Outcome, Reason, Source
from backup_retry.domain.notices import Notice


class State(StrEnum):
    """Where an incident is in its life."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    TRIGGERED = "triggered"
    UNKNOWN = "unknown"
    CLOSED = "closed"


class AttemptResult(StrEnum):
    """What became of an attempt."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    #: Azure refused it for now (429): nothing was started
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
    operation_id: str = ""
    job_id: str = ""
    result: AttemptResult = AttemptResult.RUNNING
    ended_at: datetime | None = None

    @property
    def spent(self) -> bool:
        """False when Azure put it off; one whose job never appeared counts, since nobody can be quite sure."""
        return self.result is not AttemptResult.THROTTLED


@dataclass(frozen=True, kw_only=True)
class Incident:
    """The state of one item's trouble; `version` is the ledger's fence and means nothing elsewhere."""

    id: str
    item: ProtectedItem
    state: State
    #: the newest failure: the job that failed last, ours or the schedule's
    failure: FailedJob
    first_job_id: str
    first_failed_at: datetime
    first_error: JobError
    found_by: Source
    opened_at: datetime
    #: when the follow-up has to look again; while CLAIMED, the end of the lease
    due: datetime
    reason: Reason = Reason.NOTED
    detail: str = ""
    attempts: tuple[Attempt, ...] = ()
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    #: the item's last good recovery point, as far as the vault told
    last_good_at: datetime | None = None
    #: when earlier incidents of the item triggered something, for the daily cap
    earlier_triggers: tuple[datetime, ...] = ()
    #: what has been weighed before this failure: by worth of backup, when the newest such one of the item began
    weighed_before: Mapping[int, datetime] = field(default_factory=dict, hash=False)
    #: what is still to be told
    notices: tuple[Notice, ...] = ()
    #: one of them cannot be read by this version, and another one may still tell it
    has_unreadable_notice: bool = False
    version: str = ""
    #: the item's last closed incident, where this one is new and takes its place
    previous: "Incident | None" = field(default=None, compare=False, repr=False)

    @classmethod
    def open(
        cls, failed: FailedJob, source: Source, now: datetime, after: "Incident | None" = None
    ) -> "Incident":
        """A new incident for an item that had none open; `after` is its last closed one."""
        return cls(
            id=str(uuid4()),
            item=failed.item,
            state=State.WAITING,
            failure=failed,
            first_job_id=failed.id,
            first_failed_at=failed.started_at,
            first_error=failed.error,
            found_by=source,
            opened_at=now,
            due=now,
            earlier_triggers=after.triggers if after else (),
            weighed_before=after.weighed if after else {},
            notices=after.notices if after else (),
            version=after.version if after else "",
            previous=replace(after, previous=None) if after else None,
        )

    @property
    def is_new(self) -> bool:
        """True until it is stored: nothing, or another incident, stands in its place."""
        return self.previous is not None or not self.version

    @property
    def is_open(self) -> bool:
        """True until the incident is closed."""
        return self.state is not State.CLOSED

    @property
    def running_attempt(self) -> Attempt | None:
        """The attempt in flight: claimed, and not known to have ended."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.result is AttemptResult.RUNNING else None

    @property
    def attempts_spent(self) -> int:
        """How many attempts count against the limit."""
        return sum(attempt.spent for attempt in self.attempts)

    @property
    def triggers(self) -> tuple[datetime, ...]:
        """When this and earlier incidents of the item triggered something, as far as it is remembered."""
        return (*self.earlier_triggers, *(attempt.claimed_at for attempt in self.attempts if attempt.spent))

    @property
    def weighed(self) -> Mapping[int, datetime]:
        """By worth of backup, when the newest failure began that this or an earlier incident has weighed."""
        own, began = self.failure.weight()
        return {**self.weighed_before, own: max(began, self.weighed_before.get(own, began))}

    def telling(self, *notices: Notice) -> "Incident":
        """The same with more to tell."""
        return replace(self, notices=(*self.notices, *notices))

    def telling_nobody(self) -> "Incident":
        """The same with nothing left to tell."""
        return replace(self, notices=())

    def owns(self, failed: FailedJob) -> bool:
        """True when the failed job is one of this incident's own attempts.

        Recovery Services keeps our id as activityId; where a service does not, the item's failed job that
        started after the claim of the attempt in flight is taken for it.
        """
        if any(failed.activity_id.lower() == each.id or failed.id == each.job_id for each in self.attempts):
            return True
        if failed.activity_id and self.item.vault.kind is VaultKind.RECOVERY_SERVICES:
            return False
        running = self.running_attempt
        return running is not None and failed.started_at >= running.claimed_at

    def is_about(self, job: Job) -> bool:
        """True for a job of this incident's item; where its names fit several items, for that of an own attempt."""
        may_be = any(each.key == self.item.key for each in job.candidates)
        return job.is_of(self.item) or (
            may_be
            and any(job.activity_id.lower() == each.id or job.id == each.job_id for each in self.attempts)
        )

    def covers(self, failed: FailedJob) -> bool:
        """True when this or an earlier incident has already weighed that failure or one that counts more."""
        return self.owns(failed) or _among(self.weighed, failed)

    def is_past(self, failed: FailedJob) -> bool:
        """True when an earlier incident has brought that failure to its end: it is no news to this one."""
        return _among(self.weighed_before, failed)

    def with_failure(self, failed: FailedJob) -> "Incident":
        """The same incident after one more failed job: the newest of the best kind of backup counts.

        A log backup that fails beside a full one is no news: it is the full one that is missing. Lists do not tell a
        job's rule, so the one that is known stays.
        """
        known = self.failure
        if failed.weight() <= known.weight():
            return self
        tag = failed.retention_tag or known.retention_tag
        changed = replace(self, failure=replace(failed, rule=failed.rule or known.rule, retention_tag=tag))
        if failed.started_at >= self.first_failed_at:
            return changed
        return replace(
            changed, first_job_id=failed.id, first_failed_at=failed.started_at, first_error=failed.error
        )

    def turned_to(self, failed: FailedJob) -> "Incident":
        """The same incident about another failure: what it has been about so far is made up for."""
        return replace(
            self,
            failure=failed,
            first_job_id=failed.id,
            first_failed_at=failed.started_at,
            first_error=failed.error,
            weighed_before=self.weighed,
        )

    def missing(self, kind: str) -> "Incident":
        """The same, where it has turned out which kind of backup is missing: a full one, once the log chain broke.

        Azure may answer the retry with another error, and nothing else would tell it then.
        """
        operation = f"Backup ({kind})" if kind else self.failure.operation
        return replace(self, failure=replace(self.failure, operation=operation))

    def claimed(self, now: datetime, lease: timedelta) -> "Incident":
        """An attempt is about to be triggered; whoever finds the lease lapsed knows that we died."""
        attempt = Attempt(id=str(uuid4()), number=len(self.attempts) + 1, claimed_at=now)
        return replace(
            self,
            state=State.CLAIMED,
            due=now + lease,
            reason=Reason.RETRY,
            detail="",
            attempts=(*self.attempts, attempt),
        )

    def triggered(self, operation_id: str, now: datetime) -> "Incident":
        """Azure accepted the attempt in flight."""
        return replace(
            self._with_last(operation_id=operation_id),
            state=State.TRIGGERED,
            due=now,
            reason=Reason.ATTEMPT_RUNNING,
        )

    def unclear(self, detail: str, now: datetime) -> "Incident":
        """Nobody can say whether the attempt in flight took effect: the vault has to be asked."""
        return replace(self, state=State.UNKNOWN, due=now, reason=Reason.ANSWER_UNCLEAR, detail=detail)

    def running(self, job_id: str, now: datetime) -> "Incident":
        """The vault shows the job of the attempt in flight, and it has not ended."""
        return replace(
            self._with_last(job_id=job_id), state=State.TRIGGERED, due=now, reason=Reason.ATTEMPT_RUNNING
        )

    def attempt_ended(self, result: AttemptResult, at: datetime, job_id: str = "") -> "Incident":
        """The attempt in flight is over; what follows is decided next."""
        last = self.attempts[-1]
        changed = self._with_last(result=result, ended_at=at, job_id=job_id or last.job_id)
        return replace(changed, state=State.WAITING)

    def waiting(self, until: datetime, reason: Reason, detail: str = "") -> "Incident":
        """Nothing to do until then."""
        return replace(self, state=State.WAITING, due=until, reason=reason, detail=detail)

    def closed(self, decision: Close, now: datetime) -> "Incident":
        """The end; `decision.detail` is what a person reads."""
        return replace(
            self,
            state=State.CLOSED,
            due=now,
            outcome=decision.outcome,
            reason=decision.reason,
            detail=decision.detail,
            closed_at=now,
        )

    def _with_last(self, **changes: object) -> "Incident":
        last = replace(self.attempts[-1], **changes)  # type: ignore[arg-type]
        return replace(self, attempts=(*self.attempts[:-1], last))


def _among(weighed: Mapping[int, datetime], failed: FailedJob) -> bool:
    least, began = failed.weight()
    return any(each >= least and began <= newest for each, newest in weighed.items())


class StepKind(StrEnum):
    """What happened in a step of an incident's journal; also the `event` of its log line."""

    NOTED = "failure_noted"
    CLAIMED = "retry_claimed"
    TRIGGERED = "retry_triggered"
    UNCLEAR = "retry_unclear"
    THROTTLED = "retry_throttled"
    REFUSED = "retry_refused"
    FOUND = "retry_found"
    ENDED = "retry_ended"
    WAITING = "incident_waiting"
    CLOSED = "incident_closed"
    STORM = "storm_seen"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of an incident's journal."""

    at: datetime
    kind: StepKind
    incident_id: str
    reason: str = ""
    detail: str = ""
    job_id: str = ""
    attempt_id: str = ""
