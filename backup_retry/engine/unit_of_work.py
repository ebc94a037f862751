"""An incident on its way to the ledger, and what a caller gets to know of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Close, Decision, Reason, Wait
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.incident_notices import notice, of_outcome
from backup_retry.domain.jobs import FailedJob
from backup_retry.domain.journal import Step, StepKind
from backup_retry.domain.notices import Notice, NoticeKind
from backup_retry.policy import recall


@dataclass(frozen=True, kw_only=True)
class Report:
    """What became of one failed job or one due incident; `decision` is what a caller is told."""

    item_id: str
    job_id: str
    #: triggered, unclear, waiting, closed, already_handled or stored
    decision: str
    reason: Reason
    detail: str = ""
    incident: Incident | None = None


@dataclass
class UnitOfWork:
    """An incident with the journal of how it got where it is; nothing of it counts before it is saved."""

    incident: Incident
    now: datetime
    #: failed job to remember with the next save
    job_id: str = ""
    #: that job, unless it is one of the incident's own attempts
    noted_failure: FailedJob | None = None
    #: the key of the storm whose canary the incident's item is: to be looked at again once its claim is stored
    canary_of: str = ""
    #: the key of the storm of which operators are notified with the next save
    tells_of_storm: str = ""
    #: a person knows by an earlier notice how the incident ends
    is_quiet: bool = False
    steps: list[Step] = field(default_factory=list)
    #: notices that are about more than this incident, and must be told even where another worker saves first
    storm_notices: list[Notice] = field(default_factory=list)

    def step(self, kind: StepKind, *, job_id: str = "", detail: str = "") -> None:
        """Write a line into the journal."""
        incident = self.incident
        attempt = incident.attempts[-1] if incident.attempts else None
        self.steps.append(
            Step(
                at=self.now,
                kind=kind,
                incident_id=incident.id,
                reason=incident.reason.value,
                detail=detail or incident.detail,
                job_id=job_id or incident.failure.id,
                attempt_id=attempt.id if attempt else "",
            )
        )

    def add_notices(self, *notices: Notice) -> None:
        """Have something told once the change is saved."""
        self.incident = self.incident.with_notices(*notices)

    def settle(self, settled: Incident) -> None:
        """Take over what the vault said of the attempt in flight."""
        before, self.incident = self.incident, settled
        if settled.attempts and before.attempts and settled.attempts[-1] != before.attempts[-1]:
            last = settled.attempts[-1]
            kind = StepKind.FOUND if last.result is AttemptResult.RUNNING else StepKind.ENDED
            self.step(kind, job_id=last.job_id, detail=last.result.value)
        elif settled.state is State.UNKNOWN and before.state is not State.UNKNOWN:
            self.step(StepKind.UNCLEAR)

    def hold_profile(self, profile: str, detail: str) -> None:
        """Write down which profile holds, where it is another one than before."""
        if profile != self.incident.profile:
            self.incident = replace(self.incident, profile=profile)
            self.step(StepKind.PROFILE, detail=detail)

    def withdraw_question(self) -> None:
        """Nobody has to be asked any more; who is asked again later has a day for it, and is told."""
        if self.incident.asked_at is not None and not self.incident.approved_by:
            told_of = tuple(each for each in self.incident.told_of if each != Reason.APPROVAL.value)
            self.incident = replace(self.incident, asked_at=None, told_of=told_of)

    def decide(self, decision: Wait | Close) -> bool:
        """Take over a decision; False when there is nothing to write down."""
        before = self.incident
        if isinstance(decision, Close):
            self.close(decision)
        elif before.running_attempt is None:
            since = self.now - before.waited_for(decision.reason, self.now)
            waiting = before.waiting(decision.until, decision.reason, decision.detail)
            asked_at = before.asked_at or (self.now if decision.reason is Reason.APPROVAL else None)
            self.incident = replace(waiting, waits_since=since, asked_at=asked_at)
            if (before.state, before.reason, before.detail) != (
                State.WAITING,
                decision.reason,
                decision.detail,
            ):
                self.step(StepKind.WAITING)
        if isinstance(decision, Wait):
            self.tell_once(decision)
        later = decision.until if isinstance(decision, Wait) else self.now
        return bool(self.steps or self.job_id) or (later > self.now and before.due != self.incident.due)

    def tell_once(self, wait: Wait) -> None:
        """Notify operators of what an open incident waits for, where that is wanted; it continues automatically."""
        if not wait.notice_name or wait.notice_name in self.incident.told_of:
            return
        self.incident = replace(self.incident, told_of=(*self.incident.told_of, wait.notice_name))
        self.step(StepKind.TOLD, detail=wait.detail)
        waits = replace(self.incident, reason=wait.reason, detail=wait.detail)
        about = f"{self.incident.id} {wait.notice_name}"
        if self.incident.is_acknowledged(self.now):
            return
        self.add_notices(notice(NoticeKind.NEEDS_PERSON, waits, self.now, about=about))

    def close(self, decision: Close) -> None:
        """End the incident, and have its outcome told, unless a person knows it already."""
        self.incident, is_news = recall.closed(self.incident, decision, self.now)
        self.is_quiet = not is_news
        self.step(StepKind.CLOSED)
        if is_news:
            self.add_notices(*of_outcome(self.incident, self.now))


def report(label: str, incident: Incident, *, decision: Decision | None = None, job_id: str = "") -> Report:
    """What a caller gets to know of an incident."""
    return Report(
        item_id=incident.item.id,
        job_id=job_id or incident.failure.id,
        decision=label,
        reason=decision.reason if decision else incident.reason,
        detail=decision.detail if decision else incident.detail,
        incident=incident,
    )


def already_handled(incident: Incident, job_id: str = "") -> Report:
    """What a caller gets to know of a duplicate, or after losing a race."""
    return Report(
        item_id=incident.item.id,
        job_id=job_id or incident.failure.id,
        decision="already_handled",
        reason=Reason.ALREADY_HANDLED,
        detail="This failure is already known, or another worker is handling it.",
        incident=incident,
    )
