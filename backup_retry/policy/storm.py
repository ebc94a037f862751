"""A storm: many items of one vault fail with one code at the same time, so one cause is likely.

One of them, the canary, is retried; the others wait for it. It recovers: they go, spread out. It fails: they go on
waiting, and one person is told once. It ends otherwise: another one becomes the canary.

A storm is a row that several workers write: whoever changes it first has it, as with incidents. Its one promise is
that at most one attempt of its items is in flight until its canary has recovered. So whoever goes

1. writes the row each time, as its canary;
2. stores its claim;
3. reads the row once more (`still_leads`), and gives way where it names another canary by now, or where its
   predecessor's attempt is in flight: that one's claim may have been stored a moment before the row named us.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.decisions import Reason
from backup_retry.domain.facts import SimilarFailures
from backup_retry.domain.incident import Incident, State
from backup_retry.domain.jobs import FailedJob, Job, database_of

#: a canary that has to wait longer than this holds up the others for no reason
_PATIENCE = timedelta(hours=2)
#: how far apart the items go that a storm held back
_PACE = timedelta(seconds=2)
_LONGEST_SPREAD = timedelta(minutes=30)
#: whoever became the canary has this long to store its incident, whatever the clocks say
_LEASE = timedelta(minutes=10)
#: after so long many failures are a storm of their own, although nobody has released the last one
_LONGEST = timedelta(hours=24)
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
    #: the item whose retry stands for all
    canary: ProtectedItem
    #: the canary's incident, which is stored only after the storm is
    canary_incident: str
    #: when it last became the canary, or went
    led_at: datetime
    #: somebody has been told that the canary's retry failed
    told: bool = False
    #: when the canary had recovered and the others could go
    released_at: datetime | None = None
    #: the canary before this one: whoever takes its place goes only once no attempt of it is in flight
    predecessor: ProtectedItem | None = None
    version: str = ""

    @property
    def key(self) -> str:
        """The storm's identity: a vault and a code have one storm at a time."""
        return storm_key(self.vault, self.code)

    def goes_at(self, item: ProtectedItem) -> datetime | None:
        """When a held item may go: spread by its key, the same for every worker; None before the release."""
        if self.released_at is None:
            return None
        share = int(sha256(item.key.encode()).hexdigest()[:8], 16) / _HASHES
        return self.released_at + min(self.size * _PACE, _LONGEST_SPREAD) * share


class Move(StrEnum):
    """What a storm means for an item that would be retried otherwise."""

    GO = "go"
    HOLD = "hold"
    #: go as the canary, for the first time or again
    LEAD = "lead"
    #: the canary has recovered: let the others go
    RELEASE = "release"
    #: the canary's retry has failed: a person has to know
    NOTIFY = "notify"


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


def weigh(
    seen: StormReading | None, incident: Incident, similar: SimilarFailures, size: int, now: datetime
) -> tuple[Move, Storm | None]:
    """The move of an item that would be retried, and the storm after it, to be stored first where it changed.

    `size` items that fail alike begin a storm. While its row is unreleased, an item that fails alike belongs to it,
    however few are left. None: there is no storm.
    """
    if seen is None or _is_over(seen, incident.failure, similar.items >= size, now):
        return _begins(seen, incident, similar, size, now)
    goes_at = seen.storm.goes_at(incident.item)
    if goes_at is not None:
        return (Move.GO if now >= goes_at else Move.HOLD), seen.storm
    return _by_leaders(seen, incident, now)


def _begins(
    passed: StormReading | None, incident: Incident, similar: SimilarFailures, size: int, now: datetime
) -> tuple[Move, Storm | None]:
    """Go, or be the first one of a new storm, where many fail alike and no storm is on."""
    if similar.items < size:
        return Move.GO, None
    if passed and passed.is_in_flight(besides=incident.item):
        return Move.HOLD, passed.storm
    return Move.LEAD, _begun(incident, similar, now, passed.storm if passed else None)


