"""For each kind of recorded call, the state in which the simulator is asked the same, and the question."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from simulator.data_protection import job_wire as backup_vault_job_wire
from simulator.estate.inventory import Operation
from simulator.estate.workloads import DATA_PROTECTION
from tools.parity import items, jobs
from tools.parity.recordings import Recording, Reply
from tools.parity.stage import Json, Stage
from tools.parity.times import when

Scene = Callable[[Stage, Recording], Awaitable[Reply]]

#: A VM in a Recovery Services vault and a disk in a Backup vault, where any item will do.
_VM: Json = {"vm": "vm-01"}
_DISK: Json = {"workload": "Microsoft.Compute/disks", "name": "disk-01"}
#: A Full backup of a SQL database is kept for at least so long; the recorded one was to be kept for 30 days.
_FULL = timedelta(days=45)


async def job(stage: Stage, recording: Recording) -> Reply:
    """One job, at the name that the simulator gave it."""
    [found] = jobs.perform(stage, recording)
    return await stage.ask(recording, _instead(recording.path, found.name))


async def job_list(stage: Stage, recording: Recording) -> Reply:
    """The jobs of the vault, all of which the recorded answer shows."""
    jobs.perform(stage, recording)
    # One recording has only a remark in place of its filter.
    filters = {key: value for key, value in recording.query.items() if "<" not in value}
    return await stage.ask(replace(recording, query=filters))


async def cancel(stage: Stage, recording: Recording) -> Reply:
    """A running backup of a VM is asked to stop."""
    stage.set(recording, _VM)
    operation = _triggered(stage)
    return await stage.ask(
        recording, re.sub(r"/backupJobs/[^/]+", f"/backupJobs/{operation.job.name}", recording.path)
    )


async def protected_items(stage: Stage, recording: Recording) -> Reply:
    """Items of a Recovery Services vault."""
    items.show(stage, recording)
    return await stage.ask(recording)


async def no_item(stage: Stage, recording: Recording) -> Reply:
    """An empty vault."""
    stage.set(recording)
    return await stage.ask(recording)


async def policy(stage: Stage, recording: Recording) -> Reply:
    """A policy with the recorded schedules, read back by itself or in a list, also where it was recorded being put."""
    [row] = recording.rows
    said = row["properties"]
    described: Json = {"name": row["name"]}
    if "datasourceTypes" in said:
        described |= _rules(said)
        stage.set(recording, policies=[described], kind="backup")
    else:
        if "workLoadType" in said:
            described["workload"] = said["workLoadType"]
        if "subProtectionPolicy" in said:
            described["log_minutes"] = 60
        stage.set(recording, policies=[described])
    return await stage.ask(recording, method="GET")


def _rules(said: Json) -> Json:
    [rule] = [rule for rule in said["policyRules"] if rule["objectType"] == "AzureBackupRule"]
    period = rule["trigger"]["schedule"]["repeatingTimeIntervals"][0].rpartition("/")[2]
    return {"workload": said["datasourceTypes"][0], "backup_rule": rule["name"], "period": period}


async def instance(stage: Stage, recording: Recording) -> Reply:
    """A backup instance in the recorded state."""
    [row] = recording.rows
    state = row["properties"]["currentProtectionState"]
    location = row["properties"]["dataSourceInfo"]["resourceLocation"]
    described = items.instance(recording) | {"protection_state": state}
    stage.set(recording, described, kind="backup", location=location)
    return await stage.ask(recording, re.sub(r"(?<=/backupInstances/).*", stage.item.name, recording.path))


async def trigger(stage: Stage, recording: Recording) -> Reply:
    """The recorded request, in time for its recovery point to expire as late as the service wants."""
    asked = (recording.body or {})["properties"]
    expiry = asked.get("recoveryPointExpiryTimeInUTC")
    kept = _FULL if asked.get("backupType") == "Full" else timedelta(days=30)
    stage.set(recording, items.of_path(recording), now=when(expiry) - kept if expiry else None)
    return await stage.ask(recording)


async def trigger_instance(stage: Stage, recording: Recording) -> Reply:
    """The recorded request; the rule that it names is the policy's, unless the request was refused."""
    described, rule = items.instance(recording), (recording.body or {})["backupRuleOptions"]["ruleName"]
    good = recording.reply.status == 202  # noqa: PLR2004 - the HTTP status
    named = {"name": "Own", "workload": described["workload"], "backup_rule": rule if good else "BackupDaily"}
    stage.set(recording, described | {"policy": "Own"}, policies=[named], kind="backup")
    return await stage.ask(recording, re.sub(r"(?<=/backupInstances/)[^/]+", stage.item.name, recording.path))


