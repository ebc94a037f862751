"""How the simulated Azure behaves: its delays and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Reads of an action in an hour that nothing more is known of: what Recovery Services grants most often.
_USUAL = 300
#: As the headers of recorded answers show them; the lowest that was ever refused for was 150.
_HOURLY_READS: Mapping[str, int] = {
    "microsoft.recoveryservices/vaults/backupjobs/read": 450,
    "microsoft.dataprotection/backupvaults/backupjobs/read": 200,
    "microsoft.dataprotection/backupvaults/backupinstances/read": 2000,
    "microsoft.dataprotection/locations/operationstatus/read": 1000,
}


@dataclass(frozen=True, kw_only=True)
class TokenBuckets:
    """The sizes of ARM's token buckets per subscription, and what flows in per second."""

    writes: int = 200
    write_refill: float = 10
    reads: int = 250
    read_refill: float = 25


@dataclass(frozen=True, kw_only=True)
class HourlyReads:
    """How often each action of the backup services may be called to read, per subscription and hour."""

    #: For every action alike; None: as Azure does.
    limit: int | None = None

    def of(self, action: str) -> int:
        """The limit of an action, in small letters."""
        return self.limit or _HOURLY_READS.get(action, _USUAL)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the simulated Azure behaves. Times are seconds."""

    backup_seconds: float = 1.0
    #: How far Resource Graph lags behind the vaults.
    graph_lag_seconds: float = 0.0
    #: From a job's end to its alert.
    alert_delay_seconds: float = 0.2
    #: Multiplies the waiting times of action groups and Event Grid.
    delivery_pace: float = 1.0
    #: How long a trigger's or cancellation's operation is InProgress.
    operation_seconds: float = 0.2
    #: Jobs, items and so on per page of a list.
    page_size: int = 200
    #: Whether the activityID of a Backup vault's job is the x-ms-client-request-id of the call that started it.
    backup_vault_keeps_request_ids: bool = True
    #: For how long the job of a database, which runs, does not say which server and kind of backup it is about.
    nameless_seconds: float = 105.0
    #: How soon a backup fails that was started while another one of the item runs; None: as it does for the workload.
    collision_seconds: float | None = None
    #: Seconds in the Retry-After of a Backup vault's 202 to a trigger; None: no such header.
    trigger_retry_after: int | None = 30
    #: For how many days a Full backup of a SQL database on demand has to be kept at least.
    sql_full_retention_days: int = 45
    arm_buckets: TokenBuckets = field(default_factory=TokenBuckets)
    hourly_reads: HourlyReads = HourlyReads()
