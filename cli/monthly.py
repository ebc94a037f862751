"""A month in numbers, by vault and cause: values in, values out."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.decisions import Outcome
from backup_retry.domain.estate import Backups
from backup_retry.domain.incident import Incident
from backup_retry.ports.reports import Closed
from cli.exit_codes import UsageError

_DECEMBER = 12
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month (UTC)."""

    begins: datetime
    ends: datetime

    def __str__(self) -> str:
        return f"{self.begins:%Y-%m}"

    @classmethod
    def read(cls, text: str, now: datetime) -> "Month":
        """The month that --month names, or the last one that is over.

        Raises:
            UsageError: it is none, or has not begun.
        """
        try:
            first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC) if text else _before(now)
        except ValueError:
            raise UsageError(f"--month {text!r} is not a month such as 2026-11.") from None
        if first > now:
            raise UsageError(f"--month {text} has not begun.")
        return cls(begins=first, ends=_next(first))

    def days(self, now: datetime, longest: timedelta) -> Sequence[date]:
        """The days on which what failed in it may have been closed."""
        last = min(self.ends + longest, now).date()
        first = self.begins.date()
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """What became of the failures of one vault and cause, or of several."""

    failures: int = 0
    by_retry: int = 0
    by_another: int = 0
    needed_a_person: int = 0
    #: opted out, cancelled, only evaluated in a dry run
    no_action: int = 0
    still_open: int = 0
    #: from a failure to the next good recovery point that is known, within the month
    unprotected: timedelta = timedelta(0)

    @property
    def without_a_person(self) -> int:
        """How many recovered without anybody."""
        return self.by_retry + self.by_another

    @property
    def points_added(self) -> int:
        """The recovery points that retries have made."""
        return self.by_retry

    @property
    def hours_unprotected(self) -> float:
        """To a tenth."""
        return round(self.unprotected / _HOUR, 1)

    def plus(self, other: "Numbers") -> "Numbers":
        """The sum."""
        return Numbers(**{name: value + getattr(other, name) for name, value in vars(self).items()})


@dataclass(frozen=True, kw_only=True)
class Line:
    """The failures of one vault with one cause."""

    vault: Vault
    cause: str
    numbers: Numbers


@dataclass(frozen=True, kw_only=True)
class Monthly:
    """The month, most failures first."""

    month: Month
    lines: Sequence[Line]

    @property
    def total(self) -> Numbers:
        """All of them."""
        return reduce(Numbers.plus, (line.numbers for line in self.lines), Numbers())


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """An incident, open or closed, as far as the report needs it."""

    item: ProtectedItem
    cause: str
    failed_at: datetime
    outcome: Outcome | None
    #: when the item had a good recovery point again, as far as its incident tells
    good_at: datetime | None


def monthly(
    month: Month,
    closed: Iterable[Closed],
    opened: Iterable[Incident],
    backups: Iterable[Backups],
    now: datetime,
) -> Monthly:
    """Sum up what failed in the month; `backups` holds the recovery points that no incident knows of."""
    failures = [*map(_of_closed, closed), *map(_of_open, opened)]
    good = _good_points(failures, backups)
    by_item: dict[str, list[_Failure]] = defaultdict(list)
    for each in sorted(failures, key=lambda each: each.failed_at):
        by_item[each.item.key].append(each)
    lines: dict[tuple[str, str], Line] = {}
    for of_item in by_item.values():
        for each, following in zip(of_item, [*of_item[1:], None], strict=True):
            until = min(month.ends, now, *([following.failed_at] if following else []))
            numbers = _numbers(each, month, good[each.item.key], until)
            vault = each.item.vault
            known = lines.get((vault.key, each.cause))
            total = known.numbers.plus(numbers) if known else numbers
            lines[vault.key, each.cause] = Line(vault=vault, cause=each.cause, numbers=total)
    found = [line for line in lines.values() if line.numbers != Numbers()]
    return Monthly(
        month=month,
        lines=sorted(found, key=lambda line: (-line.numbers.failures, line.vault.key, line.cause)),
    )


def _numbers(failure: _Failure, month: Month, good: Sequence[datetime], until: datetime) -> Numbers:
    """One failure's; of one from before the month only the hours that reach into it."""
    unprotected = _unprotected(failure, month, good, until)
    if not month.begins <= failure.failed_at < month.ends:
        return Numbers(unprotected=unprotected)
    return Numbers(
        failures=1,
        by_retry=int(failure.outcome is Outcome.RECOVERED),
        by_another=int(failure.outcome is Outcome.RECOVERED_ELSEWHERE),
        needed_a_person=int(failure.outcome is not None and failure.outcome.needs_a_person),
        no_action=int(failure.outcome is Outcome.LEFT_ALONE),
        still_open=int(failure.outcome is None),
        unprotected=unprotected,
    )


def _unprotected(failure: _Failure, month: Month, good: Sequence[datetime], until: datetime) -> timedelta:
    """From the failure to the next good point, within the month; a failed restore, or a vault, takes nobody's away."""
    if failure.item.restore_job or failure.item.is_vault:
        return timedelta(0)
    again = min((each for each in good if each > failure.failed_at), default=until)
    return max(min(again, until) - max(failure.failed_at, month.begins), timedelta(0))


def _good_points(failures: Sequence[_Failure], backups: Iterable[Backups]) -> Mapping[str, list[datetime]]:
    """When each item is known to have had a good recovery point."""
    found: dict[str, list[datetime]] = defaultdict(list)
    for failure in failures:
        found[failure.item.key] += [failure.good_at] if failure.good_at else []
    for each in backups:
        found[each.item.key] += [*each.good_hours, *([each.last_good_at] if each.last_good_at else [])]
    return found


def _of_closed(closed: Closed) -> _Failure:
    return _Failure(
        item=closed.item,
        cause=closed.error,
        failed_at=closed.first_failed_at,
        outcome=closed.outcome,
        good_at=closed.closed_at if closed.outcome.recovered else closed.last_good_at,
    )


def _of_open(incident: Incident) -> _Failure:
    return _Failure(
        item=incident.item,
        cause=incident.first_error.label,
        failed_at=incident.first_failed_at,
        outcome=None,
        good_at=incident.last_good_at,
    )


def _before(now: datetime) -> datetime:
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first - timedelta(days=1)).replace(day=1)


def _next(first: datetime) -> datetime:
    if first.month == _DECEMBER:
        return first.replace(year=first.year + 1, month=1)
    return first.replace(month=first.month + 1)
