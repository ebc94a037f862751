"""Vaults whose failures come by the sweep alone: somebody has switched their alerts off, or cut their way."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from backup_retry.domain.errors import BackupRetryError
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.policy.scope import Scope
from backup_retry.ports.arrivals import Arrivals, alerts_by_vault
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.reports import Reports, closed_since


@dataclass(frozen=True, kw_only=True)
class UnalertedVaults:
    """Compares what sweeps have found with what alerts have told, from the ledger alone."""

    reports: Reports
    arrivals: Arrivals
    scope: Scope
    clock: Callable[[], datetime]

    async def look(self) -> None:
        """Log each vault whose alerts are missing; where the ledger does not answer, tomorrow's sweep looks again."""
        now = self.clock().astimezone(UTC)
        try:
            closed = await closed_since(self.reports, now.date(), JOB_RETENTION.days)
            found = alerts_by_vault(await self.arrivals.all(), closed, now)
        except BackupRetryError as error:
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, problem=str(error))
            return
        for each in found:
            if each.are_missing and self.scope.allows_vault(each.vault):
                log_event(
                    LogEvent.ALERTS_MISSING,
                    level=logging.WARNING,
                    vault=each.vault.id,
                    failures=each.unalerted,
                    since=each.heard,
                    detail=each.sentence,
                )
