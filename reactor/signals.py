"""From an alert's or event's JSON to a Signal: values in, values out.

The common alert schema: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backup_retry.errors import BadSignal
from backup_retry.model import JOB_ID, ProtectedItem, Source, Vault, parse_job_id

COMMON_SCHEMA = "azureMonitorCommonAlertSchema"
#: our own event: somebody found a failure, its data names a job or an item
FAILURE_FOUND = "BackupRetry.FailureFound"
_COMMON_SCHEMA_REMEDY = "Turn on the common alert schema in the action group's webhook action."


@dataclass(frozen=True, kw_only=True)
class Signal:
    """What an alert or event says: a hint, never a fact."""

    source: Source
    vault: Vault
    #: the failed job's bare id, where the signal names one
    job_id: str = ""
    #: the protected item, where the signal names one
    item: ProtectedItem | None = None
    #: what to call the signal in logs
    label: str = ""


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A signal that is well-formed and none of our business."""

    why: str
    label: str = ""


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


_Model = TypeVar("_Model", bound=_Lenient)


class _Essentials(_Lenient):
    alert_id: str | None = Field(default=None, alias="alertId")
    alert_rule: str | None = Field(default=None, alias="alertRule")
    monitor_condition: str | None = Field(default=None, alias="monitorCondition")
    monitoring_service: str | None = Field(default=None, alias="monitoringService")
    alert_target_ids: list[str] | None = Field(default=None, alias="alertTargetIDs")


class _ExtendedInfo(_Lenient):
    job_id: str | None = Field(default=None, alias="jobId")


class _AlertContext(_Lenient):
    category: str | None = None
    protected_item_id: str | None = Field(default=None, alias="protectedItemId")
    extended_info: _ExtendedInfo | None = Field(default=None, alias="extendedInfo")


class _AlertData(_Lenient):
    essentials: _Essentials
    #: its shape depends on the service, so it is read once that is known
    alert_context: Any = Field(default=None, alias="alertContext")


class _FailureFound(_Lenient):
    job_id: str | None = Field(default=None, alias="jobId")
    item_id: str | None = Field(default=None, alias="itemId")
    vault_id: str | None = Field(default=None, alias="vaultId")


def parse_body(body: bytes) -> Signal | Ignored:
    """The signal in a webhook's body.

    Raises:
        BadSignal: the body is no JSON, or no alert in the common alert schema.
    """
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadSignal(
            f"not JSON ({error}).", where="body", remedy="Send the alert as the action group sends it."
        ) from error
    return parse_alert(payload, Source.ALERT)


def parse_alert(payload: object, source: Source) -> Signal | Ignored:
    """The signal in an alert of the common alert schema.

    Raises:
        BadSignal: it is something else, or lacks what every alert has.
    """
    if not isinstance(payload, Mapping):
        raise BadSignal("not a JSON object.", where="body", remedy=_COMMON_SCHEMA_REMEDY)
    schema = payload.get("schemaId")
    if schema != COMMON_SCHEMA and not (schema is None and _looks_common(payload)):
        found = "missing" if schema is None else f"{schema!r}"
        raise BadSignal(f"is {found}, not {COMMON_SCHEMA!r}.", where="schemaId", remedy=_COMMON_SCHEMA_REMEDY)
    alert = _validated(_AlertData, payload.get("data"), "data")
    essentials = alert.essentials
    label = essentials.alert_id or essentials.alert_rule or "an alert without a name"
    if why_not := _why_not(essentials):
        return Ignored(why=why_not, label=label)
    context = _validated(_AlertContext, alert.alert_context or {}, "data.alertContext")
    if (context.category or "Jobs").casefold() != "jobs":
        return Ignored(why=f"a backup alert of category {context.category!r}, not about a job", label=label)
    return _backup_failure(essentials, context, source, label)


