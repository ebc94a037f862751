"""Backup policies: when backups are made and how long they are kept."""

from dataclasses import dataclass
from datetime import timedelta

from simulator.estate.workloads import VM, Workload


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A backup policy for one workload."""

    name: str = "DefaultPolicy"
    workload: Workload = VM
    #: Daily, Weekly or Hourly; of databases that of the Full backup.
    frequency: str = "Daily"
    #: On which days a weekly backup is made.
    run_days: tuple[str, ...] = ("Sunday",)
    #: Of hourly backups: the hours between two, and for how many hours from `run_time` on they are made.
    interval_hours: int = 4
    window_hours: int = 12
    #: Time of day of the backup, `hh:mm` in `time_zone`.
    run_time: str = "22:00"
    #: A Windows time zone id.
    time_zone: str = "UTC"
    retention_days: int = 30
    #: How many months the first backup of a month is kept; None: no such rule.
    retention_months: int | None = None
    #: Of databases: minutes between log backups; None: none are made.
    log_minutes: int | None = None
    #: Of databases: the days of differential backups, and of incremental ones.
    differential_days: tuple[str, ...] = ()
    incremental_days: tuple[str, ...] = ()
    #: Of Backup vaults: the backup rule's name; None: no such rule, as in an operational policy for blobs.
    backup_rule: str | None = "BackupDaily"
    #: Of Backup vaults: the tag by which retention rules choose.
    retention_tag: str = "Default"
    #: Of Backup vaults: the time between backups, ISO 8601.
    period: str = "P1D"
    #: Of Backup vaults: for how many days the tagged snapshots are kept in the vault; None: they are not copied there.
    vault_days: int | None = None

    @property
    def interval(self) -> timedelta:
        """The time between two recovery points; a day at most."""
        if self.log_minutes:
            return timedelta(minutes=self.log_minutes)
        hours = self.period.removeprefix("PT").removesuffix("H")
        by_rule = timedelta(hours=int(hours)) if hours.isdecimal() else timedelta(days=1)
        return min(by_rule, timedelta(days=1))
