"""What the adapters of both vault types read once for many: lists of jobs, items, policies."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from backup_retry.azure.client import NOT_UNDERSTOOD, azure_errors, said_by
from backup_retry.azure.json_fields import Fields, id_of, name_of, properties_of
from backup_retry.azure.listing import ListTooLong, Reading
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Forbidden, NotFound
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import Job, JobList
from backup_retry.domain.schedule import BackupPolicy

T = TypeVar("T")
#: reads a list on, and what has been read of it again where that may have changed
Read = Callable[[Reading], Awaitable[None]]

#: how long a list of a vault's jobs, or of its items, is kept for those whom it still satisfies
_LIST_TTL = timedelta(minutes=1)
_MOST_SINGLE_ITEMS = 2
#: for how long a list rests that has many pages or more than one look has time for, whoever asks and however often
_PAUSE = timedelta(minutes=1)
_MANY_PAGES = 10
#: unfinished lists; each holds its jobs
_MOST_UNFINISHED = 2
#: whoever needs an unfinished list asks more often
_FORGOTTEN = timedelta(hours=1)


@dataclass(frozen=True)
class _Known:
    since: datetime
    read_at: datetime
    #: the list, or the no that Azure gave instead
    answer: JobList | AzureRefused
    #: how many pages that took
    pages: int = 0

    def serves(self, since: datetime, fresh_since: datetime) -> bool:
        """True for a caller who needs nothing earlier and nothing newer; a vault that is blocked is so for all."""
        if isinstance(self.answer, AzureRefused):
            return isinstance(self.answer, Forbidden | NotFound) and self.read_at > fresh_since
        return self.since <= since and self.read_at >= fresh_since


class SharedLists:
    """A vault's jobs: one request per vault at a time; those who come while it runs share the next one."""

    def __init__(self, clock: Callable[[], datetime], *, read: Read, freshen: Read) -> None:
        self._clock = clock
        self._read_on, self._freshen = read, freshen
        self._listed: dict[str, _Known] = {}
        self._unfinished: dict[str, Reading] = {}
        #: how far back somebody has asked who was told to come again
        self._asked_for: dict[str, datetime] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, vault: Vault, since: datetime, fresh_since: datetime) -> JobList:
        """The jobs that started at `since` or later, read at `fresh_since` or later.

        Raises:
            ListTooLong: there are too many for one look; the next one reads on.
        """
        lock = self._locks.setdefault(vault.key, asyncio.Lock())
        async with lock:
            known = self._listed.get(vault.key)
            if known is None or known.read_at > self._clock() or not known.serves(since, fresh_since):
                known = await self._read(vault, since)
        if isinstance(known.answer, AzureRefused):
            raise known.answer
        return known.answer

    async def _read(self, vault: Vault, since: datetime) -> _Known:
        now = self._clock()
        self._forget_old(now)
        reading = self._begun(vault, since, now)
        answer: JobList | AzureRefused
        try:
            await self._finish(reading)
            answer = JobList(read_at=now, jobs=reading.jobs, unread=list(reading.unread.values()))
        except AzureRefused as error:
            answer = error
        except (AzureUnavailable, asyncio.CancelledError) as error:
            self._leave(reading, now, error)
            raise
        self._unfinished.pop(vault.key, None)
        self._listed[vault.key] = known = _Known(reading.since, now, answer, reading.taken)
        return known

    async def _finish(self, reading: Reading) -> None:
        if not reading.done:
            await self._read_on(reading)
        if reading.paused_at is not None:
            await self._freshen(reading)

    def _begun(self, vault: Vault, since: datetime, now: datetime) -> Reading:
        """The list as far as it has been read, if that serves, or a new one."""
        reading, known = self._unfinished.get(vault.key), self._listed.get(vault.key)
        last = (
            reading.paused_at if reading else known.read_at if known and known.pages > _MANY_PAGES else None
        )
        if last is not None and _is_within(_PAUSE, last, now):
            self._asked_for[vault.key] = min(since, self._asked_for.get(vault.key, since))
            raise ListTooLong(
                f"jobs of vault {vault.name}: too many jobs to read at once; the next attempt continues"
            )
        if reading is None or reading.since > since:
            return Reading(vault=vault, since=min(since, self._asked_for.pop(vault.key, since)))
        return reading

    def _leave(self, reading: Reading, now: datetime, why: AzureUnavailable | asyncio.CancelledError) -> None:
        """Keep what has been read where more of it would come to an end; what failed otherwise begins again."""
        self._unfinished.pop(reading.vault.key, None)
        if isinstance(why, asyncio.CancelledError):  # whoever asked had no more time
            goes_on = reading.taken > _MANY_PAGES
        else:
            goes_on = isinstance(why, ListTooLong) or why.retry_after is not None
        if goes_on and self._has_room(now):
            reading.leave(now)
            self._unfinished[reading.vault.key] = reading

    def _has_room(self, now: datetime) -> bool:
        """Whoever was first keeps its place until its list is read, or nobody asks for it: all come to their turn."""
        left = [key for key, each in self._unfinished.items() if now - (each.paused_at or now) > _FORGOTTEN]
        for key in left:
            del self._unfinished[key]
        return len(self._unfinished) < _MOST_UNFINISHED

    def _forget_old(self, now: datetime) -> None:
        old = [key for key, known in self._listed.items() if now - known.read_at > _LIST_TTL]
        for key in old:
            del self._listed[key]


