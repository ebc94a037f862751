"""Where an item is, in so many words that two of one name are told apart."""

from collections import defaultdict
from collections.abc import Mapping

from backup_retry.domain.arm_ids import ProtectedItem, Vault, resource_group_of
from status.dashboard import Dashboard, Row


class Places:
    """Names of vaults and subscriptions; a subscription is named where there are several."""

    def __init__(self, dashboard: Dashboard) -> None:
        self._subscriptions: Mapping[str, str] = dashboard.subscriptions
        vaults = {row.item.vault.key: row.item.vault for row in dashboard.rows}
        self._several = len({each.subscription.lower() for each in vaults.values()}) > 1
        by_name: dict[str, set[str]] = defaultdict(set)
        for each in vaults.values():
            by_name[each.name.lower()].add(each.key)
        self._ambiguous = {name for name, keys in by_name.items() if len(keys) > 1}
        self.vaults = vaults

    def subscription(self, subscription_id: str) -> str:
        """A subscription's name, or its id where the name is not given."""
        return self._subscriptions.get(subscription_id.lower(), subscription_id)

    def vault(self, vault: Vault) -> str:
        """A vault's name; of several of one name, with its resource group and subscription."""
        if vault.name.lower() not in self._ambiguous:
            return vault.name
        return f"{vault.name} ({vault.resource_group}, {self.subscription(vault.subscription)})"

    def is_ambiguous(self, vault: Vault) -> bool:
        """True where another vault has the same name."""
        return vault.name.lower() in self._ambiguous

    def row(self, row: Row) -> str:
        """Where a row's item is, and what it is."""
        return self.item(row.item, row.workload, row.machine_group)

    def item(self, item: ProtectedItem, workload: str, machine_group: str = "") -> str:
        """Vault, workload, the resource group of its machine, subscription; what is not known is left out."""
        machine_group = machine_group or resource_group_of(item.machine_id)
        several = self._several and not self.is_ambiguous(item.vault)
        named = (
            self.vault(item.vault),
            workload,
            machine_group if machine_group.lower() != item.vault.resource_group.lower() else "",
            self.subscription(item.vault.subscription) if several else "",
        )
        return " · ".join(filter(None, named))
