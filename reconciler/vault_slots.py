"""Work on many vaults at once, without one slow or throttled subscription holding up the others."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backup_retry.domain.arm_ids import Vault

_AT_ONCE = 64
_OF_A_SUBSCRIPTION = 4


class VaultSlots:
    """A few vaults of each subscription at once: those that wait for their subscription take nobody's place."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(_AT_ONCE)
        self._slots: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(_OF_A_SUBSCRIPTION))

    @asynccontextmanager
    async def of(self, vault: Vault) -> AsyncIterator[None]:
        """Hold a place for work on the vault."""
        async with self._slots[vault.subscription.lower()], self._all:
            yield
