"""A cause: what many notices have in common, so that operators are notified of it once and not forty times."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from backup_retry.domain.notices import Notice

#: after a first notice, and after a digest, the others of its cause wait so long
_AFTER_A_FIRST, _AFTER_A_DIGEST = timedelta(hours=4), timedelta(hours=24)
#: a window that is over is left to the follow-up for so long, which has what waits for it
_LEFT_TO_THE_DIGEST = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A cause of which operators have been notified; `version` is the store's ETag.

    From `since` to `until` is its window, in which there is one message of it.
    """

    key: str
    since: datetime
    until: datetime
    #: the notice that opened the window by going at once; "": what had waited went together
    first: str = ""
    version: str = ""

    def lets_go(self, notice: Notice) -> bool:
        """True for the notice that has the window's message: whoever opened it may have died before sending it."""
        return self.first == notice.id

    def is_over(self, now: datetime) -> bool:
        """True when what waits for the window's end may go, together."""
        return now >= self.until

    def is_forgotten(self, now: datetime) -> bool:
        """True when the next notice is a first one again."""
        return now >= self.until + _LEFT_TO_THE_DIGEST

    def goes_together(self, notice: Notice) -> bool:
        """True for what belongs to the digest that opened the window, and is there only because that was not sent."""
        return not self.first and notice.at <= self.since


def opened_by_first(notice: Notice, seen: Cause | None, now: datetime) -> Cause:
    """The window after a first notice, in the place of the one before it."""
    window = _opened(notice.cause, seen, now, _AFTER_A_FIRST)
    return replace(window, first=notice.id)


def opened_by_digest(key: str, seen: Cause | None, now: datetime) -> Cause:
    """The window after a digest, in the place of the one before it."""
    return _opened(key, seen, now, _AFTER_A_DIGEST)


def _opened(key: str, seen: Cause | None, now: datetime, length: timedelta) -> Cause:
    return Cause(key=key, since=now, until=now + length, version=seen.version if seen else "")
