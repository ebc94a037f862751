"""Which subscriptions, resource groups, vaults and workloads this app may touch."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from backup_retry.domain.arm_ids import ProtectedItem, Vault, resource_group_of

REFUSE = "!"


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names that are allowed or, with a leading "!", refused; * and ? are wildcards.

    Nothing named: all are allowed. Only refusals named: all others are allowed.
    """

    patterns: tuple[str, ...] = ()

    def allow(self, candidates: Iterable[str]) -> bool:
        """True when one of a thing's names is allowed and none is refused."""
        names = [name.casefold() for name in candidates]
        allowed = [each for each in self._lowered if not each.startswith(REFUSE)]
        refused = [each.removeprefix(REFUSE) for each in self._lowered if each.startswith(REFUSE)]
        return (not allowed or _any_match(names, allowed)) and not _any_match(names, refused)

    @property
    def _lowered(self) -> Sequence[str]:
        return [pattern.casefold() for pattern in self.patterns]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """The four kinds of names; a thing has to pass all of them."""

    subscriptions: Names = Names()
    resource_groups: Names = Names()
    vaults: Names = Names()
    workloads: Names = Names()

    def allows_subscription(self, subscription: str) -> bool:
        """True when this app may make calls about the subscription at all."""
        return self.subscriptions.allow([subscription])

    def allows_vault(self, vault: Vault) -> bool:
        """True when this app may process the vault."""
        return self.allows_subscription(vault.subscription) and self.vaults.allow([vault.name])

    def why_not(self, item: ProtectedItem, workload: str, source_id: str) -> str:
        """Why an item is outside the scope, or "" when it is inside.

        A resource group is the vault's or the protected resource's: one that is allowed is enough, one that is refused
        is too much. While the resource is not known (source_id is ""), it is unknown that neither is allowed.
        """
        vault = item.vault
        if not self.allows_subscription(vault.subscription):
            return f"subscription {vault.subscription} is outside SCOPE_SUBSCRIPTIONS"
        if not self.vaults.allow([vault.name]):
            return f"vault {vault.name} is outside SCOPE_VAULTS"
        group = resource_group_of(source_id)
        if source_id and not self.resource_groups.allow([vault.resource_group, group]):
            return f"resource group {group} is outside SCOPE_RESOURCE_GROUPS"
        if not self.workloads.allow([workload]):
            return f"workload {workload} is outside SCOPE_WORKLOADS"
        return ""


def _any_match(names: Sequence[str], patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names if name for pattern in patterns)
