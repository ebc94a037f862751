"""A storm: many items of one vault fail with one code at the same time, so one cause is likely.

One of them, the canary, is retried; the others wait for it. It recovers: they go, spread out. It fails: they go on
waiting, and one person is told once. It ends otherwise: another one becomes the canary.

A storm is a row that several workers write: whoever changes it first has it, as with incidents.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.incident import AttemptResult, Incident, State
from backup_retry.domain.jobs import FailedJob, Job, Reason

#: a canary that has to wait longer than this holds up the others for no reason
_PATIENCE = timedelta(hours=2)
#: how far apart the items go that a storm held back
_PACE = timedelta(seconds=2)
_LONGEST_SPREAD = timedelta(minutes=30)
#: whoever became the canary has this long to store its incident, whatever the clocks say
_LEASE = timedelta(minutes=10)
_HASHES = 0x1_0000_0000


@dataclass(frozen=True, kw_only=True)
class Storm:
    """One storm of a vault; `version` is the ledger's fence."""

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
    #: when it became the canary
    led_at: datetime
    #: somebody has been told that the canary's retry failed
    told: bool = False
    #: when the canary had recovered and the others could go
    released_at: datetime | None = None
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
    #: become the canary
    LEAD = "lead"
    #: the canary has recovered: let the others go
    RELEASE = "release"
    #: the canary's retry has failed: a person has to know
    TELL = "tell"


def weigh(
    storm: Storm | None, canary: Incident | None, incident: Incident, alike: tuple[int, str], now: datetime
) -> tuple[Move, Storm]:
    """The move of an item of a storm, and the storm after it, to be stored first where it changed.

    `canary` is the incident of the storm's canary; `alike` is how many items fail with which error.
    """
    current = (
        canary is not None and storm is not None and (canary.is_open or canary.id == storm.canary_incident)
    )
    news = canary if current else None  # else: of another time, the canary's own is not stored yet
    if storm is None or _is_over(storm, news, incident.failure):
        return Move.LEAD, _begun(incident, alike, now, storm.version if storm else "")
    if storm.canary.key == incident.item.key:
        # Others may take its place as long as its incident says that it is held: whoever stores the storm first goes.
        return (Move.LEAD, replace(storm, led_at=now)) if _is_held(incident) else (Move.GO, storm)
    goes_at = storm.goes_at(incident.item)
    if goes_at is not None:
        return (Move.GO if now >= goes_at else Move.HOLD), storm
    if news is None and now - storm.led_at < _LEASE:
        return Move.HOLD, storm
    return _by_canary(storm, news, incident, now)


def _by_canary(
    storm: Storm, canary: Incident | None, incident: Incident, now: datetime
) -> tuple[Move, Storm]:
    """What the canary's incident says to those that wait for it."""
    led = replace(storm, canary=incident.item, canary_incident=incident.id, led_at=now, told=False)
    if canary is None:
        return Move.LEAD, led
    if not canary.is_open:
        recovered = canary.outcome is not None and canary.outcome.recovered
        return (Move.RELEASE, replace(storm, released_at=now)) if recovered else (Move.LEAD, led)
    if canary.state is State.WAITING and canary.due - now > _PATIENCE:
        return Move.LEAD, led
    if not storm.told and any(attempt.result is AttemptResult.FAILED for attempt in canary.attempts):
        return Move.TELL, replace(storm, told=True)
    if _is_held(canary) and now - storm.led_at >= _LEASE:
        return Move.LEAD, led
    return Move.HOLD, storm


def _is_held(canary: Incident) -> bool:
    """True where it fails with something else by now and waits for another storm's canary, perhaps for one of us."""
    return canary.state is State.WAITING and canary.reason is Reason.STORM


def _is_over(storm: Storm, canary: Incident | None, failure: FailedJob) -> bool:
    """True when the failure came after the storm had passed, so that it belongs to another one."""
    if storm.released_at is not None:
        return failure.started_at > storm.released_at
    if canary is None:  # not stored yet or, later than that, replaced by another incident of its item
        return failure.started_at > storm.led_at + _LEASE
    return canary.closed_at is not None and failure.started_at > canary.closed_at


def _begun(incident: Incident, alike: tuple[int, str], now: datetime, version: str) -> Storm:
    size, code = alike
    return Storm(
        vault=incident.item.vault,
        code=code,
        began_at=now,
        size=size,
        canary=incident.item,
        canary_incident=incident.id,
        led_at=now,
        version=version,
    )


def storm_key(vault: Vault, code: str) -> str:
    """A key for a vault's storm of a code that every store can hold."""
    return sha256(f"{vault.key}|{code}".casefold().encode()).hexdigest()[:32]


def items_failing_alike(jobs: Sequence[Job], incident: Incident, window: timedelta) -> tuple[int, str]:
    """How many items of the vault failed with the incident's error around the same time, and which error that is.

    It is the error of the newest failed job, whatever a refused trigger said since. The time is that of the job or,
    where the error is the same, of the first one: a retry that failed is no way out of a storm.
    """
    failure = incident.failure
    code = next((job.error.label for job in jobs if job.id == failure.id and job.error), failure.error.label)
    times = [failure.ended_at]
    if incident.first_error.label == code:
        times.append(incident.first_failed_at)
    others = [job for job in jobs if job.id != failure.id and not incident.is_about(job)]
    return max(len(_alike(others, at, code, window)) + 1 for at in times), code


def _alike(jobs: Sequence[Job], at: datetime, label: str, window: timedelta) -> set[str]:
    failed = (job for job in jobs if job.is_backup and job.failed and job.error and job.error.label == label)
    near = (job for job in failed if abs((job.end or job.started_at) - at) <= window)
    return {job.item.key if job.item else job.entity_name for job in near}
