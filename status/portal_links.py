"""Addresses in the Azure portal."""

from urllib.parse import quote, urlsplit

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind

#: the portals of the sovereign clouds, by the host of their Resource Manager
_PORTALS = {
    "management.usgovcloudapi.net": "https://portal.azure.us",
    "management.chinacloudapi.cn": "https://portal.azure.cn",
}
_MACHINE = "/providers/microsoft.compute/virtualmachines/"
#: what a vault's own list of what it protects is called
_LISTS = {VaultKind.RECOVERY_SERVICES: "backupItems", VaultKind.BACKUP: "backupInstances"}


def portal(arm_endpoint: str) -> str:
    """The portal that belongs to a Resource Manager."""
    return _PORTALS.get(urlsplit(arm_endpoint).netloc.lower(), "https://portal.azure.com")


def item_url(item: ProtectedItem, arm_endpoint: str) -> str:
    """Where a person acts: the Backup page of a VM; of any other workload its vault's list of what it protects."""
    if item.is_vault:
        return vault_url(item.vault, arm_endpoint)
    if item.name.lower().startswith("vm;") and _MACHINE in item.machine_id:
        return _resource(f"{item.machine_id}/backup", arm_endpoint)
    return _resource(f"{item.vault.id}/{_LISTS[item.vault.kind]}", arm_endpoint)


def vault_url(vault: Vault, arm_endpoint: str) -> str:
    """A vault's first page."""
    return _resource(f"{vault.id}/overview", arm_endpoint)


def jobs_url(vault: Vault, arm_endpoint: str) -> str:
    """The list of a vault's jobs: the portal has no address for a single one."""
    return _resource(f"{vault.id}/backupJobs", arm_endpoint)


def _resource(path: str, arm_endpoint: str) -> str:
    return f"{portal(arm_endpoint)}/#resource{quote(path)}"
