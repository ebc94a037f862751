"""What an item's incident remembers of those before it: a repeated failure that operators know is no news."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: after so many nights whose retries were all exhausted, more than one retry a night has proved useless
_CHRONIC_AFTER = 3
#: failures that are so far apart belong to two nights
_HALF_A_DAY = timedelta(hours=12)
#: a person who has been told is reminded no sooner
REMINDED_AFTER = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Memory:
    """An incident's place in a row of incidents of one item, one kind of backup and one code."""

    #: 1: it is the first one
    times: int = 1
    #: when the first of them failed, and the one before this
    since: datetime | None = None
    failed_at: datetime | None = None
    #: when operators were notified last
    told_at: datetime | None = None
    #: how many nights in a row ended with retries exhausted, and when the last of them failed
    exhausted_nights: int = 0
    exhausted_at: datetime | None = None

    @property
    def is_chronic(self) -> bool:
        """True where retries have been exhausted for nights: there is one a night from then on."""
        return self.exhausted_nights >= _CHRONIC_AFTER

    def again(self, *, first_failed_at: datetime, failed_at: datetime, told_at: datetime | None) -> "Memory":
        """The memory of the next incident, by what the last one failed with."""
        return replace(
            self,
            times=self.times + 1,
            since=self.since or first_failed_at,
            failed_at=failed_at,
            told_at=self.told_at or told_at,
        )

    def with_exhausted_night(self, failed_at: datetime) -> "Memory":
        """The same after retries were exhausted; a second time in one night counts no more."""
        if self.exhausted_at is not None and failed_at - self.exhausted_at < _HALF_A_DAY:
            return self
        return replace(self, exhausted_nights=self.exhausted_nights + 1, exhausted_at=failed_at)

    def is_fresh(self, now: datetime) -> bool:
        """True where operators were notified so recently that there is no need of a reminder."""
        return self.told_at is not None and now - self.told_at < REMINDED_AFTER

    @property
    def in_words(self) -> str:
        """What a person should know of it; "" of a first time."""
        again = f"Again, for the {_th(self.times)} time since {self.since:%a %d %b}. " if self.since else ""
        nights = f"Chronic: retries were exhausted {self.exhausted_nights} nights in a row, so"
        until = " there is one retry a night until a backup succeeds. "
        return (again if self.times > 1 else "") + (nights + until if self.is_chronic else "")


def _th(number: int) -> str:
    last = number % 10 if number % 100 not in {11, 12, 13} else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
