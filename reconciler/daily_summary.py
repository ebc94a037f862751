"""The daily summary: one event a day with what recovered, what requires action, and whether the sweeps run."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from backup_retry.domain.decisions import Outcome
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.incident_notices import of_day
from backup_retry.domain.notices import Notice
from backup_retry.ports.ledger import Controls
from backup_retry.ports.log_events import LogEvent, log_event
from backup_retry.ports.publisher import Publisher
from backup_retry.ports.reports import Closed, Reports, closed_since
from backup_retry.settings.settings import Settings
from backup_retry.settings.timer_status import timers

#: by then a night and its sweep are over, in UTC
_FROM = time(7)
_DAY = timedelta(days=1)
#: so many nights in a row without a recovery are no passing matter
_CHRONIC_NIGHTS = 3
_LISTED = 50
#: the heartbeat of the last one
SUMMARY_BEAT = "daily-summary"


@dataclass(frozen=True, kw_only=True)
class Unsent:
    """A summary that the topic did not take."""

    notice: Notice
    answer: str


@dataclass(frozen=True, kw_only=True)
class DailySummary:
    """Tells the day in numbers, once a day; one that could not be sent is sent by the next follow-up."""

    reports: Reports
    controls: Controls
    settings: Settings
    clock: Callable[[], datetime]
    publisher: Publisher | None

    async def send(self, opened: Sequence[Incident]) -> Unsent | None:
        """Send it where it is due; `opened` are the incidents that are open now. Returns what may not have arrived.

        Raises:
            AzureUnavailable, AzureRefused: the ledger does not answer.
        """
        now = self.clock().astimezone(UTC)
        last = await self.controls.last_beat(SUMMARY_BEAT)
        if now.time() < _FROM or (last is not None and last.date() >= now.date()):
            return None
        data = await self._data([each for each in opened if each.is_open], now)
        log_event(LogEvent.DAILY_SUMMARY, **{_snake(name): value for name, value in data.items()})
        if self.publisher is not None:
            summary = of_day(data, now)
            try:
                await self.publisher.publish([summary])
            except (AzureUnavailable, AzureRefused) as error:
                log_event(LogEvent.NOTICE_UNSENT, level=logging.WARNING, problem=str(error))
                # It is made again with each try; it waits since it was due, the very first one since now.
                due = datetime.combine(now, _FROM, UTC) if last else now
                return Unsent(notice=replace(summary, at=due), answer=str(error))
        await self.controls.beat(SUMMARY_BEAT, now)
        return None

    async def _data(self, opened: Sequence[Incident], now: datetime) -> dict[str, Any]:
        closed = await closed_since(self.reports, now.date(), _CHRONIC_NIGHTS + 1)
        today = [each.at(now) for each in closed if now - each.closed_at < _DAY]
        waiting = _needing_action([each for each in opened if not each.is_acknowledged(now)], today)
        health = await self.reports.health()
        found = timers(self.settings, health.beats, now)
        return {
            "day": f"{now:%Y-%m-%d}",
            "recovered": sum(each.outcome.recovered for each in today),
            "byUs": sum(each.outcome is Outcome.RECOVERED for each in today),
            "needsAction": len(waiting),
            "chronic": len(_chronic(closed, now)),
            "open": len(opened),
            "unprotected": health.protection.unprotected if health.protection else None,
            "overdue": health.protection.overdue if health.protection else None,
            "items": waiting[:_LISTED],
            "sweeps": [
                {
                    "name": each.label,
                    "state": each.state.value,
                    "last": each.last.isoformat() if each.last else None,
                }
                for each in found
                if each.label != "follow-up"
            ],
        }


def _needing_action(opened: Sequence[Incident], today: Sequence[Closed]) -> list[str]:
    """The items that wait for a person: each item's newest incident counts."""
    newest = {each.item.key: each for each in sorted(today, key=lambda each: each.closed_at)}
    told = [each.item.id for each in opened if each.told_of]
    open_keys = {each.item.key for each in opened}
    ended = [each.item.id for key, each in newest.items() if each.needs_a_person and key not in open_keys]
    return sorted([*told, *ended])


def _chronic(closed: Sequence[Closed], now: datetime) -> set[str]:
    """The items whose retries were exhausted in each of the last nights."""
    nights = [
        {
            each.item.key
            for each in closed
            if each.outcome is Outcome.EXHAUSTED and (now - each.closed_at) // _DAY == back
        }
        for back in range(_CHRONIC_NIGHTS)
    ]
    return set.intersection(*nights)


def _snake(name: str) -> str:
    """A field's name as the log has it."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
