"""Protected items and backup instances as they were recorded, as an estate describes them."""

import re
from datetime import datetime, timedelta

from simulator.estate.outcomes import JobStatus, Outcome
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
        if each["lastBackupStatus"] == "Failed":
            failed = Outcome(status=JobStatus.FAILED, seconds=0)
            age = now - when(each["lastBackupTime"])
            stage.server.azure.run_job(item, failed, now=now, age=age)


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
    """The backup instance that a request's path names; its kind is the recording's."""
    name = recording.path.split("/backupInstances/")[1].split("/")[0]
    found = _INSTANCE.fullmatch(name)
    kind = "ContainerService/managedClusters" if recording.name.startswith("dpp_aks") else "Compute/disks"
    return {"workload": f"Microsoft.{kind}", "name": found["name"] if found else name}


def _item(said: Json, now: datetime) -> Json:
    kind, place = said["workloadType"], said["containerName"].split(";")
    state, policy = said["protectionState"], said["policyId"].rpartition("/")[2]
    item = {"resource_group": place[-2], "protection_state": state, "policy": policy}
    if state != "IRPending":
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
