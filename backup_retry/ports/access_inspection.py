"""The port to what surrounds the app: identity, permissions, vaults' settings, tables, topic; and its fake."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Protocol

from backup_retry.domain.arm_ids import Vault, VaultKind

_ITEMS = "backupFabrics/protectionContainers/protectedItems"
_RIGHTS = {
    VaultKind.RECOVERY_SERVICES: (
        "read",
        "backupJobs/read",
        "backupProtectedItems/read",
        "backupPolicies/read",
        f"{_ITEMS}/read",
        f"{_ITEMS}/backup/action",
        f"{_ITEMS}/operationsStatus/read",
    ),
    VaultKind.BACKUP: (
        "read",
        "backupJobs/read",
        "backupPolicies/read",
        "backupInstances/read",
        "backupInstances/backup/action",
        "operationStatus/read",
    ),
}
#: what the app's role has to allow on a vault of each kind: the part of infra/bicep/backup-actions.json that it decides
VAULT_RIGHTS = {kind: tuple(f"{kind}/{right}" for right in rights) for kind, rights in _RIGHTS.items()}


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Whose token Azure is shown."""

    #: the object id, by which roles are assigned
    object_id: str
    #: a person's sign-in name or an app's client id
    name: str


@dataclass(frozen=True, kw_only=True)
class FoundVault:
    """A vault that the identity sees."""

    vault: Vault
    #: Enabled, Disabled, or "" where the vault does not say, which is not the same as Disabled
    failure_alerts: str


@dataclass(frozen=True, kw_only=True)
class Permission:
    """What one role assignment allows; * represents anything, as in a role's definition."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()

    def allows(self, action: str) -> bool:
        """True when the action is among the allowed ones and not taken out again."""
        return _matches(action, self.actions) and not _matches(action, self.not_actions)


def missing_rights(kind: VaultKind, permissions: Sequence[Permission]) -> Sequence[str]:
    """Which permissions the app lacks on a vault of that kind."""
    return [right for right in VAULT_RIGHTS[kind] if not any(each.allows(right) for each in permissions)]


class Inspection(Protocol):
    """Looks without changing or triggering anything; raises AzureRefused and AzureUnavailable as the vaults do."""

    async def whoami(self) -> Identity:
        """Whose token Azure is shown."""
        ...

    async def vaults(self) -> Sequence[FoundVault]:
        """The vaults of both kinds that the identity sees in the configured subscriptions."""
        ...

    async def permissions(self, vault: Vault) -> Sequence[Permission]:
        """What the identity may do in a vault."""
        ...

    async def missing_tables(self) -> Sequence[str]:
        """Which of the ledger's tables do not exist; raises when they cannot be read."""
        ...

    async def topic(self) -> None:
        """Return when the topic answers at all; raises AzureUnavailable when it does not."""
        ...


@dataclass
class MemoryInspection:
    """Surroundings in memory, for tests; an error is raised instead of returned."""

    identity: Identity | Exception = Identity(object_id="object-1", name="admin@example.org")
    found: list[FoundVault] = field(default_factory=list)
    #: by a vault's key; a vault that is not named here allows everything
    allowed: dict[str, Sequence[Permission] | Exception] = field(default_factory=dict)
    absent_tables: Sequence[str] | Exception = ()
    topic_error: Exception | None = None

    async def whoami(self) -> Identity:
        """See Inspection."""
        if isinstance(self.identity, Exception):
            raise self.identity
        return self.identity

    async def vaults(self) -> Sequence[FoundVault]:
        """See Inspection."""
        return self.found

    async def permissions(self, vault: Vault) -> Sequence[Permission]:
        """See Inspection."""
        answer = self.allowed.get(vault.key, [Permission(actions=("*",))])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def missing_tables(self) -> Sequence[str]:
        """See Inspection."""
        if isinstance(self.absent_tables, Exception):
            raise self.absent_tables
        return self.absent_tables

    async def topic(self) -> None:
        """See Inspection."""
        if self.topic_error is not None:
            raise self.topic_error


def _matches(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)
