"""The second question: is it protected? A protected item's state, in one word."""

from collections.abc import Mapping
from enum import StrEnum


class Protection(StrEnum):
    """How an item's last recovery point compares to what its policy schedules."""

    #: the last recovery point is younger than the policy's interval and a grace
    PROTECTED = "protected"
    #: it is older, and nothing is being done about it
    OVERDUE = "overdue"
    #: a retry or another backup is on its way, or the first one is still to come
    IN_PROGRESS = "in_progress"
    #: operators have been notified, and no good point has come since
    ACTION_REQUIRED = "action_required"
    #: there is no point, and the time for a first one is over
    NEVER = "never"
    #: operational backups without jobs
    CONTINUOUS = "continuous"
    #: somebody has stopped its protection or paused its schedule: nobody promises a backup
    STOPPED = "stopped"

    @property
    def is_unprotected(self) -> bool:
        """True for what counts in "unprotected now"."""
        return self in {Protection.OVERDUE, Protection.NEVER, Protection.ACTION_REQUIRED}

    @property
    def is_missed(self) -> bool:
        """True where a backup that was promised has not come, and nobody is at it."""
        return self in {Protection.OVERDUE, Protection.NEVER}

    @property
    def label(self) -> str:
        """The same for a person."""
        return self.value.replace("_", " ")


def unprotected(counted: Mapping[Protection, int]) -> int:
    """How many items are unprotected now, by how many are in each state."""
    return sum(number for state, number in counted.items() if state.is_unprotected)
