"""Whether an item is protected: its last recovery point against what its policy promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from backup_retry.domain.estate import Backups, Estate
from backup_retry.domain.protection import Protection
from backup_retry.domain.schedule import BackupPolicy
from backup_retry.policy.promise import FULL_RANK, LOG_RANK, Promise, is_continuous, promises
from backup_retry.policy.rules import JOB_RETENTION

#: a backup that runs for longer is no longer on its way
_LONGEST_WAY = timedelta(days=1)
#: states in which operational backups are not made
_IN_TROUBLE = frozenset({"protectionerror", "configuringprotectionfailed", "invalid", "notprotected"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Care:
    """What is being done about an item, as the ledger knows it."""

    #: an incident of it is open
    is_open: bool = False
    #: operators have been notified while it is open, and have not answered yet
    needs_a_person: bool = False
    #: when what operators were notified of last first failed; None: no notice was sent
    told_of: datetime | None = None
    #: since when it is known to be protected, where it has no recovery point
    seen_since: datetime | None = None


_NO_CARE = Care()


@dataclass(frozen=True, kw_only=True, slots=True)
class Missed:
    """A backup that a policy promised and that has not come."""

    #: the schedule that promised it
    promise: Promise
    #: the last recovery point of that kind; None: there is none
    point: datetime | None
    #: the turn that should have made it, and since when it is overdue
    turn: datetime
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """An item's state, and what makes it so."""

    state: Protection
    missed: Missed | None = None


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Judges the items of one policy at one moment: what the policy promises is worked out once."""

    now: datetime
    known: bool
    continuous: bool
    promises: Sequence[Promise]

    @classmethod
    def of(cls, policy: BackupPolicy | None, now: datetime) -> "Judge":
        """Of a policy; None: unknown, so that only what no policy allows counts as overdue."""
        return cls(
            now=now,
            known=policy is not None and not policy.problem,
            continuous=policy is not None and is_continuous(policy),
            promises=promises(policy, now),
        )

    def state(self, backups: Backups, care: Care) -> Judgement:
        """The state of an item."""
        if backups.stopped:
            return Judgement(state=Protection.STOPPED)
        if self.continuous:
            in_trouble = backups.state.lower() in _IN_TROUBLE
            return Judgement(state=Protection.OVERDUE if in_trouble else Protection.CONTINUOUS)
        if not self.promises:
            return Judgement(state=Protection.STOPPED)
        missed = self.missed(backups, care.seen_since)
        return Judgement(state=self._state(backups, care, missed), missed=missed)

    def _state(self, backups: Backups, care: Care, missed: Missed | None) -> Protection:
        last = missed.point if missed else backups.last_good_at
        if care.is_open:
            return Protection.ACTION_REQUIRED if care.needs_a_person else Protection.IN_PROGRESS
        if care.told_of is not None and (last is None or last <= care.told_of):
            return Protection.ACTION_REQUIRED
        if missed is None:
            return Protection.PROTECTED if backups.last_good_at else Protection.IN_PROGRESS
        if self._is_running(backups):
            return Protection.IN_PROGRESS
        return Protection.OVERDUE if backups.last_good_at else Protection.NEVER

    def missed(self, backups: Backups, seen_since: datetime | None = None) -> Missed | None:
        """The backup that has been missing for longest; None where all that is promised is there, or is not due yet."""
        found = [self._missed(each, backups, seen_since) for each in self.promises]
        return min((each for each in found if each is not None), key=lambda each: each.since, default=None)

    def _missed(self, promise: Promise, backups: Backups, seen_since: datetime | None) -> Missed | None:
        if backups.last_good_at is None:
            return self._first_missed(promise, backups.configured_at or seen_since)
        point = self._point(promise, backups)
        # One that no job of all that Azure keeps has made is older than they are.
        from_ = point or self.now - JOB_RETENTION
        since = promise.overdue_from(from_)
        if not self.known and self._ended_badly(backups):
            since = min(since, self.now)
        if since > self.now:
            return None
        return Missed(promise=promise, point=point, turn=promise.turn_after(from_), since=since)

    def _first_missed(self, promise: Promise, protected_since: datetime | None) -> Missed | None:
        """The first backup, which is a full one: not before its first turn is over, and not where that is unknown."""
        if protected_since is None or promise.rank != FULL_RANK:
            return None
        since = promise.first_overdue_from(protected_since)
        turn = promise.turn_after(protected_since)
        return Missed(promise=promise, point=None, turn=turn, since=since) if since <= self.now else None

    def _point(self, promise: Promise, backups: Backups) -> datetime | None:
        """The last recovery point for the promise; a log backup counts for no other, unless no job at all is known."""
        has_log = any(each.rank == LOG_RANK for each in self.promises)
        of_jobs = (backups.last_full_at, None if promise.rank == FULL_RANK else backups.last_part_at)
        jobs_are_known = bool(backups.good or backups.bad)
        any_counts = promise.rank == LOG_RANK or not has_log or not jobs_are_known
        said = (backups.point_at, backups.last_good_at) if any_counts else ()
        return max((each for each in (*of_jobs, *said) if each is not None), default=None)

    def _is_running(self, backups: Backups) -> bool:
        return backups.running_since is not None and self.now - backups.running_since < _LONGEST_WAY

    @staticmethod
    def _ended_badly(backups: Backups) -> bool:
        """True where the newest backup failed: without a policy it is unknown whether the next one has time."""
        bad, good = backups.last_bad_at, backups.last_good_at
        return bad is not None and (good is None or good < bad)


def judged(estate: Estate, cares: Mapping[str, Care], now: datetime) -> dict[str, Judgement]:
    """Every item of the estate that its vault has, by its key; `cares` has what is being done about some of them."""
    judges: dict[str, Judge] = {}
    found: dict[str, Judgement] = {}
    for each in estate.items:
        if not each.listed:
            continue
        judge = judges.get(each.policy_id)
        if judge is None:
            judge = judges[each.policy_id] = Judge.of(estate.policy_of(each), now)
        found[each.item.key] = judge.state(each, cares.get(each.item.key, _NO_CARE))
    return found
