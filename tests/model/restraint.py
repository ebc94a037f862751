"""What must not be triggered: everything that forbids a retry and could be seen in time when it was decided.

`FRESH` is how old the product's knowledge may be: a decision is made, claimed and sent within a few slow answers.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import inf

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import BackupRequest, JobStatus
from backup_retry.policy.rules import LONGEST_JOB, Rules
from backup_retry.policy.storm import Storm, storm_key
from tests.model.agenda import START, Agenda
from tests.model.little_azure import APPEARS_WITHIN, LIST_LAG, LittleAzure
from tests.model.network import LATEST, SLOWEST
from tests.model.true_jobs import CHAIN_BROKE, CONFLICTS, FULL, LOG, PERSON, TrueItem, TrueJob, workload_of

#: what a decision may not have seen any more, in seconds: it takes some slow calls, on a list that lagged
FRESH = 14 * SLOWEST + LIST_LAG + APPEARS_WITHIN
#: seconds for which an unreleased storm holds what fails alike, whenever that fails: a day, less what clocks differ
_A_DAY = 86_400.0 - 1200.0


@dataclass
class Sent:
    """A trigger that was sent, or the claim of one that is going to be."""

    attempt_id: str
    item: ProtectedItem
    incident_id: str
    #: the failed job that it is to mend
    failure_id: str
    claimed_at: float
    sent_at: float = inf
    #: nothing can come of it any more
    refused_at: float = inf
    #: nobody could say whether it took effect
    unclear: bool = False
    job: TrueJob | None = None
    #: the ledger has written down how it ended
    settled: bool = False

    @property
    def counts(self) -> bool:
        """False for one that Azure plainly refused for the moment (429), and for one that was never sent."""
        return self.refused_at == inf or self.unclear or self.job is not None

    def may_take_effect(self, now: float) -> bool:
        """Whether its job may still appear, or runs."""
        if self.sent_at == inf or now >= self.refused_at:
            return False
        if self.job is None:
            return now < self.sent_at + LATEST
        return now < self.job.ends_at


@dataclass(frozen=True)
class WhyNot:
    """Why a trigger breaks an invariant."""

    invariant: int
    problem: str


@dataclass
class Restraint:
    """What people and Azure have ruled out, since when."""

    agenda: Agenda
    azure: LittleAzure
    rules: Rules
    skew: float
    #: each as it was last stored, by its id
    incidents: Mapping[str, Incident]
    #: scope of each pause in force, with its beginning
    paused: dict[str, float] = field(default_factory=dict)
    #: key of each item that is tagged off, with the time of the tag
    tagged: dict[str, float] = field(default_factory=dict)
    #: the same of each item that is tagged ask, and the incidents that a person has approved
    asking: dict[str, float] = field(default_factory=dict)
    approved: set[str] = field(default_factory=set)
    #: every storm as it was last stored, and when it was first stored
    storms: dict[str, Storm] = field(default_factory=dict)
    begun_when: dict[str, float] = field(default_factory=dict)
    #: by storm, the canaries that it has had
    canaries: dict[str, set[str]] = field(default_factory=dict)
    #: when each storm was called off, by the worker's clock, and by the later one of that and the true time
    released: dict[str, datetime] = field(default_factory=dict)
    released_when: dict[str, float] = field(default_factory=dict)

    def why_not(self, sent: Sent, others: Iterable[Sent]) -> WhyNot | None:
        """Why this trigger must not have been sent."""
        true_item = self.azure.items[sent.item.key]
        checks = (
            self._by_people(sent),
            self._by_rules(sent, true_item),
            self._by_failure(sent),
            self._by_item(true_item),
            self._by_storm(sent, others),
        )
        return next((why_not for why_not in checks if why_not), None)

    @property
    def _seen(self) -> float:
        """What was so at that time was known."""
        return self.agenda.now - FRESH

    def _by_people(self, sent: Sent) -> WhyNot | None:
        item = sent.item
        scopes = ("", item.vault.subscription, item.vault.key)
        if any(self.paused.get(scope, inf) < self._seen for scope in scopes):
            return WhyNot(7, "triggered while paused")
        if self.tagged.get(item.key, inf) < self._seen:
            return WhyNot(8, "triggered although it is tagged off")
        if self.asking.get(item.key, inf) < self._seen and sent.incident_id not in self.approved:
            return WhyNot(8, "triggered although nobody has approved it")
        return None

    def wrong(self, sent: Sent, request: BackupRequest) -> WhyNot | None:
        """What is wrong with the backup that a trigger asks for: it has to be of the kind that failed."""
        failure, policy = self.azure.jobs[sent.failure_id], self.azure.items[sent.item.key].policy
        rules = (policy.rules if policy else None) or {}
        kind = FULL if failure.error == CHAIN_BROKE else failure.kind
        asked = (request.workload, request.kind, request.rule, request.retention_tag)
        rule, tag = next(iter(rules.items()), ("", ""))
        if asked == (workload_of(sent.item), kind, rule, tag):
            return None
        return WhyNot(8, f"asked for {asked}, where a {kind or 'machine'}'s backup had failed")

    def _by_rules(self, sent: Sent, true_item: TrueItem) -> WhyNot | None:
        if self.rules.dry_run:
            return WhyNot(7, "triggered in a dry run")
        off = timedelta(seconds=FRESH + self.skew)
        times = (self.agenda.time - off, self.agenda.time + timedelta(seconds=self.skew))
        if all(self.rules.hours.open_at(at) > at for at in times):
            return WhyNot(6, "triggered outside the allowed hours")
        margin = self.rules.schedule_margin - timedelta(seconds=2 * self.skew)
        failure = self.azure.jobs.get(sent.failure_id)
        kind = failure.kind.lower() if failure else ""
        next_run = true_item.policy.next_run(times[0], kind) if true_item.policy else None
        if next_run and times[1] < next_run < times[0] + margin:
            return WhyNot(6, f"triggered although its own schedule runs at {next_run:%H:%M}")
        return None

    def _by_failure(self, sent: Sent) -> WhyNot | None:
        failure = self.azure.jobs.get(sent.failure_id)
        if failure is None or not failure.failed_at(self.agenda.now):
            return WhyNot(8, f"triggered for job {sent.failure_id}, which did not fail")
        if failure.kind == LOG and failure.error != CHAIN_BROKE:
            return WhyNot(8, "triggered for a failed log backup, which its schedule runs again")
        if failure.error == PERSON:
            return WhyNot(5, "triggered although only a person can help")
        if failure.status is JobStatus.CANCELLED:
            return WhyNot(5, "triggered although a person had cancelled the backup")
        mended = self.azure.items[sent.item.key].is_seen_mended(failure, self._seen)
        return WhyNot(5, "triggered although a later backup had completed") if mended else None

    def _by_item(self, true_item: TrueItem) -> WhyNot | None:
        if not true_item.protected and true_item.changed_at < self._seen:
            return WhyNot(5, "triggered although protection is stopped")
        running = (job.runs_at(self._seen) and job.runs_at(self.agenda.now) for job in true_item.backups())
        return WhyNot(2, "triggered while another backup was running") if any(running) else None

    def storm_saved(self, stored: Storm) -> WhyNot | None:
        """A storm was begun or changed: the others may go only once the canary has a good backup."""
        before = self.storms.get(stored.key)
        self.storms[stored.key] = stored
        if before is None or before.began_at != stored.began_at:
            self.canaries[stored.key], self.begun_when[stored.key] = set(), self.agenda.now
        self.canaries[stored.key].add(stored.canary.key)
        if stored.released_at is None or stored.released_at == self.released.get(stored.key):
            return None
        self.released[stored.key] = stored.released_at
        by_clock = (stored.released_at - START).total_seconds()
        self.released_when[stored.key] = max(self.agenda.now, by_clock)
        if self._has_recovered(stored):
            return None
        return WhyNot(2, "a storm was called off before its canary had recovered")

    def _has_recovered(self, storm: Storm) -> bool:
        began = (storm.began_at - START).total_seconds() - self.skew
        backups = self.azure.items[storm.canary.key].backups()
        return any(job.completed_at(self.agenda.now) and job.ends_at > began for job in backups)

    def _leads_none(self, sent: Sent, key: str) -> bool:
        """Whether a storm was on, long enough to be known, that this item has never been the canary of."""
        storm, begun = self.storms.get(key), self.begun_when.get(key, inf)
        if (
            storm is None
            or storm.released_at
            or not sent.claimed_at - _A_DAY < begun < sent.claimed_at - FRESH
        ):
            return False
        return sent.item.key not in self.canaries[key] and not self._has_recovered(storm)

    def _by_storm(self, sent: Sent, others: Iterable[Sent]) -> WhyNot | None:
        """Two items of one storm under way at once, before the canary has brought it to its end."""
        failure = self.azure.jobs[sent.failure_id]
        if failure.error in CONFLICTS:  # each waits for a backup of its own: that is no cause that they share
            return None
        key = storm_key(sent.item.vault, failure.error or "no error code")
        if self._leads_none(sent, key):
            return WhyNot(2, "a retry in a storm that another canary leads")
        passed_at = self._passed_at(key)
        for other in others:
            if other.item.vault != sent.item.vault:
                continue
            mate = self.azure.jobs.get(other.failure_id)
            under_way = not other.settled or other.may_take_effect(self.agenda.now)
            if mate is None or other.item == sent.item or other.sent_at == inf or not under_way:
                continue
            alike = mate.error == failure.error
            if alike and {sent.item.key, other.item.key} <= self._canaries_of(key):
                return WhyNot(2, "two canaries in one storm")
            since = passed_at < min(failure.started_at, mate.started_at, sent.claimed_at, other.claimed_at)
            if alike and since and self._in_storm(sent, passed_at) and self._in_storm(other, passed_at):
                return WhyNot(2, "a second retry in a storm")
        return None

    def _canaries_of(self, key: str) -> set[str]:
        """All canaries that the storm has had, unless it has been called off or is over."""
        storm, begun = self.storms.get(key), self.begun_when.get(key, -inf)
        is_on = storm and storm.released_at is None and self.agenda.now - begun < _A_DAY
        return self.canaries[key] if is_on else set()

    def _passed_at(self, key: str) -> float:
        """When the last storm had passed by its workers' clocks: called off, or its canary's incident recovered."""
        storm, called_off = self.storms.get(key), self.released_when.get(key, -inf)
        canary = self.incidents.get(storm.canary_incident) if storm else None
        if canary is None or canary.closed_at is None or not (canary.outcome and canary.outcome.recovered):
            return called_off
        return max(called_off, (canary.closed_at - START).total_seconds())

    def _in_storm(self, sent: Sent, passed_at: float) -> bool:
        """Whether enough items failed alike since the last storm passed, long enough before the claim to be seen."""
        failure = self.azure.jobs[sent.failure_id]
        window = self.rules.storm_window.total_seconds()
        alike = {
            job.item.key
            for true_item in self.azure.in_vault[failure.item.vault.key]
            for job in true_item.since(failure.ends_at - window - LONGEST_JOB.total_seconds())
            if job.is_backup
            and job.error == failure.error
            and job.failed_at(sent.claimed_at - FRESH)
            and job.ends_at > passed_at
            and abs(job.ends_at - failure.ends_at) <= window
        }
        return len(alike) >= self.rules.storm_size
