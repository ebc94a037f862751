"""The port `vaults.Vaults` on both vault types at once."""

from collections.abc import Callable, Mapping
from datetime import datetime

from backup_retry.azure.client import AzureClients
from backup_retry.azure.data_protection import DataProtectionVaults
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import BackupRequest, Job, JobList, Operation
from backup_retry.domain.schedule import BackupPolicy


class AzureVaults:
    """Asks the adapter of the vault's kind."""

    def __init__(self, clients: AzureClients, clock: Callable[[], datetime]) -> None:
        self._of: Mapping[VaultKind, RecoveryServicesVaults | DataProtectionVaults] = {
            VaultKind.RECOVERY_SERVICES: RecoveryServicesVaults(clients, clock),
            VaultKind.BACKUP: DataProtectionVaults(clients, clock),
        }

    async def job(self, vault: Vault, job_id: str) -> Job:
        """See Vaults."""
        return await self._of[vault.kind].job(vault, job_id)

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """See Vaults."""
        return await self._of[vault.kind].jobs(vault, since, fresh_since=fresh_since)

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """See Vaults."""
        return await self._of[item.vault.kind].item(item)

    async def policies(self, vault: Vault) -> Mapping[str, BackupPolicy]:
        """See ports.estate.Policies."""
        return await self._of[vault.kind].policies(vault)

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """See Vaults."""
        return await self._of[item.vault.kind].trigger(item, request, attempt_id=attempt_id)

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """See Vaults."""
        return await self._of[item.vault.kind].operation(item, operation_id)
