"""For each kind of recorded call, the state in which the simulator is asked the same, and the question."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import timedelta

from simulator.data_protection import job_wire as backup_vault_job_wire
from simulator.estate.inventory import Operation
from simulator.estate.workloads import DATA_PROTECTION
from tools.parity import items, jobs, policies
from tools.parity.graph import graph
from tools.parity.recordings import Recording, Reply
from tools.parity.refusals import refused
from tools.parity.stage import Json, Stage
from tools.parity.times import when

Scene = Callable[[Stage, Recording], Awaitable[Reply]]

#: A VM in a Recovery Services vault and a disk in a Backup vault, where any item will do.
_VM: Json = {"vm": "vm-01"}
_DISK: Json = {"workload": "Microsoft.Compute/disks", "name": "disk-01"}
_FIRST_ERROR = 400
#: Since that api-version a Full backup of a SQL database is kept for 45 days at least.
_FULL_KEPT_LONGER, _FULL_DAYS = "2022-07", 45


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


async def policy(stage: Stage, recording: Recording) -> Reply:
    """The policies with the recorded schedules, read back by themselves or in a list, also where they were put."""
    policies.show(stage, recording)
    return await stage.ask(recording, method="GET")


async def instances(stage: Stage, recording: Recording) -> Reply:
    """Backup instances in the recorded states."""
    items.show_instances(stage, recording)
    path = recording.path
    if re.search(r"backupInstances/[^/]+$", path, re.IGNORECASE):
        path = _instead(path, stage.item.name)
    return await stage.ask(recording, path)


async def trigger(stage: Stage, recording: Recording) -> Reply:
    """The recorded request, in time for its recovery point to expire as late as the service wants."""
    asked = (recording.body or {}).get("properties", {})
    expiry = asked.get("recoveryPointExpiryTimeInUTC")
    least = _FULL_DAYS if recording.api_version >= _FULL_KEPT_LONGER else 0
    kept = least if least and asked.get("backupType") == "Full" else 30
    now = when(expiry) - timedelta(days=kept) if expiry else None
    stage.set(recording, items.of_path(recording), now=now, settings={"sql_full_retention_days": least})
    return await stage.ask(recording)


async def trigger_instance(stage: Stage, recording: Recording) -> Reply:
    """The recorded request; the rule that it names is the policy's, unless the request was refused."""
    options = (recording.body or {}).get("backupRuleOptions", {})
    described, rule = items.instance(recording), options.get("ruleName") or "BackupDaily"
    good = recording.reply.status < _FIRST_ERROR
    named = {"name": "Own", "workload": described["workload"], "backup_rule": rule if good else "BackupDaily"}
    stage.set(recording, described | {"policy": "Own"}, policies=[named], kind="backup")
    return await stage.ask(recording, re.sub(r"(?<=/backupInstances/)[^/]+", stage.item.name, recording.path))


async def operation(stage: Stage, recording: Recording) -> Reply:
    """The operation of a trigger, or of a cancellation, under way or done."""
    in_backup_vault = f"/{DATA_PROTECTION}/".lower() in recording.path.lower()
    item, kind = (_DISK, "backup") if in_backup_vault else (_VM, "recovery_services")
    stage.set(recording, item, kind=kind)
    if location := re.search(r"/locations/([^/]+)/", recording.path):
        stage.vault.location = location[1]
    begun = _triggered(stage)
    if "/backupJobs/" in recording.path:
        begun = stage.server.azure.cancel(begun.job, stage.now)
    body = recording.reply.body
    if not (isinstance(body, dict) and str(body.get("status")).lower() == "inprogress"):
        stage.move(seconds=90)
    name = backup_vault_job_wire.operation_name(begun) if in_backup_vault else begun.id
    # The recorded signature is another operation's.
    unsigned = replace(recording, query={"api-version": recording.api_version})
    return await stage.ask(unsigned, _instead(recording.path, name))


async def vault(stage: Stage, recording: Recording) -> Reply:
    """A vault, with the recorded tags."""
    [row] = recording.rows
    kind = "backup" if f"/{DATA_PROTECTION}/".lower() in recording.path.lower() else "recovery_services"
    stage.set(recording, tags=row.get("tags"), location=row["location"], kind=kind)
    return await stage.ask(recording)


async def nothing(stage: Stage, recording: Recording) -> Reply:
    """A resource or resource group that is not there, or an empty vault."""
    stage.set(recording)
    return await stage.ask(recording, recording.path.replace("Microsoft.ClassicStorage", "Microsoft.Storage"))


def _triggered(stage: Stage) -> Operation:
    return stage.server.azure.trigger_backup(stage.item, activity_id="a", expires=None, now=stage.now)


def _instead(path: str, name: str) -> str:
    """The path with another last part."""
    return f"{path.rstrip('/').rpartition('/')[0]}/{name}"


#: By method and path, the first that matches all of it.
SCENES: Mapping[str, Scene] = {
    r"POST .*/Microsoft\.ResourceGraph/resources": graph,
    r"(GET|PUT) .*/backupPolicies(/[^/]+)?": policy,
    r"GET .*/(operations?Status|operationResults|backupOperations|backupOperationResults)/[^/]+": operation,
    r"POST .*/backupJobs/[^/]+/cancel": cancel,
    r"GET .*/backupJobs": job_list,
    r"GET .*/backupJobs/[^/]+": job,
    r"GET .*/(deletedBackupInstances|backupInstances)(/[^/]+)?": instances,
    r"POST .*/backupInstances/[^/]+/backup": trigger_instance,
    r"POST .*/protectedItems/[^/]+/backup": trigger,
    r"GET .*/(backupProtectedItems|protectedItems/[^/]+)": protected_items,
    r"GET .*/(vaults|backupVaults)/[^/]+": vault,
    r"GET /.*": nothing,
}


def scene(recording: Recording) -> Scene | None:
    """The scene of a recording; None: its operation is not served."""
    call = f"{recording.method} {recording.path.rstrip('/')}"
    for pattern, play in SCENES.items():
        if re.fullmatch(pattern, call, re.IGNORECASE):
            bad = recording.reply.status >= _FIRST_ERROR and play is not trigger_instance
            return refused if bad else play
    return None
