"""A storm: many items of one vault fail with one code at the same time, so one cause is likely.

One of them, the canary, is retried; the others wait for it. It recovers: they go, spread out. It fails: operators
are notified once, and there is one attempt for each step of the backoff, for the whole storm. One that has an attempt
to spare takes the canary's place where that one has none. After a day the storm is over: its items require action, and
operators know.

A storm is a row that several workers write: whoever changes it first has it, as with incidents. Its one promise is
that at most one attempt of its items is in flight until its canary has recovered. So whoever goes

1. writes the row each time, as its canary;
2. stores its claim;
3. reads the row once more (`still_leads`), and gives way where it names another canary by now, or where its
   predecessor's attempt is in flight: that one's claim may have been stored a moment before the row named us.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.attempts import Attempt, AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.facts import SimilarFailures
from backup_retry.domain.incident import Incident, State
from backup_retry.policy.rules import Rules

#: a canary that has to wait longer than this holds up the others for no reason
_PATIENCE = timedelta(hours=2)
#: how far apart the items go that a storm held back
_PACE = timedelta(seconds=2)
_LONGEST_SPREAD = timedelta(minutes=30)
#: whoever became the canary has this long to store its incident, whatever the clocks say
_LEASE = timedelta(minutes=10)
#: after so long a storm that nobody has released is over: its items require action
LONGEST_STORM = timedelta(hours=24)
#: of an attempt that a person has cancelled it is unknown what it says about the cause
_HELPED_NOBODY = frozenset({AttemptResult.FAILED, AttemptResult.NO_JOB})
_HASHES = 0x1_0000_0000


@dataclass(frozen=True, kw_only=True)
class Storm:
    """One storm of a vault; `version` is the ledger's ETag."""

    vault: Vault
    #: what the items fail with, as `JobError.label` has it
    code: str
    began_at: datetime
    #: how many items it held when it was first seen
    size: int
    #: the item that is retried for all
    canary: ProtectedItem
    #: the canary's incident, which is stored only after the storm is
    canary_incident: str
    #: when it last became the canary, or went
    led_at: datetime
    #: how many attempts have failed for all of them, and the id of the last one that was counted
    steps: int = 0
    counted: str = ""
    #: not before then is there another attempt
    due: datetime | None = None
    #: operators have been notified that its attempts fail
    told: bool = False
    #: when a worker set out to tell it; one that dies before it has stored the notice is replaced
    telling_since: datetime | None = None
    #: when the canary had recovered and the others could go
    released_at: datetime | None = None
    #: the canary before this one: whoever takes its place goes only once no attempt of it is in flight
    predecessor: ProtectedItem | None = None
    version: str = ""

    @property
    def key(self) -> str:
        """The storm's identity: a vault and a code have one storm at a time."""
        return storm_key(self.vault, self.code)

    @property
    def ends_at(self) -> datetime:
        """When it is over although nobody has released it."""
        return self.began_at + LONGEST_STORM

    def is_untold(self, now: datetime) -> bool:
        """True where operators still have to be notified, and nobody is about to."""
        return not self.told and (self.telling_since is None or now - self.telling_since >= _LEASE)

    def goes_at(self, item: ProtectedItem) -> datetime | None:
        """When a held item may go: spread by its key, the same for every worker; None before the release."""
        if self.released_at is None:
            return None
        share = int(sha256(item.key.encode()).hexdigest()[:8], 16) / _HASHES
        return self.released_at + min(self.size * _PACE, _LONGEST_SPREAD) * share


