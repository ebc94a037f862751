"""Calls that Resource Manager reports, in the activity log and as events: was it the start of a backup that failed?

Such a call's success means that it was accepted, and says nothing of the job.
https://learn.microsoft.com/azure/event-grid/event-schema-subscriptions
"""

from collections.abc import Sequence

from pydantic import Field

from reactor.common_schema import Alert, Lenient, validated
from reactor.signals import Ignored, Signal, named

_BACKUPS = {
    "microsoft.recoveryservices/vaults/backupfabrics/protectioncontainers/protecteditems/backup/action",
    "microsoft.dataprotection/backupvaults/backupinstances/backup/action",
}


class _Authorization(Lenient):
    action: str | None = None
    scope: str | None = None


class Call(Lenient):
    """What the activity log's entries and the resource events have in common."""

    authorization: _Authorization | None = None
    operation_name: str | None = Field(default=None, alias="operationName")
    resource_uri: str | None = Field(default=None, alias="resourceUri")
    status: str | None = None

    @property
    def operation(self) -> str:
        """What was called."""
        return self.operation_name or (self.authorization.action if self.authorization else None) or ""

    @property
    def starts_backup(self) -> bool:
        """True for an on-demand backup in either kind of vault."""
        return self.operation.casefold() in _BACKUPS

    @property
    def resources(self) -> Sequence[str]:
        """The ARM ids of what it was called on."""
        scope = self.authorization.scope if self.authorization else None
        return [each for each in (self.resource_uri, scope) if each]


def read_alert(alert: Alert) -> Signal | Ignored:
    """The item of a backup that an activity log alert reports as refused.

    Raises:
        BadSignal: the context does not have the form Azure Monitor writes it.
    """
    call = validated(Call, alert.context, "data.alertContext")
    if not call.starts_backup:
        return alert.ignored(f"{call.operation or 'an unnamed operation'} does not start a backup")
    if (call.status or "").casefold() != "failed":
        return alert.ignored(
            f"the call that starts a backup is {call.status}, not Failed: that is not a failed job"
        )
    what = named([*call.resources, *alert.targets])
    return alert.signal(what) if what.vault else alert.ignored("names no protected item or vault")
