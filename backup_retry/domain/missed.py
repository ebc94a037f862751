"""A backup that was promised and has not come, in the place of a failed job: one gap is one failure."""

import re
from datetime import UTC, datetime
from enum import StrEnum

#: what stands where a failed job has its error code
NO_BACKUP_IN_TIME = "NoBackupInTime"
_NEVER = "never"
_ID = re.compile(r"missed-(?:(?P<kind>[a-z]+)-)?(?P<point>\d{8}t\d{6}z|never|unknown)", re.ASCII)
_TIME = "%Y%m%dt%H%M%Sz"


class MissedBackups(StrEnum):
    """What follows where a promised backup has not come."""

    #: operators are notified
    TELL = "tell"
    #: one is started, as after a failure
    RETRY = "retry"
    #: nothing
    OFF = "off"


def missed_id(kind: str, point: datetime | None, *, has_any: bool = False) -> str:
    """The id of a gap, where a failed job has its own: of an item's kind of backup and its last recovery point.

    `has_any`: it has points, only the last one of that kind is older than all that Azure knows.
    """
    at = f"{point.astimezone(UTC):{_TIME}}" if point else "unknown" if has_any else _NEVER
    return "-".join(["missed", *([kind.lower()] if kind else []), at])


def is_missed(job_id: str) -> bool:
    """True for the id of a gap; Azure's jobs are named by GUIDs."""
    return _ID.fullmatch(job_id) is not None


def point_before(job_id: str) -> datetime | None:
    """The last recovery point before a gap; None: there was none, or none is known."""
    match = _ID.fullmatch(job_id)
    if match is None or match["point"] in {_NEVER, "unknown"}:
        return None
    return datetime.strptime(match["point"], _TIME).replace(tzinfo=UTC)
