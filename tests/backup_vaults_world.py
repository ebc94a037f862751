"""Backup vaults on the simulated Azure, with the adapter that reads and calls them."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.jobs import BackupRequest, JobList
from simulator.estate.inventory import Item
from simulator.estate.outcomes import JobError as Failure
from simulator.estate.outcomes import JobStatus as Status
from simulator.estate.outcomes import Outcome
from simulator.server import RunningServer
from tests.clock import Clock
from tests.failures import VAULT as RECOVERY_SERVICES_VAULT

DISK, BLOBS = "Microsoft.Compute/disks", "Microsoft.Storage/storageAccounts/blobServices"
POSTGRESQL = "Microsoft.DBforPostgreSQL/flexibleServers"
VAULT = replace(RECOVERY_SERVICES_VAULT, name="backup-1", kind=VaultKind.BACKUP)
DENIED = replace(VAULT, name="backup-9")
MINUTE = timedelta(minutes=1)
BUSY = Failure(
    code=1, title="UserErrorBusy", message="Busy.", recommendations=("Wait.", "Retry."), retryable=True
)
FAILED = Outcome(status=Status.FAILED, seconds=60, error=BUSY)


def estate(vault: Vault, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A vault of the estate."""
    place = {"subscription": vault.subscription, "resource_group": vault.resource_group, "name": vault.name}
    kind = "backup" if vault.kind is VaultKind.BACKUP else "recovery_services"
    return {**place, "kind": kind, "items": list(items), **more}


ESTATE = {
    "subscriptions": [{"id": VAULT.subscription, "name": "Test"}],
    "vaults": [
        estate(
            VAULT,
            {"workload": DISK, "name": "disk-1", "policy": "Hourly"},
            {"workload": DISK, "name": "disk-2", "protection_state": "ProtectionStopped"},
            {"workload": DISK, "name": "disk-3", "protection_state": "SoftDeleted"},
            {"workload": POSTGRESQL, "name": "pg-1"},
            {"workload": BLOBS, "name": "stlogs", "policy": "Continuous"},
            policies=[
                {
                    "name": "Hourly",
                    "backup_rule": "BackupHourly",
                    "period": "PT4H",
                    "retention_tag": "Weekly",
                },
                {"name": "Continuous", "workload": BLOBS, "backup_rule": None},
            ],
        ),
        estate(DENIED, {"workload": DISK, "name": "disk-9"}),
        estate(RECOVERY_SERVICES_VAULT, {"vm": "vm-01", "resource_group": "rg-app"}),
    ],
    "denied_vaults": [DENIED.name],
    "action_groups": [],
    "settings": {"backup_seconds": 60, "operation_seconds": 10, "page_size": 2},
}


@dataclass(frozen=True)
class World:
    """The simulated Azure, whose clock stands still, and the adapter under test."""

    server: RunningServer
    clock: Clock
    clients: AzureClients
    vaults: DataProtectionVaults

    def found(self, name: str) -> Item:
        """The simulator's item of that name."""
        item = self.server.azure.find_item(name)
        assert item is not None
        return item

    def item(self, name: str = "disk-1") -> ProtectedItem:
        """The item of that name."""
        item = ProtectedItem.parse(self.found(name).id)
        assert item is not None
        return item

    def run(self, name: str = "disk-1", outcome: Outcome = FAILED, **options: Any) -> str:
        """Run a scheduled backup; the job's id."""
        return self.server.azure.run_job(self.found(name), outcome, now=self.clock(), **options).name

    async def jobs(self, since: timedelta = MINUTE, vault: Vault = VAULT) -> JobList:
        """The vault's jobs of the last `since`, as they are now."""
        now = self.clock()
        return await self.vaults.jobs(vault, now - since, fresh_since=now)

    async def trigger(
        self,
        item: ProtectedItem | None = None,
        rule: str = "BackupHourly",
        tag: str = "",
        attempt_id: str = "",
    ) -> str:
        """Trigger a backup as the engine does; the operation's address."""
        request = BackupRequest(workload=DISK, rule=rule, retention_tag=tag)
        attempt = attempt_id or str(uuid4())
        return await self.vaults.trigger(item or self.item(), request, attempt_id=attempt)

    def posts(self) -> list[dict[str, Any]]:
        """The triggers that arrived."""
        return self.server.simulator.requests.find("/backup$", "POST")

    def reads(self, path: str) -> int:
        """How many reads of that path arrived."""
        return len(self.server.simulator.requests.find(path, "GET"))

    def started(self) -> int:
        """How many jobs the triggers started."""
        return sum(job.user_triggered for job in self.server.azure.jobs)
