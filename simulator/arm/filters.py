"""The `$filter` of Recovery Services lists: `name eq 'value'` joined by `and`.

https://learn.microsoft.com/rest/api/backup/backup-jobs/list
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from simulator.arm.errors import invalid_input
from simulator.estate.inventory import Item, Job
from simulator.estate.outcomes import JobStatus
from simulator.estate.policies import Policy

_CLAUSE = re.compile(r"\s*(\w+)\s+eq\s+'([^']*)'\s*", re.IGNORECASE)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)
#: The 12-hour clock, UTC.
_TIME = "%Y-%m-%d %I:%M:%S %p"

_JOB_FILTERS = ("startTime", "endTime", "operation", "backupManagementType", "status", "jobId")
_ITEM_FILTERS = (
    "backupManagementType",
    "itemType",
    "policyName",
    "containerName",
    "friendlyName",
    "protectionState",
)
_POLICY_FILTERS = ("backupManagementType", "workloadType")
_CONTAINER_FILTERS = ("backupManagementType", "containerType", "friendlyName", "status")


def parse(text: str, allowed: Iterable[str]) -> dict[str, str]:
    """The clauses by their canonical names. Empty values, as PowerShell sends them, say nothing.

    Raises:
        ArmError: the text is no such filter or names something else.
    """
    names = {name.lower(): name for name in allowed}
    clauses: dict[str, str] = {}
    for part in _AND.split(text) if text.strip() else []:
        clause = _CLAUSE.fullmatch(part)
        if clause is None or clause[1].lower() not in names:
            raise invalid_input(f"$filter {part!r} is none of {', '.join(names.values())} eq '...'")
        clauses[names[clause[1].lower()]] = clause[2]
    return {name: value for name, value in clauses.items() if value}


def jobs(found: Iterable[Job], text: str) -> list[Job]:
    """The jobs that the filter lets through.

    Raises:
        ArmError: the filter cannot be understood.
    """
    clauses = parse(text, _JOB_FILTERS)
    since, until = _time(clauses, "startTime"), _time(clauses, "endTime")
    status, operation = _status(clauses.get("status")), clauses.get("operation", "").lower()
    return [
        job
        for job in found
        if _is_managed(job.item, clauses)
        and (since is None or job.start_time >= since)
        and (until is None or job.start_time <= until)
        and (status is None or job.status is status)
        and operation in {"", job.operation.lower()}
        and clauses.get("jobId", job.name).lower() == job.name
    ]


def items(found: Iterable[Item], text: str) -> list[Item]:
    """The protected items that the filter lets through.

    Raises:
        ArmError: the filter cannot be understood.
    """
    clauses = parse(text, _ITEM_FILTERS)
    return [item for item in found if _matches(item, clauses)]


def containers(found: Iterable[Item], text: str) -> list[Item]:
    """An item of each container that the filter lets through: a VM is one, and many databases share one.

    Raises:
        ArmError: the filter cannot be understood or does not say which backup management type.
    """
    clauses = parse(text, _CONTAINER_FILTERS)
    if "backupManagementType" not in clauses:
        raise invalid_input("$filter needs backupManagementType eq '...'")
    if clauses.pop("status", "Registered").lower() != "registered":
        return []
    name = clauses.pop("friendlyName", "").lower()
    chosen = [item for item in found if name in {"", item.source_name.lower()} and _matches(item, clauses)]
    return list({item.container_id: item for item in reversed(chosen)}.values())[::-1]


def policies(found: Iterable[Policy], text: str) -> list[Policy]:
    """The policies that the filter lets through.

    Raises:
        ArmError: the filter cannot be understood.
    """
    clauses = parse(text, _POLICY_FILTERS)
    return [
        policy
        for policy in found
        if clauses.get("backupManagementType", policy.workload.management_type).lower()
        == policy.workload.management_type.lower()
        and clauses.get("workloadType", policy.workload.name).lower() == policy.workload.name.lower()
    ]


def _matches(item: Item, clauses: dict[str, str]) -> bool:
    actual = {
        "itemType": item.workload.shown_type,
        "containerType": item.workload.container_type,
        "policyName": item.policy.name,
        "containerName": item.container_name,
        "friendlyName": item.friendly_name,
        "protectionState": item.protection_state,
    }
    named = all(clauses.get(name, value).lower() == value.lower() for name, value in actual.items())
    return named and _is_managed(item, clauses)


def _is_managed(item: Item, clauses: dict[str, str]) -> bool:
    actual = item.workload.management_type.lower()
    return clauses.get("backupManagementType", actual).lower() == actual


def _status(text: str | None) -> JobStatus | None:
    if text is None:
        return None
    for status in JobStatus:
        if status.lower() == text.lower():
            return status
    raise invalid_input(f"$filter status {text!r} is none of {', '.join(JobStatus)}")


def _time(clauses: dict[str, str], name: str) -> datetime | None:
    text = clauses.get(name)
    if text is None:
        return None
    try:
        return datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        raise invalid_input(f"$filter {name} {text!r} is not like 2026-01-31 02:00:00 PM") from None