async def operation(stage: Stage, recording: Recording) -> Reply:
    """The operation of a trigger, or of a cancellation, under way or done."""
    in_backup_vault = f"/{DATA_PROTECTION}/" in recording.path
    item, kind = (_DISK, "backup") if in_backup_vault else (_VM, "recovery_services")
    stage.set(recording, item, kind=kind)
    if location := re.search(r"/locations/([^/]+)/", recording.path):
        stage.vault.location = location[1]
    begun = _triggered(stage)
    if "/backupJobs/" in recording.path:
        begun = stage.server.azure.cancel(begun.job, stage.now)
    body = recording.reply.body
    if not (isinstance(body, dict) and body.get("status") == "InProgress"):
        stage.move(seconds=90)
    name = backup_vault_job_wire.operation_name(begun) if in_backup_vault else begun.id
    # The recorded signature is another operation's.
    unsigned = replace(recording, query={"api-version": recording.query["api-version"]})
    return await stage.ask(unsigned, _instead(recording.path, name))


async def vault(stage: Stage, recording: Recording) -> Reply:
    """A vault, with the recorded tags."""
    [row] = recording.rows
    stage.set(recording, tags=row["tags"], location=row["location"])
    return await stage.ask(recording)


async def nothing(stage: Stage, recording: Recording) -> Reply:
    """A resource or resource group that is not there."""
    stage.set(recording)
    return await stage.ask(recording, recording.path.replace("Microsoft.ClassicStorage", "Microsoft.Storage"))


async def graph(stage: Stage, recording: Recording) -> Reply:
    """The recorded query, over the resources that its answer shows."""
    body, asked = recording.reply.body, recording.body or {}
    rows = body["data"] if isinstance(body, dict) else []
    if not isinstance(rows, list) or "properties" not in rows[0]:
        return await _graph_pages(stage, recording)
    owner = replace(recording, path=rows[0]["id"])
    if rows[0]["type"].endswith("/backupjobs"):
        jobs.perform(stage, owner, rows)
    else:
        stage.set(owner, kind="backup", location=rows[0]["location"], tags=rows[0]["tags"])
    return await stage.ask(recording, body={**asked, "subscriptions": [owner.vault[0]]})


async def _graph_pages(stage: Stage, recording: Recording) -> Reply:
    """Pages of three of the eight disks that the query finds; the token is the simulator's own."""
    asked = dict(recording.body or {})
    subscription = asked["subscriptions"][0]
    stage.set(
        replace(recording, path=f"/subscriptions/{subscription}"),
        *(_DISK | {"name": f"test-{number}"} for number in range(8)),
        kind="backup",
    )
    if "$skipToken" not in asked["options"]:
        return await stage.ask(recording)
    first = await stage.ask(recording, body=asked | {"options": {"$top": 3}})
    token = first.body["$skipToken"] if isinstance(first.body, dict) else ""
    return await stage.ask(recording, body=asked | {"options": {"$top": 3, "$skipToken": token}})


def _triggered(stage: Stage) -> Operation:
    return stage.server.azure.trigger_backup(stage.item, activity_id="a", expires=None, now=stage.now)


def _instead(path: str, name: str) -> str:
    """The path with another last part."""
    return f"{path.rstrip('/').rpartition('/')[0]}/{name}"


#: By the names of the recordings, the first that matches.
SCENES: Mapping[str, Scene] = {
    r"arg__": graph,
    r"arm__": nothing,
    r"dpp_\w+__put_policy__|\w+__get_policy__": policy,
    r"\w+__list_jobs__": job_list,
    r"\w+__get_job__": job,
    r"\w+__cancel_job__": cancel,
    r"\w+__(cancel_job_)?operation_(status|result)__": operation,
    r"dpp_\w+__get_backup_instance__": instance,
    r"dpp_\w+__trigger_backup__": trigger_instance,
    r"\w+__trigger_backup__": trigger,
    r"rsv__get_vault__": vault,
    r"rsv__(get_protected_item|list_containers)__": no_item,
    r"\w+__(get|list)_protected_items?__": protected_items,
}


def scene(recording: Recording) -> Scene | None:
    """The scene of a recording; None: its operation is not served."""
    return next((each for name, each in SCENES.items() if re.match(name, recording.name)), None)
