"""Gathers what the page shows: the ledger and Resource Graph are read in the background, the controls at once."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.estate import Estate
from backup_retry.domain.pauses import Pause
from backup_retry.domain.unsent_notices import UnsentNotices
from backup_retry.policy.compliance import WINDOWS
from backup_retry.policy.scope import Scope
from backup_retry.policy.storm import Storm
from backup_retry.ports.arrivals import Arrivals, VaultAlerts, alerts_by_vault
from backup_retry.ports.estate import EstateReader
from backup_retry.ports.inbox import COUNTED, Inbox, Waiting
from backup_retry.ports.ledger import Controls
from backup_retry.ports.protection_history import ProtectionHistory
from backup_retry.ports.reports import Closed, Reports
from backup_retry.ports.unreadable_rows import UnreadableRow, Unreadables
from backup_retry.ports.unsent_notices import UnsentStore
from status import dashboard
from status.background_refresh import BackgroundRefresh, Reading
from status.dashboard import Dashboard, Kept, Row

#: the ledger is cheap to read where little has happened, Resource Graph counts its queries
_LEDGER_FRESH_FOR = timedelta(seconds=2)
_ESTATE_FRESH_FOR = timedelta(minutes=3)
#: it changes once a day
_HISTORY_FRESH_FOR = timedelta(minutes=10)
#: how long a board waits for Resource Graph before it is made without it
_ESTATE_PATIENCE = 3.0
#: a worker whose clock is behind may still write into a day that is over
_DAY_SETTLES_AFTER = timedelta(hours=1)
_DAYS_AT_ONCE = 2
_NO_STORM_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Made:
    """A board, and how far Resource Graph was known when it was made."""

    dashboard: Dashboard
    #: the signals that nobody has processed yet
    waiting: Waiting
    #: the rows that nobody can read
    unreadable: Sequence[UnreadableRow]
    #: when the alerts of each vault last arrived, those with missing ones first
    alerts: Sequence[VaultAlerts]
    estate_at: datetime | None
    estate_problem: str
    #: True when Resource Graph was still being read
    estate_pending: bool = False


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """One look at everything."""

    now: datetime
    made: Made | None
    #: when the ledger was read for it
    read_at: datetime | None
    #: why the ledger could not be read again
    problem: str
    #: every heartbeat by its name
    beats: Mapping[str, datetime]
    pauses: Sequence[Pause]
    storms: Sequence[Storm]
    #: the notices that could not be sent; None: there are none
    unsent: UnsentNotices | None = None


class SnapshotReader:
    """Makes the board, and keeps it while the next one is being made."""

    def __init__(
        self,
        *,
        reports: Reports,
        inbox: Inbox,
        unreadables: Unreadables,
        unsent: UnsentStore,
        arrivals: Arrivals,
        controls: Controls,
        estate: EstateReader,
        history: ProtectionHistory,
        scope: Scope,
        clock: Callable[[], datetime],
    ) -> None:
        self._reports = reports
        self._inbox = inbox
        self._unreadables = unreadables
        self._unsent = unsent
        self._arrivals = arrivals
        self._controls = controls
        self._reader = estate
        self._history = history
        self._scope = scope
        self._clock = clock
        self._days: dict[date, Sequence[Closed]] = {}
        self._estate: BackgroundRefresh[Estate] = BackgroundRefresh(
            self._read_estate, clock, _ESTATE_FRESH_FOR
        )
        self._kept: BackgroundRefresh[Kept] = BackgroundRefresh(self._read_history, clock, _HISTORY_FRESH_FOR)
        self._made: BackgroundRefresh[Made] = BackgroundRefresh(self._make, clock, _LEDGER_FRESH_FOR)

    async def snapshot(self, patience: float) -> Snapshot:
        """What is known by now; waits at most so many seconds for the newest of it.

        Raises AzureUnavailable when the ledger does not answer for the controls.
        """
        made, beats, pauses, storms, unsent = await asyncio.gather(
            self._made.get(patience),
            self._reports.beats(),
            self._controls.pauses(),
            self._reports.storms(),
            self._unsent.unsent(),
        )
        if made.value and made.value.estate_pending and not made.pending:
            self._made.hurry()
        now = self._clock()
        return Snapshot(
            now=now,
            made=made.value,
            read_at=made.at,
            problem=made.problem,
            beats=beats,
            pauses=[each for each in pauses if not each.is_over(now)],
            storms=[
                each for each in storms if each.released_at is None and now - each.began_at < _NO_STORM_AFTER
            ],
            unsent=unsent,
        )

    def row(self, item: ProtectedItem) -> Row | None:
        """What the last board says about an item; nothing is read for it."""
        made = self._made.last
        rows = made.dashboard.rows if made else ()
        return next((row for row in rows if row.item.key == item.key), None)

    async def close(self) -> None:
        """Stop reading."""
        await self._made.close()
        await self._estate.close()
        await self._kept.close()

    async def _make(self) -> Made:
        now = self._clock().astimezone(UTC)
        today = now.date()
        opened, closed, waiting, arrived, estate, kept = await asyncio.gather(
            self._reports.opened(),
            self._closed(today),
            self._inbox.waiting(COUNTED),
            self._arrivals.all(),
            self._estate.get(_ESTATE_PATIENCE),
            self._kept.get(_ESTATE_PATIENCE),
        )
        unreadable = await self._unreadables.found()
        # In a thread: ten thousand items take a while, and others are waiting for this loop.
        made = await asyncio.to_thread(
            dashboard.build,
            now,
            estate.value,
            opened,
            [each.at(now) for each in closed],
            kept.value or Kept(),
        )
        problem, pending = _why(estate), estate.pending and estate.value is None
        return Made(
            dashboard=made,
            waiting=waiting,
            unreadable=unreadable,
            alerts=[
                each for each in alerts_by_vault(arrived, closed, now) if self._scope.allows_vault(each.vault)
            ],
            estate_at=estate.at,
            estate_problem=problem,
            estate_pending=pending,
        )

    async def _closed(self, today: date) -> list[Closed]:
        """The journal of the board's days; days that are over are read once."""
        days = [today - timedelta(days=back) for back in range(dashboard.DAYS)]
        at_once = asyncio.Semaphore(_DAYS_AT_ONCE)

        async def read(day: date) -> Sequence[Closed]:
            async with at_once:
                return self._days[day] if day in self._days else await self._reports.closed(day)

        found = dict(zip(days, await asyncio.gather(*(read(day) for day in days)), strict=True))
        settled = (self._clock() - _DAY_SETTLES_AFTER).astimezone(UTC).date()
        self._days = {day: closed for day, closed in found.items() if day < settled}
        return [each for closed in found.values() for each in closed]

    async def _read_history(self) -> Kept:
        today = self._clock().astimezone(UTC).date()
        days = await self._history.days(today - timedelta(days=max(WINDOWS)))
        return await asyncio.to_thread(Kept.of, days, today)

    async def _read_estate(self) -> Estate:
        return await self._reader.read(self._clock() - timedelta(days=dashboard.DAYS))


def _why(estate: Reading[Estate]) -> str:
    if estate.problem or estate.value is not None:
        return estate.problem
    return "Resource Graph has not answered yet"
