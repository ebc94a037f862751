"""Addresses in the Azure portal."""

from urllib.parse import quote, urlsplit

from backup_retry.domain.arm_ids import ProtectedItem

#: the portals of the sovereign clouds, by the host of their Resource Manager
_PORTALS = {
    "management.usgovcloudapi.net": "https://portal.azure.us",
    "management.chinacloudapi.cn": "https://portal.azure.cn",
}


def portal(arm_endpoint: str) -> str:
    """The portal that belongs to a Resource Manager."""
    return _PORTALS.get(urlsplit(arm_endpoint).netloc.lower(), "https://portal.azure.com")


def item_url(item: ProtectedItem, arm_endpoint: str) -> str:
    """The Backup page of the protected machine; of another item, its vault's list of backup items."""
    path = f"{item.machine_id}/backup" if item.machine_id else f"{item.vault.id}/backupItems"
    return f"{portal(arm_endpoint)}/#resource{quote(path)}"
