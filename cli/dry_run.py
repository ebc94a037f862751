"""Dry runs: the real engine decides, and nothing is written or started."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Protocol

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.facts import ItemState
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import BackupRequest, Job, JobList, Operation
from backup_retry.domain.journal import Step
from backup_retry.domain.pauses import Pause
from backup_retry.domain.protected_days import VaultDay
from backup_retry.policy.storm import Storm
from backup_retry.ports.ledger import Controls, Ledger, MemoryLedger, Record, Storms
from backup_retry.ports.protection_history import MemoryHistory, ProtectionHistory
from backup_retry.ports.vaults import Vaults


class Store(Ledger, Controls, Storms, Protocol):
    """The three ports that every ledger of ours has in one."""


class DryRunLedger(MemoryLedger):
    """Reads the ledger beneath and keeps every change to itself."""

    def __init__(self, beneath: Store) -> None:
        super().__init__()
        self._beneath = beneath
        # Far from any that a ledger in memory beneath has given out, so that no stale copy passes the fence.
        self._versions = 1_000_000_000

    async def load(self, item: ProtectedItem, job_id: str = "") -> Record:
        """See Ledger; what the dry run has written hides what is beneath."""
        own, below = await super().load(item, job_id), await self._beneath.load(item, job_id)
        known = own.job_known or below.job_known
        return Record(incident=own.incident or below.incident, job_known=known)

    async def save(self, incident: Incident, steps: Sequence[Step] = (), job_id: str = "") -> Incident | None:
        """See Ledger; a change of what is beneath is one of its copy."""
        below = await self._beneath.load(incident.item, job_id)
        if below.job_known and job_id:
            return None
        if below.incident is not None:
            self._heads.setdefault(incident.item.key, below.incident)
        return await super().save(incident, steps, job_id)

    async def open_incidents(self) -> Sequence[Incident]:
        """See Ledger."""
        below = [each for each in await self._beneath.open_incidents() if each.item.key not in self._heads]
        return [*below, *await super().open_incidents()]

    async def steps(self, item: ProtectedItem) -> Sequence[Step]:
        """See Ledger."""
        return [*await self._beneath.steps(item), *await super().steps(item)]

    async def pauses(self) -> Sequence[Pause]:
        """See Controls."""
        return [*await self._beneath.pauses(), *await super().pauses()]

    async def last_beat(self, name: str) -> datetime | None:
        """See Controls."""
        return await super().last_beat(name) or await self._beneath.last_beat(name)

    async def storm(self, key: str) -> Storm | None:
        """See Storms."""
        return await super().storm(key) or await self._beneath.storm(key)

    async def save_storm(self, storm: Storm) -> Storm | None:
        """See Storms."""
        if (below := await self._beneath.storm(storm.key)) is not None:
            self._storms.setdefault(storm.key, below)
        return await super().save_storm(storm)


class ReadOnlyHistory(MemoryHistory):
    """Reads the history beneath and keeps every change to itself."""

    def __init__(self, beneath: ProtectionHistory) -> None:
        super().__init__()
        self._beneath = beneath

    async def days(self, since: date) -> Sequence[VaultDay]:
        """See ProtectionHistory."""
        return await self._beneath.days(since)


@dataclass
class ReadOnlyVaults:
    """Vaults that can be asked anything; a trigger reaches nobody."""

    beneath: Vaults
    #: the items whose backup would have been started
    started: list[ProtectedItem] = field(default_factory=list)

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        return await self.beneath.job(vault, job_id)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults."""
        return await self.beneath.jobs(vault, since, fresh_since=fresh_since)

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """See Vaults."""
        return await self.beneath.item(item)

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """See Vaults; the answer is as good as any, since nobody asks for the operation afterwards."""
        del request, attempt_id
        self.started.append(item)
        return ""

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """See Vaults."""
        return await self.beneath.operation(item, operation_id)
