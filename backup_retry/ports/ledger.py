"""The two ports to what is remembered, and their in-memory fake.

The ledger's promise: `save` stores an incident only where nobody else changed it since it was loaded,
together with its attempts, its journal and the failed job that caused it, or stores nothing at all. Losing
that race is a return value: another worker handles the same item.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import RowUnreadable
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import Step
from backup_retry.domain.pauses import Pause
from backup_retry.policy.storm import Storm


class Beat(StrEnum):
    """What leaves a heartbeat when it completes; a sweep profile leaves one named after it."""

    SWEEP = "sweep"
    #: left by a sweep that could not look at everything
    INCOMPLETE_SWEEP = "incomplete-sweep"
    #: left by the very first sweep: how far back it looked
    FIRST_SWEEP = "first-sweep"
    FOLLOW_UP = "follow_up"
    #: left by a run over the dead letters that has left none
    DEAD_LETTERS = "dead-letters"


def known(turn: str) -> str:
    """The beat that says since when a turn's timer is there: before its first turn it is not late."""
    return f"known-{turn}"


def gave_up(turn: str) -> str:
    """The beat that is left when a turn has died too often to be started again."""
    return f"gave-up-{turn}"


def stood_in(turn: str) -> str:
    """The beat that is left when the second clock starts a turn in its timer's place."""
    return f"stood-in-{turn}"


def stopped(turn: str) -> str:
    """The beat that says since when a turn's timer has not fired."""
    return f"stopped-{turn}"


def told_of(turn: str) -> str:
    """The beat that is left when operators were notified of a timer that has stopped: since when it has."""
    return f"told-of-{turn}"


@dataclass(frozen=True, kw_only=True)
class Record:
    """What the ledger knows of an item."""

    #: the item's latest incident, open or closed
    incident: Incident | None = None
    #: True when the failed job that was asked about has been noted before
    job_known: bool = False


class Ledger(Protocol):
    """Incidents. Every method raises AzureUnavailable when the store does not answer."""

    async def load(self, item: ProtectedItem, job_id: str = "") -> Record:
        """The item's latest incident, and whether a failed job is known.

        Raises:
            RowUnreadable: another version or a hand wrote what is stored of the item; nothing may be done about it.
        """
        ...

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """Store a changed incident; `job_id` names a failed job to remember with it.

        Returns the stored incident with its new version, or None when another worker changed it first or
        the job is known already. Where the answer to a write was lost and others have moved on since, it is the
        incident as it is by now.
        """
        ...

    async def open_incidents(self) -> Sequence[Incident]:
        """Every incident that is open or has something left to tell; costs what is open, not what ever was.

        One that cannot be read is left out.
        """
        ...

    async def told(self, incident: Incident, left: Incident) -> Incident:
        """Forget what has been sent or logged of the incident: all notices and lines but those that `left` has."""
        ...

    async def steps(self, item: ProtectedItem) -> Sequence[Step]:
        """The item's journal, oldest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class LeftOpen:
    """How many incidents a follow-up left open, and how many of them wait for a person's approval."""

    incidents: int = 0
    approvals: int = 0


class Controls(Protocol):
    """Switches and heartbeats."""

    async def pauses(self) -> Sequence[Pause]:
        """Every pause that is set, one booked ahead or run out as well. One that cannot be read holds."""
        ...

    async def set_pause(self, pause: Pause) -> None:
        """Switch retries off in the pause's scope; it takes the place of the scope's last one."""
        ...

    async def resume(self, scope: str = "") -> None:
        """Remove the pause of exactly that scope."""
        ...

    async def beat(self, name: str, at: datetime, left: LeftOpen | None = None) -> None:
        """Remember that the sweep or the follow-up completed, and what the follow-up left open."""
        ...

    async def last_beat(self, name: str) -> datetime | None:
        """When it last completed; long ago, where that cannot be read."""
        ...


