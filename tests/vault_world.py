"""The vaults' adapter on a simulated Azure whose clock stands still."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from backup_retry.azure.client import AzureClients
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.jobs import BackupRequest, JobList
from backup_retry.settings.loading import load_settings
from backup_retry.settings.settings import Settings
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.server import RunningServer
from tests.clock import Clock
from tests.failures import VAULT, vm_item

DENIED = Vault(subscription=VAULT.subscription, resource_group="rg-backup", name="vault-9")
VM = vm_item("vm-01")
FAILED = Outcome(
    status=JobStatus.FAILED, seconds=60, error=error_titled("UserErrorVmProvisioningStateFailed")
)
MINUTE = timedelta(minutes=1)


def vault_estate(vault: Vault, *vms: str, **options: Any) -> dict[str, Any]:
    items = [{"vm": vm, "resource_group": "rg-app", **options} for vm in vms]
    place = {"subscription": vault.subscription, "resource_group": vault.resource_group}
    return {**place, "name": vault.name, "items": items}


STOPPED = Vault(subscription=VAULT.subscription, resource_group="rg-backup", name="vault-2")
ESTATE = {
    "subscriptions": [{"id": VAULT.subscription, "name": "Test"}],
    "vaults": [
        vault_estate(VAULT, "vm-01", "vm-02"),
        vault_estate(STOPPED, "vm-21", protection_state="ProtectionStopped"),
        vault_estate(DENIED, "vm-91"),
    ],
    "denied_vaults": ["vault-9"],
    "action_groups": [],
    "settings": {"backup_seconds": 60, "operation_seconds": 10, "page_size": 2},
}


@dataclass(frozen=True)
class VaultWorld:
    """The simulated Azure, whose clock stands still, and the adapter under test."""

    server: RunningServer
    clock: Clock
    clients: AzureClients
    vaults: RecoveryServicesVaults

    def run(self, vm: str = "vm-01", outcome: Outcome = FAILED, **options: Any) -> str:
        """Run a scheduled backup; the job's id."""
        item = self.server.azure.find_item(vm)
        assert item is not None
        return self.server.azure.run_job(item, outcome, now=self.clock(), **options).name

    async def jobs(self, since: timedelta = MINUTE, vault: Vault = VAULT) -> JobList:
        """The vault's jobs of the last `since`, as they are now."""
        now = self.clock()
        return await self.vaults.jobs(vault, now - since, fresh_since=now)

    async def trigger(self, item: ProtectedItem = VM, attempt_id: str = "") -> str:
        """Trigger a backup as the engine does; the operation's address."""
        request = BackupRequest(workload="VM", keep_until=self.clock() + timedelta(days=30))
        return await self.vaults.trigger(item, request, attempt_id=attempt_id or str(uuid4()))

    def arm(self, name: str, match: str = "", **parameters: Any) -> None:
        """Arm one fault."""
        self.server.faults.arm([{"name": name, "match": match, **parameters}])

    def posts(self) -> list[dict[str, Any]]:
        """The triggers that arrived."""
        return self.server.simulator.requests.find("/backup$", "POST")

    def reads(self, path: str) -> int:
        """How many reads of that path arrived."""
        return len(self.server.simulator.requests.find(path, "GET"))

    def started(self) -> list[str]:
        """The activityIds of the jobs that triggers started."""
        return [job.activity_id for job in self.server.azure.jobs if job.user_triggered]


def settings(arm: str) -> Settings:
    """The app's settings with this Resource Manager."""
    topic = f"{arm}/topics/backup-retry/api/events"
    ledger = "https://ledger.test"
    return load_settings({"arm_endpoint": arm, "ledger_endpoint": ledger, "eventgrid_topic_endpoint": topic})
