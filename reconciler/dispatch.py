"""A sweep whose findings other instances handle: it announces them, many in one event."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from backup_retry.domain.errors import in_words
from backup_retry.domain.failure_batches import MOST_FAILURES, Failure, batches
from backup_retry.ports.log_events import LogEvent, log_failure
from reconciler.sweep_report import SweepReport


class Announced(Protocol):
    """A finding."""

    @property
    def announced(self) -> Failure:
        """As an event's data says it."""
        ...


Found = TypeVar("Found", bound=Announced)


class Announcer(Protocol):
    """Where findings go."""

    async def announce(self, data: Mapping[str, Any]) -> None:
        """Send one `BackupRetry.FailureFound`; raises AzureUnavailable or AzureRefused when it may not have arrived."""
        ...


async def announce_all(
    found: AsyncIterator[Sequence[Found]],
    announcer: Announcer,
    report: SweepReport,
    defer: Callable[[Sequence[Found]], Awaitable[None]],
) -> None:
    """Announce what is found, vault by vault: one event's failures share what is read of their vaults.

    What cannot be announced is kept.
    """
    waiting: list[Found] = []
    async for of_vault in found:
        waiting += of_vault
        while len(waiting) >= MOST_FAILURES:
            await _announce(waiting[:MOST_FAILURES], announcer, report, defer)
            waiting = waiting[MOST_FAILURES:]
    await _announce(waiting, announcer, report, defer)


async def _announce(
    found: Sequence[Found],
    announcer: Announcer,
    report: SweepReport,
    defer: Callable[[Sequence[Found]], Awaitable[None]],
) -> None:
    left = found
    for data in batches([each.announced for each in found]):
        number = len(data["failures"])
        batch, left = left[:number], left[number:]
        try:
            await announcer.announce(data)
            report.decisions["announced"] += number
        except Exception as error:  # noqa: BLE001 (it ends this batch's turn and no other's)
            log_failure(LogEvent.ROW_FAILED, error, jobs=[each.announced["jobId"] for each in batch])
            report.problems.append(f"{number} failed jobs could not be announced: {in_words(error)}")
            await defer(batch)
        report.seen += number
