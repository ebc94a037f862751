"""The port that reads the estate: items, their backups, and the policies by which they are judged; and its fake."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.estate import Estate
from backup_retry.domain.schedule import BackupPolicy


class EstateReader(Protocol):
    """Reads the estate; no call for each item, and one for each vault's policies."""

    async def read(self, since: datetime) -> Estate:
        """Every item in scope, with its backups since then; raises BackupRetryError where it is unknown.

        What could not be had, a part of the subscriptions or a vault's policies, the estate says.
        """
        ...


class Policies(Protocol):
    """Where a vault's policies come from; raises AzureRefused and AzureUnavailable as the vaults do."""

    async def policies(self, vault: Vault) -> Mapping[str, BackupPolicy]:
        """The vault's policies by their lower-cased names, read within the last hour."""
        ...


@dataclass
class MemoryPolicies:
    """Policies in memory, for tests."""

    #: by a vault's key
    shown: dict[str, Mapping[str, BackupPolicy]] = field(default_factory=dict)
    error: BackupRetryError | None = None

    async def policies(self, vault: Vault) -> Mapping[str, BackupPolicy]:
        """See Policies."""
        if self.error is not None:
            raise self.error
        return self.shown.get(vault.key, {})


@dataclass
class MemoryEstate:
    """An estate in memory, for tests."""

    estate: Estate = field(default_factory=Estate)
    error: BackupRetryError | None = None

    async def read(self, since: datetime) -> Estate:
        """See EstateReader."""
        del since
        if self.error is not None:
            raise self.error
        return self.estate
