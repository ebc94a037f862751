"""What a no from Azure means for an incident: it waits, and only what the vault itself says about its item ends it."""

from datetime import datetime, timedelta

from backup_retry.domain.decisions import Close, Reason, Wait
from backup_retry.domain.errors import (
    OF_ANOTHER_TENANT,
    AzureRefused,
    AzureUnavailable,
    Forbidden,
    NotFound,
    Service,
)
from backup_retry.domain.incident import Incident
from backup_retry.domain.workloads import CAUSES
from backup_retry.policy.bounds import outlived

#: reasons that a whole vault has: its incident notifies operators, once for all of its items
BLOCKED = frozenset(Reason(each) for each in CAUSES)
#: codes with which Azure refuses an identity; any other code of a 403 is about what was to be done
_OF_IDENTITY = frozenset(
    {"", "authorizationfailed", "linkedauthorizationfailed", "forbidden", "accessdenied"}
    | {OF_ANOTHER_TENANT.lower()}
)
_FIRST_PAUSE, _SHARE_OF_WAITING = timedelta(hours=1), 4
_REMEDY = {
    Service.VAULT: "Azure denies access to this app's identity: assign its role in the vault's subscription "
    "(infra/connect.sh assigns Backup Retry Operator), or the built-in roles Backup Operator and Reader.",
    Service.GRAPH: "Resource Graph denies access to this app's identity: assign it Reader on the subscription.",
}
_OF_ANOTHER_TENANT = (
    "The subscription belongs to another tenant than this app's identity, so no role assignment helps: connect "
    "it through Azure Lighthouse (docs/deploy.md), or remove it from the SCOPE_ settings."
)
_FOR_ANOTHER_REASON = "Azure forbids it, and according to this error code not because of a missing role."
_NOT_THERE = (
    "Azure cannot find it: check that the vault, its resource group and its subscription still exist, and that this "
    "app's identity still has its role on them."
)


def unanswered(error: AzureUnavailable | AzureRefused, incident: Incident, now: datetime) -> Wait | Close:
    """What to do where it is unknown how the item is; an attempt in flight is not forgotten for that."""
    if incident.running_attempt is None and (end := outlived(incident, now)):
        return end
    if isinstance(error, AzureUnavailable):
        until = now + (error.retry_after or timedelta(0))
        return Wait(until=until, reason=Reason.AZURE_UNAVAILABLE, detail=str(error))
    return refused(error, now)


def refused(error: AzureRefused, now: datetime) -> Wait:
    """What a plain no to a read means: the next follow-up asks again.

    A vault's own 404 for an item that it lists is such a no: one of the two answers is wrong, and the vault is there.
    """
    if isinstance(error, Forbidden):
        return Wait(until=now, reason=Reason.NO_PERMISSION, detail=f"{_remedy_of(error)} ({error.in_full})")
    if isinstance(error, NotFound) and not error.is_the_vaults_word:
        return Wait(until=now, reason=Reason.NOT_REACHABLE, detail=f"{_NOT_THERE} ({error})")
    return Wait(until=now, reason=Reason.AZURE_REFUSED, detail=str(error))


def _remedy_of(error: Forbidden) -> str:
    if error.code == OF_ANOTHER_TENANT:
        return _OF_ANOTHER_TENANT
    if error.code.lower() not in _OF_IDENTITY:
        return _FOR_ANOTHER_REASON
    return _REMEDY.get(error.by, _REMEDY[Service.VAULT])


def blocks_the_vault(error: AzureRefused) -> bool:
    """True for a no of which a vault's own incident tells: this identity may not look there, or does not reach it."""
    of_the_item = isinstance(error, NotFound) and error.is_the_vaults_word
    return error.by is Service.VAULT and isinstance(error, Forbidden | NotFound) and not of_the_item


def trigger_refused(error: AzureRefused, incident: Incident, now: datetime) -> Wait:
    """What a plain no to a trigger means: without the right or the vault, the next try is an hour or more away.

    Each try costs an attempt that is stored, so the pauses grow with the time that it has been so. What is refused for
    another reason has a code, which the next look evaluates as that of a failed job.
    """
    weighed = Wait(until=now, reason=Reason.AZURE_REFUSED, detail=error.in_full)
    if isinstance(error, NotFound) and error.is_the_vaults_word:
        return weighed
    if isinstance(error, Forbidden) and error.code.lower() not in _OF_IDENTITY:
        return weighed
    pause = max(_FIRST_PAUSE, (now - incident.opened_at) / _SHARE_OF_WAITING)
    wait = refused(error, now)
    return (
        Wait(until=now + pause, reason=wait.reason, detail=wait.detail) if wait.reason in BLOCKED else weighed
    )
