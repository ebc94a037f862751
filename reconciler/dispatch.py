"""A sweep whose findings other instances handle: it announces them, many in one event."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from backup_retry.domain.errors import BackupRetryError
from backup_retry.domain.failure_batches import MOST_FAILURES, Failure, batches
from reconciler.sweep_report import SweepReport


class Announcer(Protocol):
    """Where findings go."""

    async def announce(self, data: Mapping[str, Any]) -> None:
        """Send one `BackupRetry.FailureFound`; raises AzureUnavailable or AzureRefused when it may not have arrived."""
        ...


async def announce_all(
    found: AsyncIterator[Sequence[Failure]], announcer: Announcer, report: SweepReport
) -> None:
    """Announce what is found, vault by vault: one event's failures share what is read of their vaults."""
    waiting: list[Failure] = []
    async for of_vault in found:
        waiting += of_vault
        while len(waiting) >= MOST_FAILURES:
            await _announce(waiting[:MOST_FAILURES], announcer, report)
            waiting = waiting[MOST_FAILURES:]
    await _announce(waiting, announcer, report)


async def _announce(failures: Sequence[Failure], announcer: Announcer, report: SweepReport) -> None:
    for data in batches(failures):
        number = len(data["failures"])
        try:
            await announcer.announce(data)
            report.decisions["announced"] += number
        except BackupRetryError as error:
            report.problems.append(f"{number} failed jobs could not be announced: {error}")
        report.seen += number