def _is_within(period: timedelta, at: datetime, now: datetime) -> bool:
    """True for a time less than a period ago; one that lies ahead is of a clock that has been set back since."""
    return timedelta(0) <= now - at < period


async def read_again(
    read: Callable[[Vault, str], Awaitable[Job]], vault: Vault, job_ids: Sequence[str]
) -> list[Job]:
    """These jobs as they are by now; one that its vault shows no more is left as it was."""
    found: list[Job] = []
    for job_id in job_ids:
        with suppress(NotFound):
            found.append(await read(vault, job_id))
    return found


async def read_policies(
    rows: AsyncIterable[object], read: Callable[[Fields], BackupPolicy]
) -> Mapping[str, BackupPolicy]:
    """The policies in a vault's list, by their lower-cased names; one that cannot be understood costs itself."""
    found: dict[str, BackupPolicy] = {}
    async for row in rows:
        try:
            policy = read(properties_of(row))
        except NOT_UNDERSTOOD as error:
            policy = BackupPolicy(problem=said_by(error))
        found[name_of(row).lower()] = policy
    return found


class CachedReads(Generic[T]):
    """What changes rarely: one request per key and period."""

    def __init__(self, clock: Callable[[], datetime], ttl: timedelta) -> None:
        self._clock = clock
        self._ttl = ttl
        self._read: dict[str, tuple[datetime, T]] = {}
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, key: str, read: Callable[[], Awaitable[T]], ttl: timedelta | None = None) -> T:
        """What `read` gives, at most so old."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            known = self._read.get(key)
            if known is None or self._clock() - known[0] >= (ttl or self._ttl):
                known = (self._clock(), await read())
                self._read[key] = known
            return known[1]


@dataclass
class _Items:
    """One vault's items."""

    #: when each was asked for last
    asked: dict[str, datetime] = field(default_factory=dict)
    #: when all were listed; None: not recently
    listed_at: datetime | None = None
    states: Mapping[str, ItemState] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def forget_old(self, now: datetime) -> None:
        self.asked = {key: at for key, at in self.asked.items() if now - at < _LIST_TTL}
        if self.listed_at is not None and not _is_within(_LIST_TTL, self.listed_at, now):
            self.listed_at, self.states = None, {}


class SharedItems:
    """The protection of a vault's items: one by one, or all by one list where three are asked for in a minute.

    Where few reads are left the first is read by the list, since others may follow.
    """

    def __init__(
        self,
        clock: Callable[[], datetime],
        reads_are_low: Callable[[Vault], bool],
        *,
        list_all: Callable[[Vault], Awaitable[Sequence[object]]],
        read: Callable[[Fields], ItemState],
    ) -> None:
        self._clock = clock
        self._reads_are_low = reads_are_low
        self._list_all, self._read = list_all, read
        self._items: dict[str, _Items] = {}

    async def is_listed(self, item: ProtectedItem) -> bool:
        """Whether the vault's list, read now, shows an item that it answers 404 for."""
        rows = await self._list_all(item.vault)
        async with azure_errors(f"items of vault {item.vault.name}"):
            return any(id_of(each).lower() == item.key for each in rows)

    async def state(self, item: ProtectedItem) -> ItemState | None:
        """The item's state, at most a minute old, from a list; None: it has to be read by itself."""
        self._forget_old(self._clock())
        items = self._items.setdefault(item.vault.key, _Items())
        async with items.lock:
            now = self._clock()  # whoever has waited here may find what was read in the meantime too old
            items.forget_old(now)
            items.asked[item.key] = now
            most = 0 if self._reads_are_low(item.vault) else _MOST_SINGLE_ITEMS
            if items.listed_at is None and len(items.asked) > most:
                try:
                    items.states, items.listed_at = self._states(await self._list_all(item.vault)), now
                except (AzureRefused, AzureUnavailable):
                    # whoever may not list, or gets no list now, may still read: that is another action
                    items.listed_at = self._clock()
            return items.states.get(item.key)

    def _states(self, rows: Sequence[object]) -> Mapping[str, ItemState]:
        """The listed items by their keys; one that cannot be understood is left to be read by itself."""
        states: dict[str, ItemState] = {}
        for row in rows:
            with suppress(*NOT_UNDERSTOOD):
                states[id_of(row).lower()] = self._read(properties_of(row))
        return states

    def _forget_old(self, now: datetime) -> None:
        for key, items in [*self._items.items()]:
            if not items.lock.locked() and all(now - at >= _LIST_TTL for at in items.asked.values()):
                del self._items[key]
