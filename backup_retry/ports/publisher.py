"""The port through which notices go out, and its in-memory fake."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.notices import Notice


class Publisher(Protocol):
    """Where notices go."""

    async def publish(self, notices: Sequence[Notice]) -> None:
        """Send them all; raises AzureUnavailable or AzureRefused when they may not have arrived."""
        ...


@dataclass
class MemoryPublisher:
    """A topic in memory, for tests: keeps what arrives, fails while told to."""

    sent: list[Notice] = field(default_factory=list)
    error: BackupRetryError | None = None

    async def publish(self, notices: Sequence[Notice]) -> None:
        """See Publisher."""
        if self.error is not None:
            raise self.error
        self.sent.extend(notices)
