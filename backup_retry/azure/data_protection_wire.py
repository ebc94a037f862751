"""What a backup vault's JSON means here.

The SDK's models are read as the mappings they are, by the wire's own names: tried with azure-mgmt-dataprotection 2.2,
they hand on every field as it came, nulls and fields of newer versions too, and what has an objectType is either a
mapping of its own class or, where the type is not known there, a plain one. Every field may be missing.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from backup_retry.azure.json_fields import Fields, OddAnswer, part, parts, required, text, time_of
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.error_catalog import RESTORE, first_known
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import Job, JobError, JobStatus, Operation
from backup_retry.domain.schedule import BackupPolicy, Schedule, repeating
from backup_retry.domain.time_zones import time_zone
from backup_retry.domain.workloads import workload

#: the specification's words and those of real answers
_STATUSES = {
    "started": JobStatus.IN_PROGRESS,
    "": JobStatus.IN_PROGRESS,
    "succeeded": JobStatus.COMPLETED,
    **{status.value.lower(): status for status in JobStatus},
}
_DELETED = frozenset({"softdeleted", "softdeleting"})
_DURATION = re.compile(r"P(?P<count>\d+)(?P<unit>[DWMY])")
_LONG_TERM = frozenset({"firstofmonth", "firstofyear"})
_DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}


def read_job(name: str, properties: Fields, vault: Vault) -> Job:
    """A job of a vault, from the properties of its list form (no extendedInfo) or detail form."""
    info = part(properties, "extendedInfo")
    warnings = [part(each, "warning") for each in parts(info, "warningDetails")]
    errors = [each for each in [*parts(properties, "errorDetails"), *warnings] if each]
    details = part(info, "additionalDetails")
    by_hand = properties.get("isUserTriggered")
    of, operation = workload(text(properties, "dataSourceType")).name, _operation(properties)
    status = _STATUSES.get(text(properties, "status").lower(), JobStatus.UNKNOWN)
    started_at = time_of(properties, "startTime")
    if started_at is None and not status.running:
        raise OddAnswer("it has ended, and no startTime says when it began")
    return Job(
        id=name,
        vault=vault,
        workload=of,
        operation=operation,
        status=status,
        started_at=started_at or datetime.min.replace(tzinfo=UTC),
        ended_at=time_of(properties, "endTime"),
        activity_id=text(properties, "activityID"),
        on_demand=by_hand if isinstance(by_hand, bool) else None,
        entity_name=text(properties, "backupInstanceFriendlyName") or text(properties, "dataSourceName"),
        item=item_of(properties, vault),
        error=_read_error(errors[0], of + RESTORE if operation == "Restore" else of) if errors else None,
        moved_data=_moved_data(properties),
        rule=text(details, "PolicyRuleName"),
        retention_tag=text(details, "RetentionTag"),
    )


def read_instance(properties: Fields) -> ItemState:
    """A backup instance; it does not say when its last recovery point was made."""
    status = part(properties, "protectionStatus")
    state = text(properties, "currentProtectionState") or text(status, "status")
    error = part(properties, "protectionErrorDetails") or part(status, "errorDetails")
    source = part(properties, "dataSourceInfo")
    return ItemState(
        protection_state=state or "Protected",
        deleted=state.lower() in _DELETED,
        kpi_title=_read_error(error, text(source, "datasourceType")).title,
        policy_id=text(part(properties, "policyInfo"), "policyId"),
        source_id=text(source, "resourceID"),
    )


def read_policy(properties: Fields) -> BackupPolicy:
    """A backup policy's rules, their schedules by rule and all together, and how long it keeps its recovery points.

    A policy without backup rules protects continuously: there is nothing to trigger. One without any rule, not even to
    keep something, is none of Azure's, and says nothing. A rule can be triggered whatever its schedule says, so one
    that cannot be read is left out and the rule stays.
    https://learn.microsoft.com/rest/api/dataprotection/backup-policies/get
    """
    all_rules = [each for each in parts(properties, "policyRules") if each]
    if not all_rules:
        return BackupPolicy(problem="It has no rules.")
    rules = [each for each in all_rules if text(each, "objectType") == "AzureBackupRule"]
    policy = BackupPolicy(
        rules={text(rule, "name"): _default_tag(rule) for rule in rules},
        base_retention=_default_retention(all_rules, rules),
        long_term_tags=frozenset(_long_term_tags(rules)),
    )
    try:
        return replace(policy, schedules=_schedules(rules), zone=time_zone(_zone(rules)))
    except ValueError as error:
        return replace(policy, problem=f"Its schedule cannot be read: {error}")


def read_operation(body: Fields) -> Operation:
    """An operation's status; its job is named by a full ARM id."""
    error = part(body, "error")
    return Operation(
        status=required(body, "status"),
        job_id=text(part(body, "properties"), "jobId").rsplit("/", 1)[-1],
        error=_read_error(error) if error else None,
    )


def _operation(properties: Fields) -> str:
    """Backup, Restore …: by its category, since `operation` may say more; a restore across regions is one, too."""
    operation = text(properties, "operationCategory") or text(properties, "operation")
    return "Restore" if "restore" in operation.lower() else operation


