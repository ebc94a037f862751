"""Saves changes: ledger first, then the log, then the notices."""

import logging

from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.engine.teller import Teller
from backup_retry.engine.unit_of_work import UnitOfWork
from backup_retry.ports.ledger import Ledger
from backup_retry.ports.log_events import LogEvent, log_event, log_step


class Committer:
    """The one way to the ledger: what is saved is logged, and what is to be told is told, now or later."""

    def __init__(self, ledger: Ledger, teller: Teller) -> None:
        self.ledger = ledger
        self._teller = teller

    async def save(self, work: UnitOfWork) -> Incident | None:
        """Store a change; None when another worker was first."""
        work.incident = self._teller.with_what_it_tells(work.incident)
        saved = await self.ledger.save(work.incident, work.steps, work.job_id)
        if saved is None:
            log_event(LogEvent.RACE_LOST, item=work.incident.item.id, incident=work.incident.id)
            return None
        for step in work.steps:
            log_step(saved, step)
        return await self.send_notices(saved)

    async def send_notices(self, incident: Incident) -> Incident:
        """Send what is left to tell; an outage of the topic leaves it with the incident for the next follow-up."""
        if not incident.notices:
            return incident
        try:
            await self._teller.tell(incident.notices)
            return await self.ledger.notices_sent(incident)
        except (AzureUnavailable, AzureRefused) as error:
            log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, incident=incident.id, problem=str(error))
            return incident