def parse_event(event_type: str, data: object, source: Source = Source.EVENT) -> Signal | Ignored:
    """The signal in an Event Grid event's type and data, of either event schema.

    Raises:
        BadSignal: the event is of a kind that we handle, but cannot be read.
    """
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return Ignored(why="its data is text that is no JSON", label=event_type)
    if event_type.casefold() == FAILURE_FOUND.casefold():
        return _failure_found(data, source)
    if isinstance(data, Mapping) and (data.get("schemaId") == COMMON_SCHEMA or _looks_common(data)):
        return parse_alert(data, source)
    return Ignored(why="neither an alert in the common alert schema nor an event of ours", label=event_type)


def _looks_common(payload: Mapping[str, Any]) -> bool:
    data = payload.get("data")
    return isinstance(data, Mapping) and isinstance(data.get("essentials"), Mapping)


def _why_not(essentials: _Essentials) -> str:
    """Why an alert is none of our business, or "" when it may be."""
    condition = (essentials.monitor_condition or "Fired").casefold()
    service = essentials.monitoring_service or "an unnamed service"
    if condition != "fired":
        return f"the alert is {essentials.monitor_condition}, not Fired"
    if service.casefold() != "azure backup":
        return f"an alert of {service}, not of Azure Backup"
    if (essentials.alert_rule or "").casefold() != "backup failure":
        return f"{essentials.alert_rule!r} of Azure Backup is not about a failed backup"
    return ""


def _backup_failure(
    essentials: _Essentials, context: _AlertContext, source: Source, label: str
) -> Signal | Ignored:
    targets = [*(essentials.alert_target_ids or []), context.protected_item_id or ""]
    vault = next((vault for target in targets if (vault := Vault.parse(target))), None)
    if vault is None:
        if any("/microsoft.dataprotection/" in target.casefold() for target in targets):
            return Ignored(why="backup vaults (Microsoft.DataProtection) are not handled yet", label=label)
        raise BadSignal(
            f"names no Recovery Services vault: {targets[:-1]!r}.",
            where="data.essentials.alertTargetIDs",
            remedy="Send the alert as Azure Backup raised it.",
        )
    job_id = (context.extended_info.job_id if context.extended_info else None) or ""
    item = ProtectedItem.parse(context.protected_item_id or "")
    return Signal(
        source=source,
        vault=vault,
        job_id=_checked_job_id(job_id, "data.alertContext.extendedInfo.jobId"),
        item=item if item and item.vault.key == vault.key else None,
        label=label,
    )


def _failure_found(data: object, source: Source) -> Signal:
    """Our own event: {"jobId": ARM id}, {"vaultId": …, "jobId": bare id}, {"itemId": ARM id} or {"vaultId": …}."""
    found = _validated(_FailureFound, data, "data")
    item = ProtectedItem.parse(found.item_id) if found.item_id else None
    if found.item_id and item is None:
        raise _no_arm_id("data.itemId", "protected item", found.item_id)
    named = parse_job_id(found.job_id) if found.job_id else None
    if named is not None:
        vault, job_id = named
        return Signal(source=source, vault=vault, job_id=job_id, item=item, label=FAILURE_FOUND)
    in_vault = Vault.parse(found.vault_id) if found.vault_id else (item.vault if item else None)
    if in_vault is None:
        raise _no_arm_id("data.vaultId", "Recovery Services vault", found.vault_id)
    job_id = _checked_job_id(found.job_id or "", "data.jobId")
    return Signal(source=source, vault=in_vault, job_id=job_id, item=item, label=FAILURE_FOUND)


def _no_arm_id(where: str, what: str, found: str | None) -> BadSignal:
    return BadSignal(
        f"is no ARM id of a {what}: {found!r}.",
        where=where,
        remedy="Name the job (jobId), the item (itemId) or the vault (vaultId) by its full ARM id.",
    )


def _checked_job_id(job_id: str, where: str) -> str:
    if job_id and not JOB_ID.fullmatch(job_id):
        raise BadSignal(
            f"is no job id: {job_id[:80]!r}.", where=where, remedy="Send the id as the vault shows it."
        )
    return job_id


def _validated(model: type[_Model], value: object, where: str) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join([where, *(str(part) for part in first["loc"])])
        raise BadSignal(
            f"{first['msg'].lower()}.", where=path, remedy="Send the alert as Azure Monitor raised it."
        ) from error
