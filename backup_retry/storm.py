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

from backup_retry.incident import AttemptResult, Incident, State
from backup_retry.model import FailedJob, Job, ProtectedItem, Vault

#: a canary that has to wait longer than this holds up the others for no reason
_PATIENCE = timedelta(hours=2)
#: how far apart the items go that a storm held back
_PACE = timedelta(seconds=2)
_LONGEST_SPREAD = timedelta(minutes=30)
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
    storm: Storm | None, canary: Incident | None, incident: Incident, size: int, now: datetime
) -> tuple[Move, Storm]:
    """The move of an item of a storm, and the storm after it, to be stored first where it changed.

    `canary` is the incident of the storm's canary; `size` is how many items fail alike.
    """
    if storm is None or _is_over(storm, canary, incident.failure):
        return Move.LEAD, _begun(incident, size, now, storm.version if storm else "")
    if storm.canary.key == incident.item.key:
        return Move.GO, storm
    goes_at = storm.goes_at(incident.item)
    if goes_at is not None:
        return (Move.GO if now >= goes_at else Move.HOLD), storm
    return _by_canary(storm, canary, incident, now)


def _by_canary(
    storm: Storm, canary: Incident | None, incident: Incident, now: datetime
) -> tuple[Move, Storm]:
    """What the canary's incident says to those that wait for it."""
    if canary is None or not canary.is_open:
        if canary is not None and canary.outcome is not None and canary.outcome.recovered:
            return Move.RELEASE, replace(storm, released_at=now)
        return Move.LEAD, replace(storm, canary=incident.item, told=False)
    if canary.state is State.WAITING and canary.due - now > _PATIENCE:
        return Move.LEAD, replace(storm, canary=incident.item, told=False)
    if not storm.told and any(attempt.result is AttemptResult.FAILED for attempt in canary.attempts):
        return Move.TELL, replace(storm, told=True)
    return Move.HOLD, storm


def _is_over(storm: Storm, canary: Incident | None, failure: FailedJob) -> bool:
    """True when the failure came after the storm had passed, so that it belongs to another one."""
    passed_at = storm.released_at
    if passed_at is None and canary is not None and not canary.is_open:
        passed_at = canary.closed_at
    return passed_at is not None and failure.started_at > passed_at


def _begun(incident: Incident, size: int, now: datetime, version: str) -> Storm:
    return Storm(
        vault=incident.item.vault,
        code=incident.failure.error.label,
        began_at=now,
        size=size,
        canary=incident.item,
        version=version,
    )


def storm_key(vault: Vault, code: str) -> str:
    """A key for a vault's storm of a code that every store can hold."""
    return sha256(f"{vault.key}|{code}".casefold().encode()).hexdigest()[:32]


def items_failing_alike(jobs: Sequence[Job], incident: Incident, window: timedelta) -> int:
    """How many items of the vault failed with the incident's error around the same time, this one among them.

    Around its newest failure or, where that is the same error, its first: a failed retry is no way out of a storm.
    """
    failure = incident.failure
    times = [failure.started_at]
    if incident.first_error.label == failure.error.label:
        times.append(incident.first_failed_at)
    alike = [
        job
        for job in jobs
        if job.is_backup and job.failed and job.error and job.error.label == failure.error.label
    ]
    return max(len(_items_around(alike, at, window) | {incident.item.key}) for at in times)


def _items_around(jobs: Sequence[Job], at: datetime, window: timedelta) -> set[str]:
    near = (job for job in jobs if abs(job.started_at - at) <= window)
    return {job.item.key if job.item else job.entity_name for job in near}