class Move(StrEnum):
    """What a storm means for an item that would be retried, or given up, otherwise."""

    #: what would be done without it
    GO = "go"
    HOLD = "hold"
    #: go as the canary, for the first time or again
    LEAD = "lead"
    #: the canary has recovered: let the others go
    RELEASE = "release"
    #: one more attempt has failed for all of them
    COUNT = "count"
    #: a person has to know that its attempts fail
    NOTIFY = "notify"
    #: it has lasted for a day: the item requires action, and operators have been notified
    OVER = "over"

    @property
    def changes_only_the_storm(self) -> bool:
        """True where it says nothing of the item, which is to be evaluated again."""
        return self in {Move.RELEASE, Move.COUNT, Move.NOTIFY}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An item that would be retried, or given up, were there no storm."""

    incident: Incident
    similar: SimilarFailures
    now: datetime
    #: False: it would be given up
    may_go: bool = True
    #: it has an attempt to spare for the others
    may_lead: bool = True


@dataclass(frozen=True, kw_only=True)
class StormReading:
    """A storm as it was read, with the incidents that its row points to, read after it."""

    storm: Storm
    canary: Incident | None = None
    predecessor: Incident | None = None

    @property
    def current_canary(self) -> Incident | None:
        """The canary's incident in this storm; None: the canary's own is not stored yet, or replaced by a later one."""
        current = self.canary is not None and (
            self.canary.is_open or self.canary.id == self.storm.canary_incident
        )
        return self.canary if current else None

    def still_leads(self, item: ProtectedItem) -> bool:
        """True where the item, which has stored its claim as the canary, may go."""
        is_named = self.storm.canary.key == item.key and not self.is_in_flight(besides=item)
        return is_named or self.storm.released_at is not None

    def is_in_flight(self, besides: ProtectedItem) -> bool:
        """True while an attempt of the canary's or of its predecessor's may take effect."""
        leaders = (each for each in (self.canary, self.predecessor) if each is not None)
        return any(
            each.is_open and each.running_attempt is not None and each.item.key != besides.key
            for each in leaders
        )


def weigh(seen: StormReading | None, candidate: Candidate, rules: Rules) -> tuple[Move, Storm | None]:
    """The move of an item that would be retried, and the storm after it, to be stored first where it changed.

    As many items with the same error as the rules say begin a storm. While its row is unreleased, an item with that
    error belongs to it, however few are left. None: there is no storm.
    """
    now = candidate.now
    if seen is None or _has_passed(seen, candidate):
        return _begins(seen, candidate, rules.storm_size)
    goes_at = seen.storm.goes_at(candidate.incident.item)
    if goes_at is not None:
        return (Move.GO if now >= goes_at else Move.HOLD), seen.storm
    if now < seen.storm.ends_at:
        return _by_leaders(seen, candidate, rules)
    return _tell(seen.storm, now) if seen.storm.is_untold(now) else (Move.OVER, seen.storm)


def _begins(passed: StormReading | None, candidate: Candidate, size: int) -> tuple[Move, Storm | None]:
    """Go, or be the first one of a new storm, where many items fail with the same error and no storm is on.

    What had failed before a storm passed counted for that one.
    """
    candidate = replace(candidate, similar=since_it_passed(passed, candidate.similar))
    if candidate.similar.items < size or not candidate.may_go:
        return Move.GO, None
    if passed and passed.is_in_flight(besides=candidate.incident.item):
        return Move.HOLD, passed.storm
    return Move.LEAD, _begun(candidate, passed.storm if passed else None)


def since_it_passed(passed: StormReading | None, similar: SimilarFailures) -> SimilarFailures:
    """The similar failures that count for a new storm: those since the last one passed, or all if there was none."""
    return similar.since(_recovered_at(passed) or passed.storm.ends_at) if passed else similar


def _by_leaders(seen: StormReading, candidate: Candidate, rules: Rules) -> tuple[Move, Storm]:
    """What the canary's incident says to those that wait for it, and to itself."""
    storm, incident, now = seen.storm, candidate.incident, candidate.now
    is_canary = storm.canary.key == incident.item.key
    canary = incident if is_canary else seen.current_canary
    if canary and canary.outcome is not None and canary.outcome.recovered:
        return Move.RELEASE, replace(storm, released_at=now)
    if (failed := _uncounted(storm, canary)) is not None:
        return Move.COUNT, _with_step(storm, failed, rules, now)
    if storm.steps and storm.is_untold(now):
        return _tell(storm, now)
    if seen.is_in_flight(besides=incident.item) or not _may_lead(storm, candidate):
        return Move.HOLD, storm
    if is_canary:
        return Move.LEAD, replace(storm, canary_incident=incident.id, led_at=now)
    return (Move.LEAD, _led_by(storm, incident, now)) if _may_be_replaced(seen, now) else (Move.HOLD, storm)