def _moved_data(properties: Fields) -> bool | None:
    """Whether a job that completed with warnings made a recovery point and moved what there was; see its details.

    A disk's or a cluster's job never says how much: what it makes is a snapshot.
    """
    info = part(properties, "extendedInfo")
    if text(properties, "status").lower() != "completedwithwarnings" or not info:
        return None
    made = text(part(info, "targetRecoverPoint"), "recoveryPointID")
    return bool(made) and info.get("dataTransferredInBytes") != 0


def item_of(properties: Fields, vault: Vault) -> ProtectedItem | None:
    """The instance that a job names, unless it belongs to another vault; ids come in several casings."""
    item = ProtectedItem.parse(text(properties, "backupInstanceId"))
    return replace(item, vault=vault) if item and item.vault.key == vault.key else None


# ---- errors ------------------------------------------------------------------------------------------------


def _read_error(error: Fields, of: str = "") -> JobError:
    """An error as its innermost layer tells it whose code the catalogue knows for such a workload.

    What that one lacks, or all of it where no code is known, comes from the outermost layer that has it: some have a
    code only, some only what is inside.
    """
    layers = list(_layers(error))
    inward = list(reversed(layers))
    place = first_known([text(layer, "code") for layer in inward], of)
    if place is not None:
        layers.insert(0, inward[place])
    retryable = _first(layers, "isRetryable")
    return JobError(
        title=str(_first(layers, "code") or ""),
        message=str(_first(layers, "message") or "").strip(),
        advice=_advice(_first(layers, "recommendedAction")),
        retryable=retryable if isinstance(retryable, bool) else None,
    )


def _layers(error: Fields) -> Iterator[Fields]:
    """The error and those within it: ARM keeps them in additionalInfo, the service in details and innerError."""
    yield error
    infos = error.get("additionalInfo")
    inner = [part(each, "info") for each in infos or [] if each] if isinstance(infos, Sequence) else []
    inner += parts(error, "details")
    inner += [part(error, name) for name in ("innerError", "embeddedInnerError")]
    for each in inner:
        if each:
            yield from _layers(each)


def _first(layers: Sequence[Fields], name: str) -> Any:  # noqa: ANN401 (whatever the wire has there)
    return next((layer[name] for layer in layers if layer.get(name) not in (None, "", [])), None)


def _advice(said: Any) -> str:  # noqa: ANN401 (a list on the wire, a text in some answers)
    parts = [said] if isinstance(said, str) else said or []
    return " ".join(str(each).strip() for each in parts if each)


# ---- policies ----------------------------------------------------------------------------------------------


def _schedules(rules: Sequence[Fields]) -> Mapping[str, tuple[Schedule, ...]]:
    by_rule = {text(rule, "name").lower(): tuple(_rule_schedules(rule)) for rule in rules}
    return {**by_rule, "": tuple(each for schedules in by_rule.values() for each in schedules)}


def _rule_schedules(rule: Fields) -> Iterator[Schedule]:
    for interval in part(part(rule, "trigger"), "schedule").get("repeatingTimeIntervals") or []:
        yield repeating(interval)


def _zone(rules: Sequence[Fields]) -> str:
    """The zone of the schedules, by its Windows name; the portal writes the same one to all of them."""
    zones = (text(part(part(rule, "trigger"), "schedule"), "timeZone") for rule in rules)
    return next((zone for zone in zones if zone), "UTC")


def _default_tag(rule: Fields) -> str:
    """The retention tag that a rule's recovery points have if nothing else is said."""
    criteria = part(rule, "trigger").get("taggingCriteria") or []
    if isinstance(criteria, Mapping):  # a rule that only runs on demand has one, and no list
        return text(part(criteria, "tagInfo"), "tagName")
    return next((text(part(each, "tagInfo"), "tagName") for each in criteria if each.get("isDefault")), "")


def _long_term_tags(rules: Sequence[Fields]) -> Iterator[str]:
    """The retention tags of what is picked out once a month or a year."""
    for rule in rules:
        criteria = part(rule, "trigger").get("taggingCriteria") or []
        for each in [] if isinstance(criteria, Mapping) else criteria:
            if any(_is_long_term(criterion) for criterion in each.get("criteria") or []):
                yield text(part(each, "tagInfo"), "tagName")


def _is_long_term(criterion: Fields) -> bool:
    absolute = {str(each).lower() for each in criterion.get("absoluteCriteria") or []}
    by_month = ("monthsOfYear", "weeksOfTheMonth", "daysOfMonth")
    return bool(absolute & _LONG_TERM) or any(criterion.get(name) for name in by_month)


def _default_retention(all_rules: Sequence[Fields], backup_rules: Sequence[Fields]) -> timedelta | None:
    """How long the default retention rule keeps what the backup rules make: a name or flag may represent two stores."""
    stores = {_store(part(rule, "dataStore")) for rule in backup_rules}
    for rule in all_rules:
        if text(rule, "objectType") == "AzureRetentionRule" and rule.get("isDefault"):
            for lifecycle in rule.get("lifecycles") or []:
                if _store(part(lifecycle, "sourceDataStore")) in stores:
                    return _duration(text(part(lifecycle, "deleteAfter"), "duration"))
    return None


def _store(store: Fields) -> str:
    return text(store, "dataStoreType").lower()


def _duration(value: str) -> timedelta | None:
    match = _DURATION.fullmatch(value)
    return timedelta(days=int(match["count"]) * _DAYS[match["unit"]]) if match else None
