"""Addresses in the Azure portal."""

from urllib.parse import quote

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind

_MACHINE = "/providers/microsoft.compute/virtualmachines/"
#: what a vault's own list of what it protects is called
_LISTS = {VaultKind.RECOVERY_SERVICES: "backupItems", VaultKind.BACKUP: "backupInstances"}


def item_url(item: ProtectedItem, portal: str) -> str:
    """Where a person acts: the Backup page of a VM; of any other workload its vault's list of what it protects."""
    if item.is_vault:
        return vault_url(item.vault, portal)
    if item.name.lower().startswith("vm;") and _MACHINE in item.machine_id:
        return _resource(f"{item.machine_id}/backup", portal)
    return _resource(f"{item.vault.id}/{_LISTS[item.vault.kind]}", portal)


def vault_url(vault: Vault, portal: str) -> str:
    """A vault's first page."""
    return _resource(f"{vault.id}/overview", portal)


def jobs_url(vault: Vault, portal: str) -> str:
    """The list of a vault's jobs: the portal has no address for a single one."""
    return _resource(f"{vault.id}/backupJobs", portal)


def _resource(path: str, portal: str) -> str:
    return f"{portal}/#resource{quote(path)}"
