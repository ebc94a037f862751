"""Jobs as they were recorded, made to happen in the simulator."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from simulator.estate.inventory import Item, Job
from simulator.estate.outcomes import JobError, JobStatus, Outcome
from tools.parity.items import held_by
from tools.parity.recordings import Recording
from tools.parity.stage import Json, Stage
from tools.parity.times import length, when

#: Examples of the specification have statuses that no recorded job has.
_STATUSES = {"Started": "InProgress", "Succeeded": "Completed"}
_RUNNING = frozenset({"InProgress", "Cancelling"})
_OF_A_DATABASE = re.compile(r"(?:(?P<instance>[^/]+)/)?(?P<name>.+) \[(?P<server>.+)\]")
#: The instance or system that the jobs of a database do not name.
_INSTANCES = {"SQLDataBase": "MSSQLSERVER", "SAPHanaDatabase": "HXE"}


def perform(stage: Stage, recording: Recording, rows: list[Json] | None = None) -> list[Job]:
    """Set the stage with all that the rows are about, and run their jobs; the result is in the rows' order."""
    rows = recording.rows if rows is None else rows
    if not rows:
        stage.set(recording, kind="backup" if "/backupVaults/" in recording.path else "recovery_services")
        return []
    said = [row["properties"] for row in rows]
    items = [_item(each) for each in said]
    now = max(_seen_at(each) for each in said)
    kind = "backup" if "dataSourceType" in said[0] else "recovery_services"
    location = said[0].get("dataSourceLocation", "westeurope")
    stage.set(recording, *_distinct(items), now=now, policies=_policies(items), kind=kind, location=location)
    found = [_found(stage, item) for item in items]
    return [_run(stage, each, item) for each, item in zip(said, found, strict=True)]


def _seen_at(said: Json) -> datetime:
    """A time at which the job looked so."""
    end = said.get("endTime")
    return when(end) if end else when(said["startTime"]) + length(said["duration"])


def _policies(items: list[Json]) -> list[Json]:
    named = {item["policy"]: item.get("workload") for item in items if item.get("policy")}
    return [
        {"name": name, **({"workload": kind} if kind else {}), **_log(kind)} for name, kind in named.items()
    ]


def _log(workload: str | None) -> Json:
    return {"log_minutes": 60} if workload in _INSTANCES else {}


def _distinct(items: list[Json]) -> list[Json]:
    """Each item once, by the name of it that has capitals: the service lower-cases some."""
    return list({_key(item): item for item in sorted(items, key=_shown, reverse=True)}.values())


def _shown(item: Json) -> str:
    return str(item.get("vm") or item["name"])


def _key(item: Json) -> str:
    return f"{item.get('workload')} {_shown(item)}".lower()


def _found(stage: Stage, described: Json) -> Item:
    wanted = _shown(described).lower()
    return next(item for item in stage.vault.items if item.friendly_name.lower() == wanted)


def _item(said: Json) -> Json:
    """What the job is about, as an estate describes it."""
    if "dataSourceType" in said:
        kind, server = said["dataSourceType"], said.get("dataSourceSetName")
        named = {"name": said["dataSourceName"], "resource_group": said["sourceResourceGroup"]}
        return {"workload": kind, **named, **held_by(kind, server or ""), "policy": said["policyName"]}
    bag = said.get("extendedInfo", {}).get("propertyBag", {})
    policy = {"policy": bag["Policy Name"]} if "Policy Name" in bag else {}
    return _OF[said["backupManagementType"]](said) | policy


def _machine(said: Json) -> Json:
    group = said.get("containerName", ";rg-app;").split(";")[1]
    return {"vm": said["entityFriendlyName"], "resource_group": group}


def _share(said: Json) -> Json:
    name, account = said["entityFriendlyName"], said["storageAccountName"]
    return {"workload": "AzureFileShare", "name": name, "account": account}


def _database(said: Json) -> Json:
    # A young job says neither the kind of database nor its server.
    shown, kind = said["entityFriendlyName"], said.get("workloadType", "SQLDataBase")
    found = _OF_A_DATABASE.fullmatch(shown)
    # A registration names the machine, a change of protection only the database.
    name, server = (found["name"], found["server"]) if found else (shown, shown)
    described = {"workload": kind, "name": name, "server": server}
    described |= {"instance": _INSTANCES[kind]} if kind in _INSTANCES else {}
    if found and found["instance"]:
        described |= {"instance": found["instance"], "entity_name": shown}
    return described


def _of_a_server(said: Json) -> Json:
    """What an agent or a DPM server backs up."""
    kind = "MAB" if said["backupManagementType"] == "MAB" else "DPM"
    server = said.get("mabServerName") or said["dpmServerName"]
    return {"workload": kind, "name": said["entityFriendlyName"], "server": server}


_OF = {
    "AzureIaasVM": _machine,
    "AzureStorage": _share,
    "AzureWorkload": _database,
    "MAB": _of_a_server,
    "DPM": _of_a_server,
}


def _run(stage: Stage, said: Json, item: Item) -> Job:
    operation, _, kind = str(said["operation"]).rstrip(")").partition(" (")
    shown = str(said["status"])
    status = _STATUSES.get(shown, shown)
    start = when(said["startTime"])
    job = stage.server.azure.run_job(
        item,
        _outcome(said, status, start),
        now=stage.now,
        age=stage.now - start,
        user_triggered=_bag(said)[_ADHOC] == "True"
        if _ADHOC in _bag(said)
        else bool(said.get("isUserTriggered")),
        operation=operation,
        kind=kind,
    )
    if _EXPIRY in _bag(said):
        job.expires = start + timedelta(days=30)
    if tag := (said.get("extendedInfo") or {}).get("additionalDetails", {}).get("RetentionTag"):
        job.retention_tag = tag
    if status == JobStatus.CANCELLING:
        stage.server.azure.cancel(job, stage.now)
    return job


_EXPIRY, _ADHOC = "Recovery Point Expiry Time in UTC", "Whether job is adhoc or scheduled."


def _bag(said: Json) -> Mapping[str, Any]:
    info = said.get("extendedInfo") or {}
    bag: Mapping[str, Any] = info.get("propertyBag", {})
    return bag


def _outcome(said: Json, status: str, start: datetime) -> Outcome:
    if status in _RUNNING:
        return Outcome(status=JobStatus.IN_PROGRESS)
    seconds = (when(said["endTime"]) - start).total_seconds()
    [details] = said.get("errorDetails") or [None]
    error = details and (_error(details) if "errorCode" in details else _nested(details))
    return Outcome(status=JobStatus(status), seconds=seconds, error=error, data=_moved(said))


def _error(said: Json) -> JobError:
    return JobError(
        code=said["errorCode"],
        title=said.get("errorTitle", ""),
        message=said["errorString"],
        recommendations=tuple(said["recommendations"]),
    )


def _nested(said: Json) -> JobError:
    """An error of a Backup vault, with those within it."""
    return JobError(
        code=0,
        title=said["code"],
        message=said["message"],
        recommendations=tuple(said["recommendedAction"]),
        retryable=said["isRetryable"],
        user_error=said["isUserError"],
        details=tuple(_nested(each) for each in said.get("details") or []),
        inner=said.get("innerError"),
        target=said["target"],
    )


def _moved(said: Json) -> bool:
    """Whether a job that ended with warnings says that it has moved something."""
    return _bag(said).get("Backup Size") != "0 MB" or said["status"] != "CompletedWithWarnings"
