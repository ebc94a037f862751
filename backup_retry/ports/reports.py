"""What the ledger reports about many items at once: the port of reports, its values, and an in-memory fake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from backup_retry.domain.acknowledgements import Acknowledgement
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Outcome, Reason
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.domain.journal import Step
from backup_retry.domain.protected_days import ProtectionCount
from backup_retry.policy.protection_state import Care
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import LeftOpen, MemoryLedger


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """An open incident, as the index of open ones knows it."""

    incident_id: str
    item: ProtectedItem
    at: datetime
    #: what its failure is called; "" where version 0.1.0 stored it
    error: str = ""
    #: what operators have been notified of, such as "approval", and have not answered yet; "": nothing
    told: str = ""
    #: the incident of the item that it was about to take the place of, "" for none; None: the row does not say
    after: str | None = None

    @classmethod
    def of(cls, incident: Incident, at: datetime) -> "Opened":
        """What the index says about an incident that was stored then."""
        answered = bool(incident.approved_by) or incident.acknowledged is not None
        told = incident.told_of[-1] if incident.told_of and not answered else ""
        return cls(
            incident_id=incident.id, item=incident.item, at=at, error=incident.failure.error.label, told=told
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Closed:
    """A closed incident, as the journal of its day knows it."""

    incident_id: str
    item: ProtectedItem
    found_by: Source
    first_job_id: str
    first_failed_at: datetime
    #: what the first failure and the newest one are called
    error: str
    last_error: str
    attempts: int
    outcome: Outcome
    reason: Reason
    #: what a person should do or know
    detail: str
    opened_at: datetime
    closed_at: datetime
    #: the item's last recovery point, as far as the vault shows
    last_good_at: datetime | None = None
    acknowledged: Acknowledgement | None = None

    @property
    def needs_a_person(self) -> bool:
        """True where somebody has to act, and nobody has acknowledged that."""
        return self.outcome.needs_a_person and self.acknowledged is None

    def at(self, now: datetime) -> "Closed":
        """The same without an acknowledgement that is over."""
        known = self.acknowledged
        return (
            self if known is None or known.holds(self.last_error, now) else replace(self, acknowledged=None)
        )

    @classmethod
    def of(cls, incident: Incident) -> "Closed | None":
        """What is reported of an incident; None while it is open."""
        if incident.outcome is None or incident.closed_at is None:
            return None
        return cls(
            incident_id=incident.id,
            item=incident.item,
            found_by=incident.found_by,
            first_job_id=incident.first_job_id,
            first_failed_at=incident.first_failed_at,
            error=incident.first_error.label,
            last_error=incident.failure.error.label,
            attempts=len(incident.attempts),
            outcome=incident.outcome,
            reason=incident.reason,
            detail=incident.detail,
            opened_at=incident.opened_at,
            closed_at=incident.closed_at,
            last_good_at=incident.last_good_at,
            acknowledged=incident.acknowledged,
        )


def cares(
    opened: Sequence[Opened], closed: Sequence[Closed], seen_since: Mapping[str, datetime]
) -> dict[str, Care]:
    """What is being done about each item that has an incident, or no recovery point since it is known, by its key.

    An incident whose notice is still to be sent is in the index of open ones and has ended all the same.
    """
    ended = {each.incident_id for each in closed}
    newest = {each.item.key: each for each in sorted(closed, key=lambda each: each.closed_at)}
    running = {each.item.key: each for each in opened if each.incident_id not in ended}
    told = {key: each.first_failed_at for key, each in newest.items() if each.outcome.needs_a_person}
    return {
        key: Care(
            is_open=key in running,
            needs_a_person=key in running and bool(running[key].told),
            told_of=told.get(key),
            seen_since=seen_since.get(key),
        )
        for key in {*running, *told, *seen_since}
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """What one small read says about the app."""

    #: every heartbeat by its name, see Controls.beat
    beats: Mapping[str, datetime]
    #: as the last follow-up left them
    left: LeftOpen
    #: how many there are of each kind, as last summed up
    unreadable_rows: Mapping[str, int]
    #: how many items were in each state of protection when a sweep looked last; None: none has, or it is unknown
    protection: ProtectionCount | None = None


class Reports(Protocol):
    """Reads over the whole ledger. Every method raises AzureUnavailable when the store does not answer."""

    async def opened(self) -> Sequence[Opened]:
        """Every open incident, without its state.

        One that was closed and has something left to tell may stand here until the next follow-up.
        """
        ...

    async def closed(self, day: date) -> Sequence[Closed]:
        """The incidents that were closed on a day (UTC)."""
        ...

    async def storms(self) -> Sequence[Storm]:
        """Every storm that is remembered, passed or not."""
        ...

    async def beats(self) -> Mapping[str, datetime]:
        """Every heartbeat by its name, see Controls.beat."""
        ...

    async def health(self) -> Health:
        """The heartbeats and what the last follow-up counted; costs one small read."""
        ...

    async def find(self, incident_id: str, days: Sequence[date]) -> Opened | Closed | None:
        """An incident that is open, or was closed on one of the days."""
        ...


async def closed_since(reports: Reports, today: date, days: int) -> list[Closed]:
    """The incidents that were closed today and on the days before it, so many days in all; day by day, newest first."""
    wanted = [today - timedelta(days=back) for back in range(days)]
    return [each for day in wanted for each in await reports.closed(day)]


class MemoryReports(MemoryLedger):
    """The ledger in memory with its journal, for tests."""

    def __init__(self) -> None:
        super().__init__()
        self._journal: dict[str, Closed] = {}
        #: as a follow-up would sum them up
        self.unreadable_rows: Mapping[str, int] = {}
        #: as a sweep would count them
        self.protection: ProtectionCount | None = None

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger."""
        saved = await super().save(incident, steps, job_id)
        if saved is not None and (closed := Closed.of(saved)):
            self._journal[closed.incident_id] = closed
        return saved

    async def opened(self) -> Sequence[Opened]:
        """See Reports."""
        return [Opened.of(each, each.opened_at) for each in self._heads.values() if each.is_open]

    async def closed(self, day: date) -> Sequence[Closed]:
        """See Reports."""
        return [each for each in self._journal.values() if each.closed_at.astimezone(UTC).date() == day]

    async def storms(self) -> Sequence[Storm]:
        """See Reports."""
        return list(self._storms.values())

    async def beats(self) -> Mapping[str, datetime]:
        """See Reports."""
        return dict(self._beats)

    async def health(self) -> Health:
        """See Reports."""
        return Health(
            beats=await self.beats(),
            left=self._left_open,
            unreadable_rows=self.unreadable_rows,
            protection=self.protection,
        )

    async def find(self, incident_id: str, days: Sequence[date]) -> Opened | Closed | None:
        """See Reports."""
        for each in await self.opened():
            if each.incident_id == incident_id:
                return each
        found = self._journal.get(incident_id)
        return found if found and found.closed_at.astimezone(UTC).date() in days else None