class Storms(Protocol):
    """What is known of storms."""

    async def storm(self, key: str) -> Storm | None:
        """The storm of that key, passed or not; raises RowUnreadable where it is unknown."""
        ...

    async def save_storm(self, storm: Storm) -> Storm | None:
        """Store a changed storm; None when another worker changed it first."""
        ...


class Archive(Protocol):
    """Incidents that were closed long ago."""

    async def purge(self, before: datetime, most: int) -> int:
        """Forget up to so many of those that were closed before that day; returns how many.

        An incident that is open, or has something left to tell, is never touched. Raises AzureUnavailable.
        """
        ...


class MemoryLedger:
    """Ledger, Controls and Storms in one process's memory, for tests."""

    def __init__(self) -> None:
        self._heads: dict[str, Incident] = {}
        self._jobs: set[tuple[str, str]] = set()
        self._steps: dict[str, list[Step]] = {}
        self._beats: dict[str, datetime] = {}
        self._left_open = LeftOpen()
        self._pauses: dict[str, Pause] = {}
        self._storms: dict[str, Storm] = {}
        self._versions = 0
        #: keys of items, and of storms, whose rows cannot be read
        self.unreadable: set[str] = set()

    async def load(self, item: ProtectedItem, job_id: str = "") -> Record:
        """See Ledger."""
        self._require(item.key)
        return Record(incident=self._heads.get(item.key), job_known=(item.key, job_id.lower()) in self._jobs)

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger."""
        key = incident.item.key
        self._require(key)
        current = self._heads.get(key)
        known = bool(job_id) and (key, job_id.lower()) in self._jobs
        if known or incident.version != (current.version if current else ""):
            return None
        self._versions += 1
        stored = replace(incident, version=str(self._versions))
        self._heads[key] = stored
        self._steps.setdefault(key, []).extend(steps)
        if job_id:
            self._jobs.add((key, job_id.lower()))
        return stored

    async def open_incidents(self) -> Sequence[Incident]:
        """See Ledger."""
        heads = [head for key, head in self._heads.items() if key not in self.unreadable]
        return [incident for incident in heads if incident.is_open or incident.is_untold]

    async def steps(self, item: ProtectedItem) -> Sequence[Step]:
        """See Ledger."""
        return list(self._steps.get(item.key, ()))

    async def told(self, incident: Incident, left: Incident) -> Incident:
        """See Ledger."""
        current, gone = self._heads[incident.item.key], incident.told_since(left)
        self._heads[incident.item.key] = replace(
            current,
            notices=tuple(each for each in current.notices if each not in gone),
            lines=tuple(each for each in current.lines if each not in gone),
        )
        return left

    async def pauses(self) -> Sequence[Pause]:
        """See Controls."""
        return list(self._pauses.values())

    async def set_pause(self, pause: Pause) -> None:
        """See Controls."""
        self._pauses[pause.scope.lower()] = pause

    async def resume(self, scope: str = "") -> None:
        """See Controls."""
        self._pauses.pop(scope.lower(), None)

    async def storm(self, key: str) -> Storm | None:
        """See Storms."""
        self._require(key)
        return self._storms.get(key)

    async def save_storm(self, storm: Storm) -> Storm | None:
        """See Storms."""
        current = self._storms.get(storm.key)
        if storm.version != (current.version if current else ""):
            return None
        self._versions += 1
        self._storms[storm.key] = replace(storm, version=str(self._versions))
        return self._storms[storm.key]

    async def beat(self, name: str, at: datetime, left: LeftOpen | None = None) -> None:
        """See Controls."""
        self._beats[name] = at
        self._left_open = left or self._left_open

    async def last_beat(self, name: str) -> datetime | None:
        """See Controls."""
        return self._beats.get(name)

    def _require(self, key: str) -> None:
        if key in self.unreadable:
            raise RowUnreadable(f"this version cannot read the ledger entry of {key}")
