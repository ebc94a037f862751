"""Compliance: on how many of the days on which a policy promised a backup there was a good recovery point."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.protected_days import VaultDay, mark_of
from backup_retry.policy.promise import LOG_RANK, grace
from backup_retry.policy.protection_state import Judge
from backup_retry.policy.rules import JOB_RETENTION

#: over how many days it is counted
WINDOWS = (7, 14, 30)
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
#: a day is counted again for so long: a retry may still give it its point
_SETTLED_AFTER = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """On how many days there was a point, of how many that promised one."""

    kept: int = 0
    promised: int = 0

    @property
    def percent(self) -> float | None:
        """The share of the kept ones, rounded down: only what is whole is 100; None where nothing was promised."""
        return int(1000 * self.kept / self.promised) / 10 if self.promised else None

    @property
    def falls_short(self) -> bool:
        """True where a promised day had no good point."""
        return self.kept < self.promised

    def __add__(self, other: "Kept") -> "Kept":
        """Both together."""
        return Kept(kept=self.kept + other.kept, promised=self.promised + other.promised)


@dataclass(frozen=True, kw_only=True)
class Compliance:
    """What the kept days say, each by the number of days; `since` is the first of them, None where there is none."""

    since: date | None = None
    #: by a vault's key, then by an item's mark: a bit for each day back from yesterday, kept and promised
    bits: Mapping[str, Mapping[str, tuple[int, int]]] = field(default_factory=dict)

    def of_item(self, item: ProtectedItem) -> Mapping[int, Kept]:
        """An item's."""
        found = self.bits.get(item.vault.key, {}).get(mark_of(item))
        return _windows([found] if found else [])

    def of_vault(self, vault: Vault) -> Mapping[int, Kept]:
        """A vault's: of all its items together."""
        return _windows(self.bits.get(vault.key, {}).values())

    def of_subscription(self, subscription: str) -> Mapping[int, Kept]:
        """A subscription's: of all its vaults together."""
        begin = f"/subscriptions/{subscription.lower()}/"
        vaults = (each for key, each in self.bits.items() if key.startswith(begin))
        return _windows([each for vault in vaults for each in vault.values()])


def compliance(days: Sequence[VaultDay], today: date) -> Compliance:
    """What the kept days add up to; today is not over, and does not count."""
    found: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    counted = [each for each in days if 0 < (today - each.day).days <= max(WINDOWS)]
    for each in counted:
        bit, vault = 1 << ((today - each.day).days - 1), found[each.vault.key]
        for marks, kept in ((each.kept, bit), (each.missed, 0)):
            for mark in marks:
                before = vault.get(mark, (0, 0))
                vault[mark] = (before[0] | kept, before[1] | bit)
    return Compliance(since=min((each.day for each in counted), default=None), bits=found)


def days_to_keep(
    estate: Estate, known: Sequence[VaultDay], now: datetime, seen_since: Mapping[str, datetime]
) -> Sequence[VaultDay]:
    """The days to be stored: the last few again, and as far as Azure's jobs reach those that a vault has none of.

    `seen_since`: since when items without a recovery point are known, by their keys.
    """
    before = {(each.vault.key, each.day): each for each in known}
    found: list[VaultDay] = []
    for vault, items in _by_vault(estate, now, seen_since).items():
        for back in range(1, JOB_RETENTION // _DAY):
            day = now.astimezone(UTC).date() - back * _DAY
            earlier = before.get((vault.key, day))
            if earlier is None or back <= _SETTLED_AFTER:
                counted = _day_of(vault, items, day)
                found.append(counted.over(earlier) if earlier else counted)
    return found


@dataclass(frozen=True, kw_only=True, slots=True)
class _Item:
    """What a day has to know of an item."""

    backups: Backups
    judge: Judge
    mark: str
    #: the first day on which something shows that it was there
    first: date
    seen_since: datetime | None


def _by_vault(
    estate: Estate, now: datetime, seen_since: Mapping[str, datetime]
) -> Mapping[Vault, Sequence[_Item]]:
    judges: dict[str, Judge] = {}
    found: dict[str, list[_Item]] = defaultdict(list)
    for backups in estate.items:
        if backups.listed:
            if backups.policy_id not in judges:
                judges[backups.policy_id] = Judge.of(estate.policy_of(backups), now)
            since = seen_since.get(backups.item.key)
            each = _Item(
                backups=backups,
                judge=judges[backups.policy_id],
                mark=mark_of(backups.item),
                first=_first_day(backups, since),
                seen_since=since,
            )
            found[backups.item.vault.key].append(each)
    return {items[0].backups.item.vault: items for items in found.values()}


def _day_of(vault: Vault, items: Sequence[_Item], day: date) -> VaultDay:
    windows: dict[int, tuple[datetime, datetime] | None] = {}
    kept, missed = set(), set()
    for each in items:
        key = id(each.judge)
        if key not in windows:
            windows[key] = _window(each.judge, day)
        window = windows[key]
        if window is None or each.backups.stopped or day < each.first:
            continue
        if _has_point_in(each.backups, *window):
            kept.add(each.mark)
        elif window[1] <= each.judge.now:
            missed.add(each.mark)
    waiting = {each.mark: each.seen_since for each in items if each.seen_since is not None}
    return VaultDay(vault=vault, day=day, kept=frozenset(kept), missed=frozenset(missed), waiting=waiting)


def _window(judge: Judge, day: date) -> tuple[datetime, datetime] | None:
    """In which a day's point has to begin: from its first turn to its last one and a grace; None: it has no turn."""
    if not judge.known:
        return None
    begin = datetime.combine(day, time(), UTC)
    turns: list[tuple[datetime, timedelta]] = []
    for promise in judge.promises:
        if promise.rank != LOG_RANK:
            first, end = bisect_left(promise.runs, begin), bisect_left(promise.runs, begin + _DAY)
            turns += [(run, promise.interval) for run in promise.runs[first:end]]
    if not turns:
        return None
    last, interval = max(turns)
    return min(turns)[0], last + min(grace(interval), _DAY)


def _first_day(backups: Backups, seen_since: datetime | None) -> date:
    """The first day on which something shows it: a backup of any end, a point, or that it is known."""
    shown = [*backups.good, *backups.bad]
    times = (backups.point_at, backups.last_good_at, backups.configured_at, seen_since)
    shown += [each.astimezone(UTC).date() for each in times if each is not None]
    return min(shown, default=date.max)


def _has_point_in(backups: Backups, first: datetime, last: datetime) -> bool:
    """The hours are whole ones: one that begins within the first turn's may have begun before it by minutes."""
    hours = backups.good_hours
    if bisect_left(hours, first - _HOUR) < bisect_right(hours, last):
        return True
    return any(at is not None and first <= at <= last for at in (backups.point_at, backups.last_good_at))


def _windows(bits: Iterable[tuple[int, int]]) -> Mapping[int, Kept]:
    known = list(bits)
    return {
        window: Kept(
            kept=sum((kept & (1 << window) - 1).bit_count() for kept, _ in known),
            promised=sum((promised & (1 << window) - 1).bit_count() for _, promised in known),
        )
        for window in WINDOWS
    }
