"""The numbers behind the policy, from the settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from backup_retry.domain.missed import MissedBackups
from backup_retry.domain.workloads import Cap
from backup_retry.policy.hours import Hours
from backup_retry.policy.profiles import Profile
from backup_retry.policy.scope import Scope

#: what ended recently may have begun so much earlier; a vault's list can be asked by beginnings only
LONGEST_JOB = timedelta(hours=72)
#: what is decided by two clocks, ours and Azure's or two workers', has to be right although they differ by this
CLOCKS_DIFFER = timedelta(minutes=15)
#: Azure keeps jobs this long; what is older can no longer be looked up
JOB_RETENTION = timedelta(days=14)


def _default_caps() -> dict[Cap, int]:
    return {Cap.VM: 3, Cap.FILES: 6, Cap.DATABASES: 3, Cap.OTHERS: 3}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What an administrator can set about retries."""

    #: wait before attempt 1, 2, 3 …, counted from the end of the failure before it; the last one repeats
    backoff: tuple[timedelta, ...] = (timedelta(0), timedelta(minutes=15), timedelta(minutes=60))
    max_attempts: int = 3
    #: how long a claim may stay without an answer before the process that made it counts as dead
    claim_lease: timedelta = timedelta(minutes=5)
    #: how long after its claim an attempt's job may still appear in the vault
    settle_after: timedelta = timedelta(minutes=15)
    #: how long the recovery point of a retry is kept; None: as long as the policy keeps a daily one, else a weekly one
    retention: timedelta | None = None
    #: on-demand backups of an item in 24 hours
    daily_caps: Mapping[Cap, int] = field(default_factory=_default_caps)
    #: how near the item's own schedule has to be to wait for it
    schedule_margin: timedelta = timedelta(hours=1)
    hours: Hours = field(default_factory=lambda: Hours(zone=ZoneInfo("UTC")))
    #: on the clock of `hours`, see `policy.deadline`; None: there is none
    deadline: time | None = None
    #: what groups have of their own, by the value of their tag
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    storm_size: int = 20
    storm_window: timedelta = timedelta(minutes=30)
    scope: Scope = field(default_factory=Scope)
    #: what follows where a backup was promised and has not come
    missed_backups: MissedBackups = MissedBackups.TELL
    #: a person has to approve each retry
    asks_first: bool = False
    #: evaluates everything and starts nothing
    dry_run: bool = False

    def of_profile(self, name: str) -> "Rules":
        """The rules of a group; those of an unknown one are these."""
        own = self.profiles.get(name)
        if own is None:
            return self
        return replace(self, max_attempts=own.max_attempts, hours=own.hours, deadline=own.deadline)
