"""On-demand backups that Resource Manager refused, as the activity log and Event Grid report them."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from aiohttp import web

from simulator.arm.errors import ArmError

_TRIGGER = re.compile(
    r"(?P<item>(?P<vault>/subscriptions/(?P<subscription>[^/]+)/resourceGroups/[^/]+/providers/"
    r"(?:Microsoft\.RecoveryServices/vaults|Microsoft\.DataProtection/backupVaults)/[^/]+)"
    r"/(?:backupFabrics/[^/]+/protectionContainers/[^/]+/protectedItems|(?P<instances>backupInstances))/[^/]+)/backup/?",
    re.IGNORECASE,
)
_RECOVERY_SERVICES = (
    "Microsoft.RecoveryServices/vaults/backupFabrics/protectionContainers/protectedItems/backup/action"
)
_DATA_PROTECTION = "Microsoft.DataProtection/backupVaults/backupInstances/backup/action"
#: Calls that Resource Manager turns away at the door are in no log.
_UNLOGGED = frozenset({401, 429})


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A backup action that failed with the call."""

    #: The ARM id of the vault, as the caller wrote it.
    vault: str
    #: The ARM id of the protected item or backup instance, as the caller wrote it.
    item: str
    subscription_id: str
    #: The action by its name in roles.
    action: str
    #: The call's URL.
    url: str
    client_request_id: str
    error: ArmError
    at: datetime
    correlation_id: str

    @classmethod
    def of(cls, error: ArmError, request: web.Request, correlation_id: str, now: datetime) -> Self | None:
        """The refusal that `error` is; None if the request asked for no backup."""
        match = _TRIGGER.fullmatch(request.path)
        if request.method != "POST" or match is None or error.status in _UNLOGGED:
            return None
        return cls(
            item=match["item"],
            subscription_id=match["subscription"],
            vault=match["vault"],
            action=_DATA_PROTECTION if match["instances"] else _RECOVERY_SERVICES,
            url=str(request.url),
            client_request_id=request.headers.get("x-ms-client-request-id", ""),
            correlation_id=correlation_id,
            error=error,
            at=now,
        )