def _by_leaders(seen: StormReading, incident: Incident, now: datetime) -> tuple[Move, Storm]:
    """What the canary's incident says to those that wait for it, and to itself."""
    storm, canary = seen.storm, seen.current_canary
    is_canary = storm.canary.key == incident.item.key
    if not is_canary and canary is not None:
        if canary.outcome is not None and canary.outcome.recovered:
            return Move.RELEASE, replace(storm, released_at=now)
        failed = any(attempt.result is AttemptResult.FAILED for attempt in canary.attempts)
        if canary.is_open and failed and not storm.told and not _waits_long(canary, now):
            return Move.NOTIFY, replace(storm, told=True)
    if seen.is_in_flight(besides=incident.item):
        return Move.HOLD, storm
    if is_canary:
        return Move.LEAD, replace(storm, canary_incident=incident.id, led_at=now)
    return (Move.LEAD, _led_by(storm, incident, now)) if _may_be_replaced(seen, now) else (Move.HOLD, storm)


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


def _is_over(seen: StormReading, failure: FailedJob, are_many: bool, now: datetime) -> bool:
    """True when the failure came after the storm had passed, so that it belongs to another one or to none."""
    storm, canary = seen.storm, seen.current_canary
    if storm.released_at is not None:
        return failure.ended_at > storm.released_at
    if canary is not None and canary.closed_at and canary.outcome and canary.outcome.recovered:
        return failure.ended_at > canary.closed_at
    return are_many and now - storm.began_at > _LONGEST


def _led_by(storm: Storm, incident: Incident, now: datetime) -> Storm:
    return replace(
        storm,
        canary=incident.item,
        canary_incident=incident.id,
        predecessor=storm.canary,
        led_at=now,
        told=False,
    )


def _begun(incident: Incident, similar: SimilarFailures, now: datetime, before: Storm | None) -> Storm:
    """A new storm; one that it takes the place of may have left its canary's attempt in flight."""
    is_another = before is not None and before.canary.key != incident.item.key
    return Storm(
        vault=incident.item.vault,
        code=similar.error.label,
        began_at=now,
        size=similar.items,
        canary=incident.item,
        canary_incident=incident.id,
        predecessor=before.canary if before and is_another else None,
        led_at=now,
        version=before.version if before else "",
    )


def storm_key(vault: Vault, code: str) -> str:
    """A key for a vault's storm of a code that every store can hold."""
    return sha256(f"{vault.key}|{code}".casefold().encode()).hexdigest()[:32]


def similar_failures(jobs: Sequence[Job], incident: Incident, window: timedelta) -> SimilarFailures:
    """How many items of the vault fail with the incident's error, and which error that is.

    It is the error of the newest failed job, whatever a refused trigger said since. The time is that of the job or,
    where the error is the same, of the first one: a retry that failed is no way out of a storm.
    """
    failure = incident.failure
    error = next((job.error for job in jobs if job.id == failure.id and job.error), failure.error)
    times = [failure.ended_at]
    if incident.first_error.label == error.label:
        times.append(incident.first_failed_at)
    theirs = (job for job in jobs if job.id != failure.id)
    others = [job for job in theirs if not (incident.is_about(job) or incident.may_be_about(job))]
    failed = [job for job in others if job.is_backup and job.failed and job.error]
    similar = [job for job in failed if job.error and job.error.label == error.label]
    near = [_by_item([job for job in similar if abs(_end(job) - at) <= window]) for at in times]
    return SimilarFailures(error=error, items=1 + max(map(len, near)), ever=1 + len(_by_item(similar)))


def _by_item(jobs: Sequence[Job]) -> Mapping[str, Job]:
    """A job of each item: nodes call theirs after themselves, and one item that has failed twice is no two."""
    listed = {job.item.key: job for job in jobs if job.item and not job.item.is_stand_in}
    names = {database_of(job.entity_name) for job in listed.values()}
    called = {database_of(job.entity_name): job for job in jobs if not job.item or job.item.is_stand_in}
    return {**listed, **{name: job for name, job in called.items() if name not in names}}


def _end(job: Job) -> datetime:
    return job.end or job.started_at
