"""The port to what is known of notices that could not be sent, and its in-memory fake."""

from dataclasses import dataclass
from typing import Protocol

from backup_retry.domain.unsent_notices import UnsentNotices


class UnsentStore(Protocol):
    """One summary, left by the follow-up. Every method raises AzureUnavailable when the store does not answer."""

    async def unsent(self) -> UnsentNotices | None:
        """What could not be sent; None where nothing waits, or where the summary cannot be read."""
        ...

    async def save_unsent(self, unsent: UnsentNotices | None) -> None:
        """Leave it for the next follow-up and for the page; None: everything was sent."""
        ...


@dataclass
class MemoryUnsentStore:
    """The summary in memory, for tests."""

    known: UnsentNotices | None = None

    async def unsent(self) -> UnsentNotices | None:
        """See UnsentStore."""
        return self.known

    async def save_unsent(self, unsent: UnsentNotices | None) -> None:
        """See UnsentStore."""
        self.known = unsent
