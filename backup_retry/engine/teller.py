"""Notifies operators: one message for one cause, and no message lost.

A notice that calls a person goes at once where it is the first of its cause (its vault and code); the others of the
next hours wait in the ledger and go together, with the next follow-up after the window's end. Whoever stores the
cause's row first has its message, and whoever finds that message unsent sends it again under the same id.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from backup_retry.domain.arm_ids import subject_of
from backup_retry.domain.causes import opened_by_digest, opened_by_first
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, RowUnreadable
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import digest
from backup_retry.domain.notices import Notice
from backup_retry.ports.causes import Causes
from backup_retry.ports.ledger import Ledger
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher

#: that many items are named in a log line
_NAMED = 10


class Teller:
    """Sends what is to be told, now or with the rest of its cause."""

    def __init__(
        self,
        *,
        causes: Causes,
        ledger: Ledger,
        publisher: Publisher | None,
        clock: Callable[[], datetime],
        pages: str = "",
    ) -> None:
        self._causes = causes
        self._ledger = ledger
        self._publisher = publisher
        self._clock = clock
        #: the address below which the status page is; "": unknown
        self._pages = pages
        #: what the topic answered last, where it did not take the notices; "": it took them
        self.refusal = ""

    def with_what_it_tells(self, incident: Incident) -> Incident:
        """The incident without notices that nobody would get: of those, people hear by the log."""
        if self._publisher is not None:
            return incident
        return replace(incident, notices=tuple(each for each in incident.notices if each.kind.calls_a_person))

    async def tell(self, notices: Sequence[Notice]) -> None:
        """Send each, or keep it for its cause's digest: either way its incident need not keep it any more.

        Raises:
            AzureUnavailable, AzureRefused: they may not have arrived, and have to be told again.
        """
        going = []
        for notice in notices:
            if not notice.kind.calls_a_person or await self._has_the_message(notice):
                going.append(notice)
            else:
                await self._causes.hold(notice)
        await self._send(going)

    async def send_digests(self) -> Sequence[Notice]:
        """Send what has waited for the end of its cause's window; returns what is left to the next follow-up."""
        by_cause: dict[str, list[Notice]] = defaultdict(list)
        for notice in await self._causes.held():
            by_cause[notice.cause].append(notice)
        left: list[Notice] = []
        for key, notices in by_cause.items():
            try:
                await self._send_digest(key, notices)
            except (AzureUnavailable, AzureRefused) as error:
                log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, cause=key, problem=str(error))
                left += notices
        return left

    async def _has_the_message(self, notice: Notice) -> bool:
        """True for the one message that a cause has in its window; of two workers one may open it."""
        while True:
            seen, now = await self._causes.cause(notice.cause), self._clock()
            if seen is not None and (seen.lets_go(notice) or not seen.is_forgotten(now)):
                return seen.lets_go(notice)
            if await self._causes.save_cause(opened_by_first(notice, seen, now)) is not None:
                return True

    async def _send_digest(self, key: str, notices: Sequence[Notice]) -> None:
        seen, now = await self._causes.cause(key), self._clock()
        if seen is None or seen.is_over(now):
            seen = await self._causes.save_cause(opened_by_digest(key, seen, now))
        due = [each for each in notices if seen is not None and seen.goes_together(each)]
        told = [each for each in due if not await self._is_settled(each, now)]
        await self._send([digest(told, now)] if len(told) > 1 else told)
        await self._causes.release(due)

    async def _is_settled(self, notice: Notice, now: datetime) -> bool:
        """True where the item has recovered while the notice waited, or somebody has acknowledged it."""
        item = subject_of(str(notice.data.get("itemId")))
        if item is None:
            return False
        with suppress(RowUnreadable):
            incident = (await self._ledger.load(item)).incident
            if incident is not None:
                has_recovered = incident.outcome is not None and incident.outcome.recovered
                return has_recovered or incident.is_acknowledged(now)
        return False

    async def _send(self, notices: Sequence[Notice]) -> None:
        """A line of the log for whoever is to be mailed, which does not depend on the topic; then the topic."""
        linked = [self._linked(notice) for notice in notices]
        for notice in linked:
            if notice.kind.calls_a_person:
                _log(notice)
        if not linked or self._publisher is None:
            return
        try:
            await self._publisher.publish(linked)
        except (AzureUnavailable, AzureRefused) as error:
            self.refusal = str(error)
            raise
        self.refusal = ""

    def _linked(self, notice: Notice) -> Notice:
        """The notice with the address of its incident's page; a digest's is the page of its vault."""
        incident, vault = notice.data.get("incidentId"), notice.data.get("vaultId")
        if not self._pages or not (incident or vault):
            return notice
        page = f"incidents/{incident}" if incident else f"status?vault={quote(str(vault), safe='')}"
        return replace(notice, data={**notice.data, "link": f"{self._pages}/{page}"})


def _log(notice: Notice) -> None:
    said = notice.data
    log_event(
        LogEvent.NOTICE_GIVEN,
        level=logging.WARNING,
        kind=notice.kind,
        notice=notice.id,
        incident=said.get("incidentId"),
        item=_named(notice),
        items=said.get("items", 1),
        vault=said.get("vaultId"),
        error=said.get("error"),
        reason=said.get("reason"),
        remedy=said.get("remedy"),
        link=said.get("link", ""),
    )


def _named(notice: Notice) -> str:
    """The item's name, or the first names of a digest's items."""
    ids = [each["itemId"] for each in notice.data.get("incidents", ())] or [notice.data.get("itemId")]
    names = [item.friendly_name for each in ids[:_NAMED] if (item := subject_of(str(each)))]
    return ", ".join(names) + (" …" if len(ids) > _NAMED else "")
