"""What the body of a `backup` action asks for: one shape for each kind of workload.

https://learn.microsoft.com/rest/api/backup/backups/trigger
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.arm import errors as arm_errors
from simulator.arm.calls import Call
from simulator.estate.workloads import SQL_DATABASE, Workload


@dataclass(frozen=True, kw_only=True)
class BackupRequest:
    """A backup on demand."""

    #: When the recovery point expires; None: as the service thinks fit.
    expires: datetime | None
    #: Full, Log and so on; "" where the workload has no kinds.
    kind: str


def read(call: Call, workload: Workload, full_days: int) -> BackupRequest:
    """The request for a backup of an item of that workload; Full ones of SQL are kept for so many days at least.

    Raises:
        ArmError: it is a request for something else, or not one that the service grants.
    """
    if not workload.request_type:
        raise arm_errors.invalid_input(f"no backup of {workload.name} can be started from Azure")
    properties = call.json().get("properties")
    if not isinstance(properties, dict) or properties.get("objectType") != workload.request_type:
        raise arm_errors.invalid_input(f"properties.objectType is not {workload.request_type}")
    expires = _expiry(properties.get("recoveryPointExpiryTimeInUTC"), call.now)
    kind = _kind(properties, workload)
    least = call.now + timedelta(days=full_days)
    if workload is SQL_DATABASE and kind == "Full" and expires and expires < least:
        raise arm_errors.invalid_input(
            f"recoveryPointExpiryTimeInUTC of a Full backup is {full_days} days ahead or more"
        )
    return BackupRequest(expires=expires, kind=kind)


def _kind(properties: dict[str, Any], workload: Workload) -> str:
    if not workload.kinds:
        return ""
    wanted = properties.get("backupType")
    for kind in workload.kinds:
        if kind.lower() == str(wanted).lower():
            return kind
    raise arm_errors.invalid_input(f"backupType {wanted!r} is none of {', '.join(workload.kinds)}")


def _expiry(text: object, now: datetime) -> datetime | None:
    if text is None:
        return None
    try:
        expires = datetime.fromisoformat(str(text))
    except ValueError:
        raise arm_errors.invalid_input(f"recoveryPointExpiryTimeInUTC {text!r} is not a time") from None
    if expires.tzinfo is None or expires <= now:
        raise arm_errors.invalid_input(f"recoveryPointExpiryTimeInUTC {text!r} is not a time to come, in UTC")
    return expires
