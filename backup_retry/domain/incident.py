"""An incident: from an item's first failed job until somebody can stop caring.

::

    WAITING ──claim──▶ CLAIMED ──202──▶ TRIGGERED ──job failed──▶ WAITING
       ▲                  │ no usable response  │ job completed
       │                  ▼                  ▼
       └─no job appeared─ UNKNOWN        CLOSED

Every method returns a changed copy; the ledger stores it only where nobody else changed it meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import uuid4

from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.jobs import FailedJob, Job, JobError, Source, database_of
from backup_retry.domain.memory import Memory
from backup_retry.domain.outbox import Outbox
from backup_retry.domain.workloads import CAUSES

#: of the failed jobs that belong to an incident; one that is pushed out is still in the vault's list
_NAMED = 20


class State(StrEnum):
    """Where an incident is in its life."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    TRIGGERED = "triggered"
    UNKNOWN = "unknown"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Incident(Outbox):
    """The state of one item's trouble; `version` is the ledger's ETag and means nothing elsewhere."""

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
    #: since when it waits for `reason`
    waits_since: datetime | None = None
    #: what operators have been notified of while it was open, see Wait.notice_name
    told_of: tuple[str, ...] = ()
    #: who knows that it requires action; it goes on to the item's next incidents until one recovers
    acknowledged: Acknowledgement | None = None
    #: when a person was asked to approve its retries, and who has; None and "": not yet
    asked_at: datetime | None = None
    approved_by: str = ""
    #: the value of the tag that names the profile by which it was last decided
    profile: str = ""
    outcome: Outcome | None = None
    closed_at: datetime | None = None
    #: the item's last recovery point, as far as the vault shows
    last_good_at: datetime | None = None
    #: when earlier incidents of the item triggered something, for the daily cap
    earlier_triggers: tuple[datetime, ...] = ()
    #: what has been evaluated before this failure: by backup type, when the newest such failure of the item ended
    weighed_before: Mapping[int, datetime] = field(default_factory=dict, hash=False)
    #: ids of the failed jobs that somebody has named with the item: they are its own, however they are called
    named_jobs: tuple[str, ...] = ()
    #: some of it was stored by version 0.1.0, which kept when those failures began
    weighed_by_start: bool = False
    #: of the same failure before
    memory: Memory = field(default_factory=Memory)
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
            first_failed_at=failed.ended_at,
            first_error=failed.error,
            found_by=source,
            opened_at=now,
            due=now,
            earlier_triggers=after.triggers if after else (),
            weighed_before=after.weighed_out if after else {},
            weighed_by_start=after is not None and after.weighed_by_start,
            notices=after.notices if after else (),
            acknowledged=after.acknowledged
            if after and not (after.outcome and after.outcome.recovered)
            else None,
            lines=after.lines if after else (),
            version=after.version if after else "",
            previous=replace(after, previous=None) if after else None,
        )

    @property
    def is_new(self) -> bool:
        """True until it is stored: nothing, or another incident, is in its place."""
        return self.previous is not None or not self.version

    @property
    def is_open(self) -> bool:
        """True until the incident is closed."""
        return self.state is not State.CLOSED

    @property
    def has_no_job(self) -> bool:
        """True where no failed job is known yet: Azure does not let us look at its vault, or at its item there."""
        return self.failure.operation in CAUSES

    @property
    def running_attempt(self) -> Attempt | None:
        """The attempt in flight: claimed, and not known to have ended."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.result is AttemptResult.RUNNING else None

    @property
    def awaits_approval(self) -> bool:
        """True from when a person is asked whether it may be retried until somebody, or something else, decides."""
        asked = self.asked_at is not None and not self.approved_by
        return asked and self.is_open and self.running_attempt is None

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
        """By backup type, when the newest failure ended that this or an earlier incident has evaluated."""
        own, ended = self.failure.weight()
        return {**self.weighed_before, own: max(ended, self.weighed_before.get(own, ended))}

    @property
    def rehearsed(self) -> bool:
        """True where it was closed instead of a retry, because DRY_RUN was on."""
        return not self.is_open and self.reason is Reason.DRY_RUN

    @property
    def weighed_out(self) -> Mapping[int, datetime]:
        """The same of what it has brought to its end: a dry run is none."""
        return self.weighed_before if self.rehearsed else self.weighed

    def waited_for(self, reason: Reason, now: datetime) -> timedelta:
        """How long it has been waiting for that reason."""
        return now - (self.waits_since or self.opened_at) if self.reason is reason else timedelta(0)

    def is_acknowledged(self, now: datetime) -> bool:
        """True while it needs no further notice."""
        return self.acknowledged is not None and self.acknowledged.holds(self.failure.error.label, now)

    def owns(self, job: Job | FailedJob) -> bool:
        """True when the job is that of one of this incident's attempts: it has an id of theirs, whatever its names.

        A clock says nothing of it: a colleague may start a backup in the same second.
        """
        return any(
            job.activity_id.lower() == each.id or (each.job_id and job.id.lower() == each.job_id.lower())
            for each in self.attempts
        )

    def is_about(self, job: Job) -> bool:
        """True for a job of this incident's item or attempts; where its names fit several items, it is unknown."""
        return self.owns(job) or job.is_of(self.item) or job.id.lower() in self.named_jobs

    def may_be_about(self, job: Job) -> bool:
        """True where the job's names leave it open: they fit this item and others, or none and are the failed job's.

        A database's job has no server at first, and the node that does a backup names it after itself. One without any
        name may be of each item of its workload.
        """
        if any(each.key == self.item.key for each in job.candidates):
            return True
        if job.candidates or not (job.item is None or job.item.is_stand_in):
            return False
        if not job.entity_name:
            return job.vault.key == self.item.vault.key and job.workload in {"", self.failure.workload}
        return database_of(job.entity_name) == database_of(self.failure.entity_name)

    def covers(self, failed: FailedJob) -> bool:
        """True when this or an earlier incident has already evaluated that failure or one that counts more."""
        return self.owns(failed) or self._is_weighed(self.weighed, failed)

    def is_past(self, failed: FailedJob) -> bool:
        """True when an earlier incident has brought that failure to its end: it is no news to this one."""
        return self._is_weighed(self.weighed_before, failed)

    def with_named(self, failed: FailedJob) -> "Incident":
        """The same, which knows that job for the item's from now on, among the last few reported to it."""
        others = (each for each in self.named_jobs if each != failed.id.lower())
        return replace(self, named_jobs=(*others, failed.id.lower())[-_NAMED:])

    def with_failure(self, failed: FailedJob) -> "Incident":
        """The same incident after one more failed job: of the best kind of backup what ended last counts.

        A log backup that fails next to a full one is no news: it is the full one that is missing. Lists do not tell a
        job's rule, so the one that is known stays.
        """
        known = self.failure
        if self.has_no_job:
            turned = self.turned_to(failed).waiting(self.due, Reason.NOTED)
            return replace(turned, weighed_before=self.weighed_before)
        if failed.weight() <= known.weight():
            return self
        tag = failed.retention_tag or known.retention_tag
        changed = replace(self, failure=replace(failed, rule=failed.rule or known.rule, retention_tag=tag))
        if failed.ended_at >= self.first_failed_at:
            return changed
        return replace(
            changed, first_job_id=failed.id, first_failed_at=failed.ended_at, first_error=failed.error
        )

    def turned_to(self, failed: FailedJob) -> "Incident":
        """The same incident about another failure: what it has been about so far is made up for."""
        return replace(
            self,
            failure=failed,
            first_job_id=failed.id,
            first_failed_at=failed.ended_at,
            first_error=failed.error,
            weighed_before=self.weighed,
        )

    def retried_as(self, kind: str) -> "Incident":
        """The same, where its failure is retried as that kind of backup: a full one, once the log chain broke.

        Azure may reject the retry with another error, and nothing else would show that a full one is missing. What
        failed stays what it was: a log backup that completes proves that some full backup has repaired the chain.
        """
        return replace(self, failure=replace(self.failure, retried_as=kind))

    def claimed(self, now: datetime, lease: timedelta) -> "Incident":
        """An attempt is about to be triggered; whoever finds the lease lapsed knows that we died."""
        attempt = Attempt(
            id=str(uuid4()),
            number=len(self.attempts) + 1,
            claimed_at=now,
            failed_at=self.failure.ended_at,
        )
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
            self._with_last_attempt(operation_id=operation_id),
            state=State.TRIGGERED,
            due=now,
            reason=Reason.ATTEMPT_RUNNING,
        )

    def unclear(self, detail: str, now: datetime) -> "Incident":
        """It is unknown whether the attempt in flight took effect: the vault has to be asked."""
        return replace(self, state=State.UNKNOWN, due=now, reason=Reason.ANSWER_UNCLEAR, detail=detail)

    def running(self, job_id: str, now: datetime) -> "Incident":
        """The vault shows the job of the attempt in flight, and it has not ended."""
        return replace(
            self._with_last_attempt(job_id=job_id),
            state=State.TRIGGERED,
            due=now,
            reason=Reason.ATTEMPT_RUNNING,
        )

    def attempt_ended(self, result: AttemptResult, at: datetime, job_id: str = "") -> "Incident":
        """The attempt in flight is over; what follows is decided next."""
        last = self.attempts[-1]
        changed = self._with_last_attempt(result=result, ended_at=at, job_id=job_id or last.job_id)
        return replace(changed, state=State.WAITING)

    def turned_down(self, error: JobError) -> "Incident":
        """The same once Azure has refused the last attempt: its code is evaluated as the failure's that it was to fix.

        What has failed since then has a code of its own, which may require action.
        """
        if self.attempts[-1].failed_at not in {None, self.failure.ended_at}:
            return self
        return replace(self, failure=replace(self.failure, error=error))

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

    def _is_weighed(self, weighed: Mapping[int, datetime], failed: FailedJob) -> bool:
        """True for a failure that ended before one of those that is worth as much.

        Where version 0.1.0 kept a beginning instead, that very failure is known by it. What began earlier and ended
        later had been evaluated by nobody, although 0.1.0 took it for evaluated: it is news.
        """
        least, ended = failed.weight()
        return any(
            ended <= newest or (self.weighed_by_start and failed.started_at == newest)
            for each, newest in weighed.items()
            if each >= least
        )

    def _with_last_attempt(self, **changes: object) -> "Incident":
        last = replace(self.attempts[-1], **changes)  # type: ignore[arg-type]
        return replace(self, attempts=(*self.attempts[:-1], last))
