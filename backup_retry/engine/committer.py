"""Saves changes: ledger first, then the log, then the notices."""

import logging
from dataclasses import replace

from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.journal import READ_BY_RULES
from backup_retry.engine.teller import Teller
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.ports.ledger import Ledger
from backup_retry.ports.log_events import LogEvent, line_of, log_event, log_line


class Committer:
    """The one way to the ledger: what is saved is logged, and what is to be told is told, now or later."""

    def __init__(self, ledger: Ledger, teller: Teller, *, has_log: bool = True) -> None:
        """`has_log`: alert rules read what this process logs; else the next follow-up writes their lines."""
        self.ledger = ledger
        self._teller = teller
        self._has_log = has_log

    async def save(self, work: UnitOfWork) -> Incident | None:
        """Store a change; None when another worker was first."""
        work.incident = self._teller.with_what_it_tells(work.incident)
        kept = [
            line_of(work.incident, step, is_quiet=work.is_quiet)
            for step in work.steps
            if step.kind in READ_BY_RULES
        ]
        saved = await self.ledger.save(work.incident.with_lines(*kept), work.steps, work.job_id)
        if saved is None:
            log_event(LogEvent.RACE_LOST, item=work.incident.item.id, incident=work.incident.id)
            return None
        for step in work.steps:
            if step.kind not in READ_BY_RULES:
                log_line(line_of(saved, step, is_quiet=work.is_quiet))
        return await self.tell(saved)

    async def tell(self, incident: Incident, *, sends: bool = True) -> Incident:
        """Write the log lines and send the notices that are left; what cannot be told now waits for a follow-up.

        `sends`: False where the topic has refused them recently, so that only the lines are written.
        """
        left = self._logged(incident)
        left = await self._sent(left) if sends else left
        if left == incident:
            return incident
        try:
            return await self.ledger.told(incident, left)
        except (AzureUnavailable, AzureRefused) as error:
            _log_unsent(incident, error)
            return incident

    def _logged(self, incident: Incident) -> Incident:
        if not self._has_log:
            return incident
        for line in incident.lines:
            log_line(line)
        return incident.without_lines()

    async def _sent(self, incident: Incident) -> Incident:
        """Where nobody reads the log, what calls a person is left to the next follow-up: its line is the mail."""
        going = [each for each in incident.notices if self._has_log or not each.kind.calls_a_person]
        if not going:
            return incident
        try:
            await self._teller.tell(going)
        except (AzureUnavailable, AzureRefused) as error:
            _log_unsent(incident, error)
            return incident
        return replace(incident, notices=tuple(each for each in incident.notices if each not in going))


def _log_unsent(incident: Incident, error: Exception) -> None:
    log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, incident=incident.id, problem=str(error))
