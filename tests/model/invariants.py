"""The invariants of the design, checked against Azure's own truth whenever something happens. Times are true times."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import BackupRequest
from backup_retry.domain.journal import Step
from backup_retry.domain.notices import Notice, NoticeKind
from backup_retry.domain.workloads import workload
from backup_retry.policy.rules import Rules
from backup_retry.policy.storm import Storm
from backup_retry.ports.inbox import DeferredSignal
from tests.model.agenda import START, Agenda
from tests.model.little_azure import LittleAzure
from tests.model.restraint import FRESH, Restraint, Sent, WhyNot
from tests.model.signal_promises import SignalPromises
from tests.model.silence import may_be_silent
from tests.model.storm_messages import StormMessages
from tests.model.true_jobs import TrueJob, rank_of, workload_of

#: rolling day of the daily cap
DAY = timedelta(days=1).total_seconds()


#: what has to be told of each outcome
TOLD = {
    Outcome.RECOVERED: NoticeKind.RECOVERED,
    Outcome.RECOVERED_ELSEWHERE: NoticeKind.RECOVERED,
    Outcome.NEEDS_ACTION: NoticeKind.NEEDS_PERSON,
    Outcome.EXHAUSTED: NoticeKind.EXHAUSTED,
}


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass
class Watch:
    """Sees every write, every trigger and every answer, and raises Violation."""

    agenda: Agenda
    azure: LittleAzure
    rules: Rules
    skew: float
    in_scope: frozenset[str]
    restraint: Restraint
    #: the signals that wait
    waiting: Mapping[str, DeferredSignal]
    #: a sweep runs, so that no failure stays unseen
    swept: bool = True
    opened: dict[tuple[str, str], str] = field(default_factory=dict)
    #: by item's key: the failed jobs that were stored, by their ids, each with its incident's id
    noted: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    incidents: dict[str, Incident] = field(default_factory=dict)
    #: the incidents of each item, by its key
    by_item: dict[str, dict[str, Incident]] = field(default_factory=lambda: defaultdict(dict))
    sent: dict[str, Sent] = field(default_factory=dict)
    of_item: dict[str, list[Sent]] = field(default_factory=lambda: defaultdict(list))
    asked_at: dict[str, float] = field(default_factory=dict)
    told: set[tuple[str, NoticeKind]] = field(default_factory=set)
    #: every notice that reached the topic, by its id
    messages: dict[str, Notice] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    #: the last things that happened, each with its item
    story: deque[tuple[str, str]] = field(default_factory=lambda: deque(maxlen=2000))

    def __post_init__(self) -> None:
        self.storm_messages = StormMessages()
        self.promises = SignalPromises(self.agenda, self.azure, self.waiting, self.has_stored)

    def tell(self, item: ProtectedItem, what: str) -> None:
        """Remember something for the report of a violation."""
        self.story.append((item.key, f"{self.agenda.time:%d %H:%M:%S.%f} {item.friendly_name} {what}"))

    def story_of(self, item_key: str = "") -> list[str]:
        """What happened to an item, or to all."""
        return [line for key, line in self.story if item_key in {"", key}]

    # ---- what the ledger stored ----

    def saved(self, incident: Incident, steps: Sequence[Step], job_id: str) -> None:
        """An incident was stored."""
        kinds = ", ".join(step.kind for step in steps)
        self.tell(
            incident.item,
            f"saved {incident.state} ({kinds}) due {incident.due:%d %H:%M:%S} {incident.reason}",
        )
        if incident.approved_by:
            self.restraint.approved.add(incident.id)
        if job_id:
            self._noted(incident, job_id)
        self._one_incident_per_failure(incident)
        self._no_claim_is_forgotten(incident)
        self._attempts_within_limit(incident)
        for attempt in incident.attempts:
            if attempt.id not in self.sent:
                self._claimed(incident, attempt)
            self.sent[attempt.id].settled = attempt.result is not AttemptResult.RUNNING
        if not incident.is_open:
            self._closed(incident)
        self.incidents[incident.id] = self.by_item[incident.item.key][incident.id] = incident

    def has_stored(self, job: TrueJob) -> bool:
        """Whether the ledger knows a failed job, or one that counts more, of its item or of what it is called."""
        noted = [self.azure.jobs[job_id] for key in _keys(job) for job_id in self.noted[key]]
        if any(each is job or (each.rank >= job.rank and each.ends_at >= job.ends_at) for each in noted):
            return True
        return any(_covers(incident, job) or self._gave_way(incident, job) for incident in self._of(job))

    def _gave_way(self, incident: Incident, job: TrueJob) -> bool:
        """Whether the incident weighed it, and turned to a lesser one after a backup had made up for it."""
        return _weighed_before(incident, job) and self.azure.items[job.item.key].mended(job, self.agenda.now)

    def _of(self, job: TrueJob) -> Iterable[Incident]:
        return (incident for key in _keys(job) for incident in self.by_item[key].values())

    def _noted(self, incident: Incident, job_id: str) -> None:
        noted = self.noted[incident.item.key]
        self._require(job_id not in noted, 1, f"failed job {job_id} was stored twice")
        noted[job_id] = incident.id
        job = self.azure.jobs.get(job_id)
        known = job is not None and incident.item.key in _keys(job)
        failed = job is not None and known and job.failed_at(self.agenda.now)
        self._require(failed, 8, f"job {job_id} was stored as a failure and did not fail")

    def _one_incident_per_failure(self, incident: Incident) -> None:
        self._first_job_given_up(incident)
        key = (incident.item.key, incident.first_job_id)
        first = self.opened.setdefault(key, incident.id)
        self._require(first == incident.id, 1, f"two incidents for failed job {incident.first_job_id}")

    def _first_job_given_up(self, incident: Incident) -> None:
        """An incident that turns to a better backup, which began before its first one, has not weighed the first one.

        Told again after the end, that one is nobody's yet, and opens another incident.
        """
        before = self.incidents.get(incident.id)
        if before is None or before.has_no_job or before.first_job_id == incident.first_job_id:
            return
        job = self.azure.jobs[before.first_job_id]
        if not (_covers(incident, job) or _weighed_before(incident, job)):
            self.opened.pop((incident.item.key, job.id), None)

    def _no_claim_is_forgotten(self, incident: Incident) -> None:
        before = self.incidents.get(incident.id)
        known = [attempt.id for attempt in before.attempts] if before else []
        now = [attempt.id for attempt in incident.attempts]
        self._require(now[: len(known)] == known, 3, f"a claim of incident {incident.id} is gone")

    def _attempts_within_limit(self, incident: Incident) -> None:
        spent = sum(
            attempt.result not in {AttemptResult.THROTTLED, AttemptResult.NO_JOB}
            for attempt in incident.attempts
        )
        self._require(spent <= self.rules.max_attempts, 6, f"{spent} attempts for one incident")

    def _claimed(self, incident: Incident, attempt: Attempt) -> None:
        sent = Sent(
            attempt_id=attempt.id,
            item=incident.item,
            incident_id=incident.id,
            failure_id=incident.failure.id,
            claimed_at=self.agenda.now,
        )
        self.sent[attempt.id] = sent
        self.of_item[incident.item.key].append(sent)

    def _closed(self, incident: Incident) -> None:
        before = self.incidents.get(incident.id)
        if before is None or before.is_open:
            self.outcomes[f"{incident.outcome}: {incident.reason}"] += 1
        if incident.reason is Reason.NOT_PROTECTED:
            self._is_not_protected(incident)
        if incident.outcome in {Outcome.RECOVERED, Outcome.RECOVERED_ELSEWHERE} and not incident.has_no_job:
            for job in self._failures_of(incident):
                mended = self.azure.items[job.item.key].mended(job, self.agenda.now)
                self._require(mended, 5, f"its incident says recovered, and nothing made up for job {job.id}")

    def _is_not_protected(self, incident: Incident) -> None:
        """An edit of a policy ends no incident: protection has to have been off since the failure, or just now."""
        true_item, failure = self.azure.items[incident.item.key], self.azure.jobs[incident.failure.id]
        since = min(failure.ends_at, self.agenda.now - FRESH)
        off = not true_item.protected or true_item.changed_at >= since
        self._require(
            off, 5, f"failed job {failure.id} was left alone, and protection was never stopped since"
        )

    def _failures_of(self, incident: Incident) -> Iterator[TrueJob]:
        """The failed job that an incident is about, and all that were stored with it."""
        yield self.azure.jobs[incident.failure.id]
        noted = self.noted[incident.item.key]
        yield from (self.azure.jobs[job_id] for job_id, with_ in noted.items() if with_ == incident.id)

    # ---- what reached Azure ----

    def trigger_sent(self, item: ProtectedItem, request: BackupRequest, attempt_id: str) -> Sent:
        """A trigger has left the worker for good."""
        self.tell(item, f"trigger {attempt_id} arrives, {request.kind or request.workload}")
        self._require(item.vault.subscription in self.in_scope, 8, "a trigger outside the scope")
        sent = self.sent.get(attempt_id)
        if sent is None or sent.item.key != item.key:
            raise Violation(f"invariant 3: attempt {attempt_id} was triggered without its claim")
        self._require(sent.sent_at == inf, 3, f"attempt {attempt_id} was sent twice")
        sent.sent_at = self.agenda.now
        others = [other for other in self.of_item[item.key] if other is not sent]
        for other in others:
            self._not_in_flight(other)
            self._acted_on_once(sent, other)
        self._not_over(sent)
        self._vault_was_asked(sent, others)
        self._within_daily_cap(sent)
        self.allowed(self.restraint.why_not(sent, self.sent.values()) or self.restraint.wrong(sent, request))
        return sent

    def storm_saved(self, storm: Storm) -> None:
        """A storm was stored."""
        self.tell(storm.canary, f"is the canary for {storm.code}, released at {storm.released_at}")
        self.storm_messages.saved(storm)
        self.allowed(self.restraint.storm_saved(storm))

    def allowed(self, why_not: WhyNot | None) -> None:
        """Raise what a part of the watch has found."""
        if why_not is not None:
            self._require(False, why_not.invariant, why_not.problem)

    def _within_daily_cap(self, sent: Sent) -> None:
        now, cap = self.agenda.now, self.rules.daily_caps[workload(workload_of(sent.item)).cap]
        recent = [
            each for each in self.of_item[sent.item.key] if now - DAY < each.sent_at <= now and each.counts
        ]
        self._require(len(recent) <= cap, 6, f"{len(recent)} triggers of one item in a day")

    def _not_in_flight(self, other: Sent) -> None:
        in_flight = other.may_take_effect(self.agenda.now)
        self._require(not in_flight, 2, f"attempt {other.attempt_id} of the same item is still in flight")

    def _not_over(self, sent: Sent) -> None:
        """What one incident has brought to its end, no other one takes up again."""
        failure = self.azure.jobs.get(sent.failure_id)
        for incident in self.by_item[sent.item.key].values():
            over = failure is not None and not incident.is_open and _has_ended(incident, failure)
            other = incident.id != sent.incident_id
            self._require(
                not (over and other),
                1,
                f"failed job {sent.failure_id} was taken up after its incident was closed",
            )

    def _acted_on_once(self, sent: Sent, other: Sent) -> None:
        twice = other.failure_id == sent.failure_id and other.job is not None
        self._require(not twice, 1, f"failed job {sent.failure_id} was acted on twice")

    def _vault_was_asked(self, sent: Sent, others: Sequence[Sent]) -> None:
        for other in others:
            if other.unclear and other.job is None and other.incident_id == sent.incident_id:
                asked = self.asked_at.get(sent.item.vault.key, -inf)
                settled_at = other.claimed_at + self.rules.settle_after.total_seconds() - 2 * self.skew
                self._require(
                    asked >= settled_at, 4, f"attempt {other.attempt_id} was unclear, and given up too soon"
                )

    def vault_listed(self, vault: Vault) -> None:
        """The vault was asked for its jobs."""
        self.asked_at[vault.key] = self.agenda.now

    def touched(self, vault: Vault) -> None:
        """Any call to a vault."""
        self._require(vault.subscription in self.in_scope, 8, "a call to a subscription outside the scope")

    # ---- what was told ----

    def published(self, notices: Sequence[Notice]) -> None:
        """Notices reached the topic: an outcome is told only of an incident that the ledger has closed so."""
        for each in notices:
            if each.kind is NoticeKind.UNKNOWN_VAULTS:
                continue
            self.messages.setdefault(each.id, each)
            self.allowed(self.storm_messages.published(each))
            told_of = each.data.get("incidents") or [each.data]
            for incident_id in [about["incidentId"] for about in told_of]:
                self._told(each, incident_id)

    def _told(self, notice: Notice, incident_id: str) -> None:
        self.told.add((incident_id, notice.kind))
        outcomes = [outcome for outcome, kind in TOLD.items() if kind is notice.kind]
        incident = self.incidents.get(incident_id)
        as_stored = incident is not None and incident.outcome in outcomes
        if outcomes and notice.data["outcome"] is not None:
            self._require(
                as_stored, 5, f"{notice.kind} was told of an incident that is {incident and incident.state}"
            )

    # ---- when the world has been left in peace ----

    def at_peace(self, heads: Sequence[Incident], horizon: float = -inf) -> None:
        """Every failure that ended since then has been brought to an end that a person can read."""
        for head in heads:
            why = f"incident {head.id} is still {head.state} ({head.reason}: {head.detail}), due {head.due}"
            self._require(head.state is State.CLOSED, 5, why)
            self._require(bool(head.outcome and head.reason), 5, f"incident {head.id} has no reason")
        for incident in self.incidents.values():
            kind = TOLD.get(incident.outcome) if incident.outcome else None
            calls_nobody = kind is None or (incident.has_no_job and kind is NoticeKind.RECOVERED)
            of_item = self.by_item[incident.item.key].values()
            silent = calls_nobody or may_be_silent(incident, of_item, self.storm_messages)
            told = silent or (incident.id, kind) in self.told
            self._require(told, 5, f"nobody was told how incident {incident.id} ended")
        self.allowed(self.storm_messages.at_peace())
        self.allowed(self.promises.at_peace())
        for true_item in self.azure.items.values() if self.swept else ():
            for failure in true_item.unmended(self.agenda.now):
                seen = failure.ends_at < horizon or self.has_stored(failure)
                self._require(seen, 5, f"nobody has seen failed job {failure.id}")

    def _require(self, holds: bool, invariant: int, otherwise: str) -> None:
        if not holds:
            raise Violation(f"invariant {invariant}: {otherwise} (at {self.agenda.time:%d %H:%M:%S})")


def _keys(job: TrueJob) -> set[str]:
    return {job.item.key, job.shown_item.key}


def _covers(incident: Incident, job: TrueJob) -> bool:
    """Whether an incident has weighed that failed job or one that counts more, or made it itself."""
    if incident.has_no_job:
        return False
    ended_at, failure = START + timedelta(seconds=job.ends_at), incident.failure
    weighed = ended_at <= failure.ended_at and job.rank <= rank_of(failure.operation)
    return weighed or job.attempt_id in {attempt.id for attempt in incident.attempts}


def _has_ended(incident: Incident, job: TrueJob) -> bool:
    """The same of a closed one, but for a retry of a lesser kind than it was about in the end: it is missing still."""
    is_later = START + timedelta(seconds=job.ends_at) > incident.failure.ended_at
    return _covers(incident, job) and not (is_later and job.rank < rank_of(incident.failure.operation))


def _weighed_before(incident: Incident, job: TrueJob) -> bool:
    """Whether it, or one before it, was about that failed job or one that counts more, and then about a lesser one."""
    ended = START + timedelta(seconds=job.ends_at)
    return any(ended <= at and job.rank <= rank for rank, at in incident.weighed_before.items())
