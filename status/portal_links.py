"""Addresses in the Azure portal."""

from urllib.parse import quote

from backup_retry.domain.arm_ids import ProtectedItem


def item_url(item: ProtectedItem, portal: str) -> str:
    """The Backup page of the protected machine; of another item, its vault's list of backup items."""
    path = f"{item.machine_id}/backup" if item.machine_id else f"{item.vault.id}/backupItems"
    return f"{portal}/#resource{quote(path)}"
