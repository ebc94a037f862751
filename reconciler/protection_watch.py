"""Looks, once a day, whether each item is protected: what is missing becomes an incident, and the day is kept.

Resource Graph's items and each vault's policies are all that is asked; an incident is only stored here, and the
follow-up processes it, like any other.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backup_retry.domain.errors import BackupRetryError, in_words
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.jobs import Source
from backup_retry.domain.missed import MissedBackups
from backup_retry.domain.protected_days import ProtectionCount
from backup_retry.engine.engine import Engine
from backup_retry.policy.compliance import WINDOWS, days_to_keep
from backup_retry.policy.missed import failure_of
from backup_retry.policy.protection_state import Judgement, judged
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.estate import EstateReader
from backup_retry.ports.log_events import LogEvent, log_event, log_failure
from backup_retry.ports.protection_history import ProtectionHistory, seen_since
from backup_retry.ports.reports import Reports, cares, closed_since

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class ProtectionWatch:
    """Judges the estate as the status page does, and acts on it."""

    estate: EstateReader
    reports: Reports
    history: ProtectionHistory
    engine: Engine
    missed_backups: MissedBackups
    clock: Callable[[], datetime]

    async def look(self) -> list[str]:
        """Judge, note what is missing, keep the day; returns what could not be done, and why."""
        now = self.clock().astimezone(UTC)
        try:
            estate = await self.estate.read(now - JOB_RETENTION)
            since = await self._keep_days(estate, now)
            states = await self._judge(estate, since, now)
        except BackupRetryError as error:
            return [f"The protection state of the items cannot be determined: {in_words(error)}"]
        for vault, why in estate.policies_unread.items():
            log_event(LogEvent.POLICY_UNREAD, level=logging.WARNING, vault=vault, problem=why)
        return [*estate.problems, *await self._note(estate, states, now)]

    async def _keep_days(self, estate: Estate, now: datetime) -> Mapping[str, datetime]:
        """Keep the days, and since when items without a point are known; new ones are from now on."""
        first = now.date() - max(WINDOWS) * _DAY
        known = await self.history.days(first)
        without = [each.item.key for each in estate.items if each.listed and each.last_good_at is None]
        since = dict.fromkeys(without, now) | seen_since(estate, known)
        # In a thread, as below: ten thousand items take a while, and others are waiting for this loop.
        await self.history.keep(await asyncio.to_thread(days_to_keep, estate, known, now, since))
        await self.history.forget(first)
        return since

    async def _judge(
        self, estate: Estate, since: Mapping[str, datetime], now: datetime
    ) -> Mapping[str, Judgement]:
        """Every item's state, counted for health, summary and workbook."""
        closed = await closed_since(self.reports, now.date(), JOB_RETENTION.days)
        known = cares(await self.reports.opened(), closed, since)
        states = await asyncio.to_thread(judged, estate, known, now)
        count = ProtectionCount(at=now, states=Counter(each.state for each in states.values()))
        await self.history.count(count)
        numbers = {"unprotected": count.unprotected, "overdue": count.overdue}
        states_of_log = {state.value: number for state, number in count.states.items()}
        log_event(LogEvent.PROTECTION_COUNTED, **numbers, states=states_of_log)
        return states

    async def _note(self, estate: Estate, states: Mapping[str, Judgement], now: datetime) -> list[str]:
        if self.missed_backups is MissedBackups.OFF:
            return []
        problems: list[str] = []
        for backups in estate.items:
            judgement = states.get(backups.item.key)
            if judgement is not None and _is_to_be_noted(judgement, now):
                problems += await self._note_one(backups, judgement, now)
        return problems

    async def _note_one(self, backups: Backups, judgement: Judgement, now: datetime) -> list[str]:
        """Whatever goes wrong with one item ends its turn and no other's."""
        if judgement.missed is None:
            return []
        try:
            await self.engine.note(failure_of(backups, judgement.missed, now), Source.SWEEP)
        except Exception as error:  # noqa: BLE001 (that is what it is for)
            log_failure(LogEvent.ROW_FAILED, error, items=[backups.item.id])
            return [f"{backups.full_name}: {in_words(error)}"]
        return []


def _is_to_be_noted(judgement: Judgement, now: datetime) -> bool:
    """Not where only a failed backup indicates it, as its policy is unknown: then it is missing since just now."""
    return judgement.state.is_missed and judgement.missed is not None and judgement.missed.since < now
