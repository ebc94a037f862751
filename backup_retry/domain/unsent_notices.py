"""Notices that could not be sent: how many wait, since when, why, and when they are tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from backup_retry.domain.notices import Notice

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class UnsentNotices:
    """What the last follow-up could not send."""

    number: int
    #: when the oldest of them was given
    since: datetime
    #: what was answered to the last try
    answer: str
    #: how often in a row they have been tried in vain
    tries: int
    #: before that no follow-up tries again; a notice that is new is tried at once nevertheless
    due: datetime

    @property
    def document(self) -> dict[str, Any]:
        """The same for programs: `number`, `since`, `answer`, `next_try`; times in ISO 8601."""
        return {
            "number": self.number,
            "since": self.since.isoformat(),
            "answer": self.answer,
            "next_try": self.due.isoformat(),
        }

    def __str__(self) -> str:
        """1 notice, 3 notices."""
        return "1 notice" if self.number == 1 else f"{self.number:,} notices"


def after_a_try(
    seen: UnsentNotices | None, left: Sequence[Notice], answer: str, now: datetime
) -> UnsentNotices | None:
    """What is known after a try that left so many; None: all were sent. Each try in vain doubles the pause."""
    if not left:
        return None
    tries = (seen.tries if seen else 0) + 1
    pause = min(_FIRST_PAUSE * 2 ** min(tries - 1, 10), _LONGEST_PAUSE)
    since = min(each.at for each in left)
    return UnsentNotices(number=len(left), since=since, answer=answer, tries=tries, due=now + pause)
