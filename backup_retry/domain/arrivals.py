"""What has reached the app without being asked for: the newest alert of each kind, by vault."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from backup_retry.domain.arm_ids import Vault

#: the parameter of the webhook's address that makes a call a test, and names its vault
DRILL = "drill"


class AlertKind(StrEnum):
    """Who reports a failure, and how."""

    #: Azure Backup's built-in alert
    BACKUP_ALERT = "backup_alert"
    LOG_ALERT = "log_alert"
    METRIC_ALERT = "metric_alert"
    ACTIVITY_LOG_ALERT = "activity_log_alert"
    #: Azure Resource Manager's, by Event Grid
    EVENT = "event"
    #: no alert: a person has tried the way of one with `backup-retry drill`
    TEST = "test"


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival:
    """The newest of a kind for a vault."""

    vault: Vault
    kind: AlertKind
    at: datetime
