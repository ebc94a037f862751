"""The ports to the vaults that are ours to care about, and their fake.

What Resource Graph shows is not all of them: it hides a vault on which the app has lost its role, and says nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backup_retry.domain.arm_ids import Vault


class KnownVaults(Protocol):
    """Which vaults are in scope. Raises AzureUnavailable when that is unknown."""

    async def knows(self, vault: Vault) -> bool:
        """True for a vault that the ledger or Resource Graph has shown, and not only an alert."""
        ...


@dataclass(frozen=True, kw_only=True)
class SeenVault:
    """A vault that Resource Graph has shown to a sweep."""

    vault: Vault
    #: when a sweep missed it and Azure refused to show it, too; None: it is there
    gone_since: datetime | None = None


class SeenVaults(Protocol):
    """The vaults that sweeps have seen. Raises AzureUnavailable when the ledger does not answer."""

    async def shown(self) -> Sequence[Vault]:
        """Every vault that Resource Graph shows now; raises AzureRefused where it did not answer for all."""
        ...

    async def seen(self) -> Sequence[SeenVault]:
        """What is remembered of earlier sweeps."""
        ...

    async def remember(self, vaults: Sequence[SeenVault]) -> None:
        """Remember these, or what has changed of them."""
        ...

    async def forget(self, vault: Vault) -> None:
        """It was removed long ago."""
        ...


@dataclass
class MemoryKnownVaults:
    """Both ports in memory, for tests: Resource Graph shows `vaults`."""

    vaults: set[Vault] = field(default_factory=set)
    remembered: dict[str, SeenVault] = field(default_factory=dict)

    async def knows(self, vault: Vault) -> bool:
        """See KnownVaults."""
        return vault.key in self.remembered or any(each.key == vault.key for each in self.vaults)

    async def shown(self) -> Sequence[Vault]:
        """See SeenVaults."""
        return sorted(self.vaults, key=lambda vault: vault.key)

    async def seen(self) -> Sequence[SeenVault]:
        """See SeenVaults."""
        return list(self.remembered.values())

    async def remember(self, vaults: Sequence[SeenVault]) -> None:
        """See SeenVaults."""
        self.remembered |= {each.vault.key: each for each in vaults}

    async def forget(self, vault: Vault) -> None:
        """See SeenVaults."""
        self.remembered.pop(vault.key, None)
