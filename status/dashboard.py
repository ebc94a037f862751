"""Every item's last fourteen days, worst first: the ledger's incidents laid over Resource Graph's backups.

Days are UTC. An incident stands on the day of its first failure, whenever it was closed.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from statistics import median

from backup_retry.domain.arm_ids import ProtectedItem, VaultKind, resource_group_of
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.protected_days import VaultDay
from backup_retry.domain.protection import Protection, unprotected
from backup_retry.domain.workloads import workload
from backup_retry.policy.compliance import Compliance, compliance
from backup_retry.policy.protection_state import Judgement, judged
from backup_retry.ports.protection_history import seen_since
from backup_retry.ports.reports import Closed, Opened, cares

DAYS = 14


class Mark(StrEnum):
    """What a day was for an item; the worst stand last."""

    NOTHING = "nothing"
    GOOD = "good"
    RECOVERED = "recovered"
    OPEN = "open"
    FAILED = "failed"


class Trouble(StrEnum):
    """How an item is now, worst first."""

    #: operators have been notified to act, whether its incident is closed or continues after that
    NEEDS_PERSON = "needs_person"
    OPEN = "open"
    #: a good recovery point is overdue and nothing is being done, or there never was one
    UNPROTECTED = "unprotected"
    #: it requires action, and somebody has said that it can wait
    ACKNOWLEDGED = "acknowledged"
    NONE = "none"


_TROUBLES = {trouble: index for index, trouble in enumerate(Trouble)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One item."""

    item: ProtectedItem
    #: one for each of the board's days
    marks: tuple[Mark, ...]
    trouble: Trouble
    last_good_at: datetime | None
    #: whether it is protected; None where that is not known: its vault has it no more, or Resource Graph is silent
    protection: Protection | None = None
    #: since when a good point is overdue; None: it is not
    overdue_since: datetime | None = None
    #: what tells it apart from others, such as master on sqlvm01; "" where Resource Graph has not said
    called: str = ""
    #: the resource group of the machine or whatever it is on; "" where it is not given it
    machine_group: str = ""
    #: the ARM id of what is backed up, where Resource Graph says it
    source_id: str = ""
    #: as Azure calls it; "" where Resource Graph has not said
    workload_name: str = ""
    #: the incident that is open
    opened: Opened | None = None
    #: its newest closed incident
    closed: Closed | None = None
    #: the newest incident that began on each day that had one
    incidents: Mapping[date, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What tells it apart from others: its name, with the server or account that holds it."""
        return self.called or self.item.named()

    @property
    def incident_id(self) -> str:
        """Its open incident's id, or its newest closed one's; "" where it has none."""
        newest = self.opened or self.closed
        return newest.incident_id if newest else ""

    @property
    def since(self) -> datetime | None:
        """When that incident began."""
        if self.opened:
            return self.opened.at
        return self.closed.first_failed_at if self.closed else None

    @property
    def error(self) -> str:
        """What its trouble is called; "" where it has none, or nobody has said it."""
        if self.opened:
            return self.opened.error
        return self.closed.last_error if self.closed and self.trouble is not Trouble.NONE else ""

    @property
    def workload(self) -> str:
        """What kind of thing it is, in a person's words."""
        return label(self.item, self.workload_name)


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day of the trend."""

    day: date
    #: incidents that began
    failures: int
    #: incidents that began on this day and that a retry resolved
    recovered: int
    #: seconds from the first failure to the incident's end, of those that a retry resolved
    median_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept of protection from day to day."""

    days: Sequence[VaultDay] = ()
    compliance: Compliance = field(default_factory=Compliance)

    @classmethod
    def of(cls, days: Sequence[VaultDay], today: date) -> "Kept":
        """What the kept days say."""
        return cls(days=days, compliance=compliance(days, today))


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """Everything that the page is about, at one moment."""

    #: oldest first
    days: tuple[date, ...]
    #: worst first
    rows: tuple[Row, ...]
    trend: tuple[Day, ...]
    #: the incidents that were closed in these days, newest first
    closed: tuple[Closed, ...]
    subscriptions: Mapping[str, str]
    #: seconds from the first failure to the end, over all days
    median_seconds: float | None
    #: False: Resource Graph has not answered, only what failed is known
    estate_known: bool
    #: how many items are in each state of protection
    protections: Mapping[Protection, int] = field(default_factory=dict)
    #: the vaults whose policies are not known, by their keys, with why
    policies_unread: Mapping[str, str] = field(default_factory=dict)
    #: on how many of the promised days there was a good point
    compliance: Compliance = field(default_factory=Compliance)

    @property
    def unprotected(self) -> int | None:
        """How many items are unprotected now; None while that is not known."""
        return unprotected(self.protections) if self.estate_known else None


def build(
    now: datetime,
    estate: Estate | None,
    opened: Sequence[Opened],
    closed: Sequence[Closed],
    kept: Kept | None = None,
) -> Dashboard:
    """Lay everything over everything."""
    over = {each.incident_id for each in closed}
    # The index still has a closed incident while its notice waits: whether that has gone makes nothing open.
    opened = [each for each in opened if each.incident_id not in over]
    days = tuple(_day(now) - timedelta(days=back) for back in reversed(range(DAYS)))
    known, history = estate or Estate(), kept or Kept()
    states = judged(known, cares(opened, closed, seen_since(known, history.days)), now)
    backups = {each.item.key: each for each in known.items}
    running = {each.item.key: each for each in opened}
    ended: dict[str, list[Closed]] = defaultdict(list)
    for each in closed:
        ended[each.item.key].append(each)
    keys = {**backups, **running, **ended}
    rows = [
        _row(days, backups.get(key), running.get(key), ended.get(key, ()), states.get(key)) for key in keys
    ]
    return Dashboard(
        days=days,
        rows=tuple(sorted(rows, key=_worst_first)),
        trend=_trend(days, opened, closed),
        closed=tuple(sorted(closed, key=lambda each: each.closed_at, reverse=True)),
        subscriptions=known.subscriptions,
        median_seconds=_median(closed),
        estate_known=estate is not None,
        protections=Counter(each.state for each in states.values()),
        policies_unread=known.policies_unread,
        compliance=history.compliance,
    )


def label(item: ProtectedItem, workload_name: str = "") -> str:
    """What kind of thing an item is; where that is not given, its name in a Recovery Services vault begins with it."""
    if item.is_vault:
        return "Vault"
    if workload_name:
        return workload(workload_name).label
    if item.vault.kind is VaultKind.BACKUP:
        return "Backup instance"
    return workload(item.name.split(";", 1)[0]).label


def _row(
    days: Sequence[date],
    backups: Backups | None,
    opened: Opened | None,
    closed: Sequence[Closed],
    judgement: Judgement | None,
) -> Row:
    some = backups or opened or closed[0]
    by_age = sorted(closed, key=lambda each: each.closed_at)
    newest = by_age[-1] if by_age else None
    last_good = _latest(backups.last_good_at if backups else None, *(each.last_good_at for each in closed))
    marks = _marks(days, backups, opened, by_age, last_good)
    incidents = {_day(each.first_failed_at): each.incident_id for each in by_age}
    if opened:
        incidents[_day(opened.at)] = opened.incident_id
    return Row(
        item=some.item,
        marks=marks,
        trouble=_trouble(opened, newest, last_good, judgement),
        last_good_at=last_good,
        protection=judgement.state if judgement else None,
        overdue_since=judgement.missed.since if judgement and judgement.missed else None,
        called=backups.full_name if backups else "",
        machine_group=backups.machine_group if backups else resource_group_of(some.item.machine_id),
        source_id=backups.source_id if backups else "",
        workload_name=backups.workload if backups else "",
        opened=opened,
        closed=newest,
        incidents=incidents,
    )


def _marks(
    days: Sequence[date],
    backups: Backups | None,
    opened: Opened | None,
    closed: Sequence[Closed],
    last_good: datetime | None,
) -> tuple[Mark, ...]:
    marks = {day: _backup_mark(day, backups) for day in days} if backups else {}
    for each in closed:
        day = _day(each.first_failed_at)
        mark = _incident_mark(each, last_good)
        if each.outcome is not Outcome.LEFT_ALONE or marks.get(day, Mark.NOTHING) is Mark.NOTHING:
            marks[day] = mark
    if opened:
        marks[_day(opened.at)] = Mark.OPEN
    return tuple(marks.get(day, Mark.NOTHING) for day in days)


def _backup_mark(day: date, backups: Backups) -> Mark:
    if day in backups.bad:
        return Mark.RECOVERED if day in backups.good else Mark.FAILED
    return Mark.GOOD if day in backups.good else Mark.NOTHING


def _incident_mark(closed: Closed, last_good: datetime | None) -> Mark:
    """Failed, unless it recovered, or somebody made a good recovery point on the same day."""
    mended = (
        last_good is not None
        and last_good > closed.first_failed_at
        and _day(last_good) == _day(closed.first_failed_at)
    )
    return Mark.RECOVERED if closed.outcome.recovered or mended else Mark.FAILED


def _trouble(
    opened: Opened | None, closed: Closed | None, last_good: datetime | None, judgement: Judgement | None
) -> Trouble:
    if opened:
        return Trouble.NEEDS_PERSON if opened.told else Trouble.OPEN
    if (
        closed
        and closed.outcome.needs_a_person
        and (last_good is None or last_good <= closed.first_failed_at)
    ):
        return Trouble.ACKNOWLEDGED if closed.acknowledged else Trouble.NEEDS_PERSON
    return Trouble.UNPROTECTED if judgement and judgement.state.is_missed else Trouble.NONE


def _worst_first(row: Row) -> tuple[int, int, int, str]:
    failed = sum(index + 1 for index, mark in enumerate(row.marks) if mark in {Mark.FAILED, Mark.OPEN})
    recovered = sum(mark is Mark.RECOVERED for mark in row.marks)
    return (_TROUBLES[row.trouble], -failed, -recovered, row.item.friendly_name.casefold())


def _trend(days: Sequence[date], opened: Iterable[Opened], closed: Sequence[Closed]) -> tuple[Day, ...]:
    by_day: dict[date, list[Closed]] = defaultdict(list)
    for each in closed:
        by_day[_day(each.first_failed_at)].append(each)
    still_open = Counter(_day(each.at) for each in opened)
    return tuple(
        Day(
            day=day,
            failures=len(by_day[day]) + still_open[day],
            recovered=sum(each.outcome is Outcome.RECOVERED for each in by_day[day]),
            median_seconds=_median(by_day[day]),
        )
        for day in days
    )


def _median(closed: Iterable[Closed]) -> float | None:
    times = [
        (each.closed_at - each.first_failed_at).total_seconds()
        for each in closed
        if each.outcome is Outcome.RECOVERED
    ]
    return median(times) if times else None


def _latest(*times: datetime | None) -> datetime | None:
    return max((each for each in times if each is not None), default=None)


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
