"""Protected items and backup instances as they were recorded, as an estate describes them."""

import re
from datetime import datetime, timedelta

from simulator.estate.inventory import Item
from simulator.estate.outcomes import JobError, JobStatus, Outcome
from simulator.estate.workloads import DISK, WORKLOADS
from tools.parity.recordings import Recording
from tools.parity.stage import Json, Stage
from tools.parity.times import when

_INSTANCE = re.compile(r"(?P<name>.+)-(?P=name)-[0-9a-f-]{36}")
_DAY = timedelta(days=1)


def show(stage: Stage, recording: Recording) -> None:
    """Set the stage with the items of the recorded answer, in the states that they were in."""
    said = [row["properties"] for row in recording.rows]
    times = [when(each["lastBackupTime"]) for each in said if "lastBackupTime" in each]
    now = max(times, default=stage.now) + _DAY
    items = [_item(each, now) for each in said]
    policies = {item["policy"]: _policy(item) for item in items}
    stage.set(recording, *items, now=now, policies=list(policies.values()))
    for each, item in zip(said, stage.vault.items, strict=True):
        _happened(stage, each, item)


def _happened(stage: Stage, said: Json, item: Item) -> None:
    """What had happened to an item for it to say that its last backup failed, or warned, or was a restore's."""
    run, now = stage.server.azure.run_job, stage.now
    if "RestoreOperationStatusKPI" in said.get("kpisHealths", {}):
        run(item, Outcome(seconds=0), now=now, age=_DAY, operation="Restore")
    last, error = said["lastBackupStatus"], _error(said)
    if last in {"Failed", "CompletedWithWarnings"} or (error and last == "IRPending"):
        status = JobStatus.COMPLETED_WITH_WARNINGS if last == "CompletedWithWarnings" else JobStatus.FAILED
        age = now - when(said["lastBackupTime"])
        run(item, Outcome(status=status, seconds=0, error=error), now=now, age=age)


def _error(said: Json) -> JobError | None:
    """Why the last backup failed, or what it warned of, as the item has it."""
    detail = said.get("lastBackupErrorDetail", {})
    if detail.get("code", "Success") != "Success":
        kept = tuple(detail.get("recommendations", ()))
        return JobError(code=0, title=detail["code"], message=detail["message"], recommendations=kept)
    kpi = said.get("kpisHealths", {}).get("BackupOperationStatusKPI", {})
    for each in kpi.get("resourceHealthDetails", []):
        if each["title"] != "Success":
            kept = tuple(each["recommendations"])
            return JobError(
                code=each["code"], title=each["title"], message=each["message"], recommendations=kept
            )
    return None


def of_path(recording: Recording) -> Json:
    """The item that a request's path names."""
    container, item = (
        part.split(";") for part in recording.path.split("/protectionContainers/")[1].split("/")[:3:2]
    )
    match item[0]:
        case "VM":
            return {"vm": item[-1], "resource_group": item[-2]}
        case "AzureFileShare":
            place = {"account": container[-1], "resource_group": container[-2]}
        case _:
            place = {"server": container[-1], "resource_group": container[-2], "instance": item[-2]}
    return {"workload": item[0], "name": item[-1]} | place


def instance(recording: Recording) -> Json:
    """The backup instance that a request's path names, which does not name its workload: a disk."""
    name = recording.path.split("/backupInstances/")[1].split("/")[0]
    found = _INSTANCE.fullmatch(name)
    return {"workload": DISK.name, "name": found["name"] if found else name}


def show_instances(stage: Stage, recording: Recording, rows: list[Json] | None = None) -> None:
    """Set the stage with the recorded backup instances, in the states that they were in."""
    said = [row["properties"] for row in (recording.rows if rows is None else rows)]
    shown = [_instance(each) for each in said]
    names = {(item["policy"], item["workload"]) for item in shown}
    policies = [{"name": name, "workload": workload} for name, workload in sorted(names)]
    location = said[0]["dataSourceInfo"]["resourceLocation"] if said else "westeurope"
    stage.set(recording, *shown, policies=policies, kind="backup", location=location)


def held_by(workload: str, server: str) -> Json:
    """Where a workload of a Backup vault is a part of a server: which."""
    return {"server": server} if WORKLOADS[workload].part else {}


def _instance(said: Json) -> Json:
    source = said["dataSourceInfo"]
    holder = said.get("dataSourceSetInfo") or source
    return {
        "workload": source["datasourceType"],
        "name": source["resourceName"],
        **held_by(source["datasourceType"], holder["resourceName"]),
        "resource_group": source["resourceID"].split("/")[4],
        "policy": said["policyInfo"]["policyId"].rpartition("/")[2],
        "protection_state": said["currentProtectionState"],
    }


def _item(said: Json, now: datetime) -> Json:
    kind, place = said["workloadType"], said["containerName"].split(";")
    state, policy = said["protectionState"], said["policyId"].rpartition("/")[2]
    item = {"resource_group": place[-2], "protection_state": state, "policy": policy}
    if said["lastBackupStatus"] == "IRPending":
        item["last_backup_age_seconds"] = "never"
    elif state != "IRPending":
        item["last_backup_age_seconds"] = (now - when(said["lastBackupTime"])).total_seconds()
    if kind == "VM":
        return item | {"vm": said["friendlyName"]}
    item |= {"workload": kind, "name": said["friendlyName"]}
    if kind == "AzureFileShare":
        return item | {"account": place[-1]}
    return item | {"server": place[-1], "instance": said["parentName"]}


def _policy(item: Json) -> Json:
    workload = {"workload": item["workload"]} if "workload" in item else {}
    return {"name": item["policy"], **workload}