def _uncounted(storm: Storm, canary: Incident | None) -> Attempt | None:
    """The canary's last attempt, where it was made for the storm, is over and has not been counted yet."""
    ended = [each for each in canary.attempts if each.spent and each.ended_at] if canary else []
    is_new = ended and ended[-1].id != storm.counted and ended[-1].claimed_at >= storm.led_at
    return ended[-1] if is_new and ended[-1].result in _HELPED_NOBODY else None


def _with_step(storm: Storm, failed: Attempt, rules: Rules, now: datetime) -> Storm:
    steps = storm.steps + 1
    backoff = rules.backoff[min(steps, len(rules.backoff) - 1)]
    return replace(storm, steps=steps, counted=failed.id, due=(failed.ended_at or now) + backoff)


def _tell(storm: Storm, now: datetime) -> tuple[Move, Storm]:
    return Move.NOTIFY, replace(storm, telling_since=now)


def _may_lead(storm: Storm, candidate: Candidate) -> bool:
    return candidate.may_lead and (storm.due is None or candidate.now >= storm.due)


def _may_be_replaced(seen: StormReading, now: datetime) -> bool:
    """True where waiting for the canary is no use; it has a lease for storing its incident, whatever the clocks say."""
    canary, is_fresh = seen.current_canary, now - seen.storm.led_at < _LEASE
    if canary is None:
        return not is_fresh
    return not canary.is_open or _waits_long(canary, now) or (_is_held(canary) and not is_fresh)


def _waits_long(canary: Incident, now: datetime) -> bool:
    return canary.state is State.WAITING and canary.due - now > _PATIENCE


def _is_held(canary: Incident) -> bool:
    """True where it waits for a person, or for another storm's canary (it fails with something else), perhaps us."""
    return canary.state is State.WAITING and canary.reason in {Reason.STORM, Reason.APPROVAL}


def _recovered_at(seen: StormReading) -> datetime | None:
    """When the storm's canary had recovered."""
    canary = seen.current_canary
    has_recovered = canary is not None and canary.outcome is not None and canary.outcome.recovered
    return seen.storm.released_at or (canary.closed_at if canary and has_recovered else None)


def _has_passed(seen: StormReading, candidate: Candidate) -> bool:
    """True when the failure came after the storm had passed, so that it belongs to another one or to none."""
    incident, ends_at = candidate.incident, seen.storm.ends_at
    failed_at = incident.failure.ended_at
    if (recovered_at := _recovered_at(seen)) is not None:
        return failed_at > recovered_at
    is_held = incident.reason is Reason.STORM and incident.first_failed_at <= ends_at
    return candidate.now >= ends_at and failed_at > ends_at and not is_held


def _led_by(storm: Storm, incident: Incident, now: datetime) -> Storm:
    return replace(
        storm, canary=incident.item, canary_incident=incident.id, predecessor=storm.canary, led_at=now
    )


def _begun(candidate: Candidate, before: Storm | None) -> Storm:
    """A new storm; one that it takes the place of may have left its canary's attempt in flight."""
    incident = candidate.incident
    is_another = before is not None and before.canary.key != incident.item.key
    return Storm(
        vault=incident.item.vault,
        code=candidate.similar.error.label,
        began_at=candidate.now,
        size=candidate.similar.items,
        canary=incident.item,
        canary_incident=incident.id,
        predecessor=before.canary if before and is_another else None,
        led_at=candidate.now,
        version=before.version if before else "",
    )


def storm_key(vault: Vault, code: str) -> str:
    """A key for a vault's storm of a code that every store can hold."""
    return sha256(f"{vault.key}|{code}".casefold().encode()).hexdigest()[:32]
