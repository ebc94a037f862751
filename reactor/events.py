"""From an Event Grid event to a signal, in either event schema: values in, values out."""

import json
from collections.abc import Mapping, Sequence

from pydantic import Field

from backup_retry.domain.alert_dimensions import DEFAULT, Dimensions
from backup_retry.domain.arm_ids import ProtectedItem, Vault, parse_job_id
from backup_retry.domain.arrivals import AlertKind
from backup_retry.domain.errors import BadSignal
from backup_retry.domain.failure_batches import FAILURE_FOUND, read_batch
from backup_retry.domain.jobs import Source
from backup_retry.domain.texts import valid, valid_json
from reactor.alerts import parse_alert
from reactor.backup_actions import Call
from reactor.backup_alerts import checked_job_id
from reactor.common_schema import COMMON_SCHEMA, Lenient, looks_common, validated
from reactor.signals import Ignored, Signal, named

#: the subscription's own event: a call was refused
ACTION_FAILED = "Microsoft.Resources.ResourceActionFailure"


class _FailureFound(Lenient):
    job_id: str | None = Field(default=None, alias="jobId")
    item_id: str | None = Field(default=None, alias="itemId")
    vault_id: str | None = Field(default=None, alias="vaultId")


def parse_events(
    event_type: str,
    data: object,
    source: Source = Source.EVENT,
    *,
    subject: str = "",
    dimensions: Dimensions = DEFAULT,
) -> Sequence[Signal | Ignored]:
    """The signals in an event: one, or those of a batch that a sweep announced.

    Raises:
        BadSignal: the event is of a kind that we handle, but cannot be read.
    """
    event_type, subject, data = valid(event_type), valid(subject), valid_json(data)
    many = read_batch(data) if event_type.casefold() == FAILURE_FOUND.casefold() else None
    if many is None:
        return [parse_event(event_type, data, source, subject=subject, dimensions=dimensions)]
    return [_one_of_many(each, source) for each in many]


def _one_of_many(data: object, source: Source) -> Signal | Ignored:
    """A failure of a batch; one that cannot be read keeps no other from being retried."""
    try:
        return _failure_found(data, source)
    except BadSignal as error:
        return Ignored(why=str(error), label=FAILURE_FOUND)


def parse_event(
    event_type: str,
    data: object,
    source: Source = Source.EVENT,
    *,
    subject: str = "",
    dimensions: Dimensions = DEFAULT,
) -> Signal | Ignored:
    """The signal in an event's type, subject and data.

    Raises:
        BadSignal: the event is of a kind that we handle, but cannot be read.
    """
    if isinstance(data, str):
        try:
            data = valid_json(json.loads(data))
        except (ValueError, RecursionError):
            return Ignored(why="its data is text that is not JSON", label=event_type)
    if event_type.casefold() == FAILURE_FOUND.casefold():
        return _failure_found(data, source)
    if event_type.casefold() == ACTION_FAILED.casefold():
        return _action_failed(data, source, subject)
    if isinstance(data, Mapping) and (data.get("schemaId") == COMMON_SCHEMA or looks_common(data)):
        return parse_alert(data, source, dimensions)
    return Ignored(why="not an alert in the common alert schema or an event of this app", label=event_type)


def _action_failed(data: object, source: Source, subject: str) -> Signal | Ignored:
    """A refused call: the item, where it was to start a backup."""
    call = validated(Call, data, "data")
    if not call.starts_backup:
        why = f"{call.operation or 'an unnamed operation'} does not start a backup"
        return Ignored(why=why, label=ACTION_FAILED, came={"target": subject})
    what = named([*call.resources, subject])
    if what.vault is None:
        return Ignored(why="names no protected item or vault", label=ACTION_FAILED, came={"target": subject})
    return Signal(**vars(what), source=source, kind=AlertKind.EVENT, label=ACTION_FAILED)


def _failure_found(data: object, source: Source) -> Signal:
    """Our own event: {"jobId": ARM id}, {"vaultId": …, "jobId": bare id}, {"itemId": ARM id} or {"vaultId": …}."""
    found = validated(_FailureFound, data, "data")
    if found.item_id and ProtectedItem.parse(found.item_id) is None:
        raise _no_arm_id("data.itemId", "protected item", found.item_id)
    by_arm_id = parse_job_id(found.job_id or "") is not None
    in_vault = Vault.parse(found.vault_id) if found.vault_id else found.item_id
    if not by_arm_id and not in_vault:
        raise _no_arm_id("data.vaultId", "Recovery Services vault or Backup vault", found.vault_id)
    bare = "" if by_arm_id else checked_job_id(found.job_id or "", "data.jobId")
    ids = [found.job_id if by_arm_id else "", found.vault_id, found.item_id]
    return Signal(**vars(named([each or "" for each in ids], [bare])), source=source, label=FAILURE_FOUND)


def _no_arm_id(where: str, what: str, found: str | None) -> BadSignal:
    return BadSignal(
        f"is not the ARM ID of a {what}: {found!r}.",
        where=where,
        remedy="Name the job (jobId), the item (itemId) or the vault (vaultId) by its full ARM id.",
    )
