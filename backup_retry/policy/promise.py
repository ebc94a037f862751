"""What a backup policy promises: how old a good recovery point may be before the next one is overdue."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from backup_retry.domain.schedule import BackupPolicy, Repeating
from backup_retry.domain.workloads import LOG, backup_rank

#: a backup may take its time, and one that failed may be retried: for so long it is not overdue
_LEAST_GRACE, _PART_OF_INTERVAL = timedelta(hours=2), 4
#: no policy of Azure's runs less often than once a week
_LONGEST_INTERVAL = timedelta(days=7)
#: runs are known so far back and ahead: what is older is overdue by any policy
_BACK, _AHEAD = timedelta(days=35), timedelta(days=15)
#: what runs more often counts by its interval alone: its runs would be too many
_OFTEN = timedelta(minutes=30)
#: kinds of backup as operations spell them; policies are kept by small letters
_KINDS = {"snapshotfull": "SnapshotFull", "copyonlyfull": "CopyOnlyFull"}
#: what a policy's schedules promise, by their worth
FULL_RANK, PART_RANK, LOG_RANK = (
    backup_rank("Backup"),
    backup_rank("Backup (Differential)"),
    backup_rank("Backup (Log)"),
)


@dataclass(frozen=True, kw_only=True)
class Promise:
    """One of a policy's schedules, with its runs around now; without runs it counts by its interval alone."""

    #: the kind of backup as an operation names it: "" for policies of one kind, else Full, Log …
    kind: str = ""
    runs: Sequence[datetime] = ()
    interval: timedelta = _LONGEST_INTERVAL

    @property
    def rank(self) -> int:
        """What its backups are worth."""
        return backup_rank(f"Backup ({self.kind})")

    def overdue_from(self, point: datetime) -> datetime:
        """When the point after this one is overdue: after the interval in which it lies, and a grace."""
        interval = self._interval_at(point)
        return point + interval + grace(interval)

    def first_overdue_from(self, since: datetime) -> datetime:
        """When a first point is overdue, of what is protected since then: after its first turn, and a grace."""
        place = bisect_right(self.runs, since)
        if place == len(self.runs):
            return self.overdue_from(since)
        first = self.runs[place]
        return first + grace(self._interval_at(first))

    def turn_after(self, point: datetime) -> datetime:
        """The turn that should have made the point after this one."""
        place = bisect_right(self.runs, point)
        return self.runs[place] if place < len(self.runs) else point + self.interval

    def _interval_at(self, point: datetime) -> timedelta:
        place = bisect_right(self.runs, point)
        if 0 < place < len(self.runs):
            return self.runs[place] - self.runs[place - 1]
        return self.interval


#: what the longest policy promises, for an item whose policy is unknown
UNKNOWN = (Promise(),)


def grace(interval: timedelta) -> timedelta:
    """A quarter of the interval, two hours at least."""
    return max(interval / _PART_OF_INTERVAL, _LEAST_GRACE)


def is_continuous(policy: BackupPolicy) -> bool:
    """True for a backup vault's policy without a backup rule: operational backups, which have no jobs."""
    return policy.rules is not None and not policy.rules


def promises(policy: BackupPolicy | None, now: datetime) -> Sequence[Promise]:
    """What the policy promises; nothing where its schedule is paused, a week where it is unknown."""
    if policy is None or policy.problem:
        return UNKNOWN
    kinds = ("",) if policy.schedules.get("") or policy.rules is not None else policy.schedules
    found = [_scheduled(policy, kind, now) for kind in kinds if policy.schedules.get(kind)]
    if policy.log_interval:
        found.append(Promise(kind=LOG, interval=policy.log_interval))
    return found


def _scheduled(policy: BackupPolicy, kind: str, now: datetime) -> Promise:
    often = [each for each in policy.schedules[kind] if isinstance(each, Repeating) and each.period < _OFTEN]
    if often:
        return Promise(kind=_KINDS.get(kind, kind.capitalize()), interval=max(each.period for each in often))
    runs = policy.runs(now - _BACK, now + _AHEAD, kind)
    gaps = [after - before for before, after in pairwise(runs)]
    promise = Promise(kind=_KINDS.get(kind, kind.capitalize()), runs=runs)
    return replace(promise, interval=max(gaps)) if gaps else promise
