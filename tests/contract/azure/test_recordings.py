"""Real answers of Recovery Services, played back to the adapter over TLS and read through Microsoft's models."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import Job, JobError, JobStatus, Operation
from simulator.machine.tls import Certificates
from tests.failures import VAULT
from tests.player import Player, playing
from tests.recorded import looked_at
from tests.vault_world import VM

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAYLOADS = Path(__file__).parents[2] / "payloads"
RECORDINGS = Path(__file__).parents[4] / "shared" / "azure" / "recordings"
needs_recordings = pytest.mark.skipif(
    not RECORDINGS.is_dir(), reason="the collection of recorded answers is not at hand"
)
#: by backupManagementType; of the others the job says it itself
WORKLOADS = {"AzureIaasVM": "VM", "AzureStorage": "AzureFileShare"}
Json = dict[str, Any]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def player(trust: Certificates) -> AsyncIterator[Player]:
    async with playing(trust, Player()) as started:
        yield started


def payload(name: str) -> Any:
    """A payload of our own."""
    return json.loads((PAYLOADS / name).read_text(encoding="utf-8"))


def recorded(*patterns: str) -> list[Any]:
    """The recordings of Recovery Services that match, refusals aside, as parameters."""
    found = [path for path in looked_at(*patterns) if "error" not in body_of(path)]
    return [pytest.param(path, id=path.stem) for path in found if not path.name.startswith("dpp_")]


def body_of(recording: Path) -> Json:
    """The body that was answered."""
    body: Json = json.loads(recording.read_text(encoding="utf-8"))["response"]["body"]
    return body


def when(text: str | None) -> datetime | None:
    """A time of the wire: seven decimals at most; the year 1 is no time."""
    if not text or text.startswith("0001"):
        return None
    seconds, _, fraction = text.rstrip("Z").partition(".")
    micros = int((fraction + "000000")[:6])
    return datetime.fromisoformat(seconds).replace(microsecond=micros, tzinfo=UTC)


# ---- jobs --------------------------------------------------------------------------------------------------


async def test_jobs_of_all_kinds_are_read(player: Player) -> None:
    """Each with what the vault said of it, and nothing made up."""
    failed, cancelled, hana, share, agent, unknown, bare = await player.jobs(
        payload("recovery_services_jobs.json")
    )
    assert failed == Job(
        id="vm-failed",
        vault=VAULT,
        workload="VM",
        operation="Backup",
        status=JobStatus.FAILED,
        started_at=datetime(2026, 3, 13, 2, 0, 0, 123456, tzinfo=UTC),
        ended_at=datetime(2026, 3, 13, 10, 20, 3, 246913, tzinfo=UTC),
        activity_id="91AB65BA-7137-4943-B655-1710B3F4696C",
        entity_name="vm-01",
        item=VM,
        error=JobError(
            title="VMCreationTimeOutStorageErrorV2",
            code=400199,
            message="Create VM took very long time and got timed out",
            advice="Please retry the operation after some time.",
        ),
    )
    classic = "iaasvmcontainer;classic-service;vm-02"
    assert (cancelled.status, cancelled.error, cancelled.ended_at) == (JobStatus.CANCELLED, None, None)
    assert cancelled.item == ProtectedItem(
        vault=VAULT, container=f"IaasVMContainer;{classic}", name=f"VM;{classic}"
    )
    assert (hana.operation, hana.is_backup, hana.activity_id) == ("Backup (Log)", True, "")
    assert (hana.workload, hana.item) == (
        "SAPHanaDatabase",
        unlisted("SAPHanaDatabase;vm-hana", "systemdb-[vm-hana]"),
    )
    assert hana.error == JobError(
        title="UserErrorHANALSNValidationFailure", code=2147942405, message="Backup log chain is broken."
    )
    assert share.error == JobError(code=104, message="Snapshot failed.")
    assert share.item == unlisted("AzureFileShare;sa", "share-1")
    assert (agent.workload, agent.error) == ("MAB", JobError(message="The agent is too old."))
    assert agent.item == unlisted("MAB;server-1", "C:\\")
    assert (unknown.status, unknown.item) == (JobStatus.UNKNOWN, unlisted("Quantum;unknown", "vm-03"))
    assert (bare.failed, bare.started_at) == (False, datetime.min.replace(tzinfo=UTC))


def unlisted(container: str, name: str) -> ProtectedItem:
    """The id that we make for an item that the vault does not list."""
    return ProtectedItem(vault=VAULT, container=f"Unlisted;{container}", name=name)


async def test_jobs_that_call_their_item_by_name_find_it_in_the_vaults_list(player: Player) -> None:
    """A database by name and server, a share by name and account whatever its id, a folder by name and computer."""
    named = payload("recovery_services_named_items.json")
    found = await player.jobs({"value": named["jobs"]}, named["items"])
    assert {job.id: _whose(job) for job in found} == named["expected"]


@needs_recordings
async def test_a_recorded_young_job_fits_every_database_of_its_name(player: Player) -> None:
    """It says neither server nor workload, and its kind only later."""
    items = payload("recovery_services_named_items.json")["items"]
    msdb = [
        {
            **each,
            "id": each["id"].replace(";orders", ";msdb"),
            "properties": each["properties"] | {"friendlyName": "msdb"},
        }
        for each in items[:2]
    ]
    [job] = await player.jobs(
        {"value": [body_of(RECORDINGS.parent / "recordings_2" / "sql__get_job__inprogress_early.json")]}, msdb
    )
    assert (job.workload, job.operation, job.status) == ("", "Backup", JobStatus.IN_PROGRESS)
    assert _whose(job) == ["SQLDataBase;mssqlserver;msdb", "SQLDataBase;mssqlserver;msdb"]


def _whose(job: Job) -> list[str]:
    """The last part of the ids of the items that a job is, or may be, of."""
    return [each.id.rsplit("/", 1)[1] for each in ([job.item] if job.item else job.candidates)]


@needs_recordings
@pytest.mark.parametrize("recording", recorded("*get_job*.json", "*list_jobs*.json"))
async def test_recorded_jobs_are_read_as_they_stand(player: Player, recording: Path) -> None:
    """Every field of every job, by a reading of its own."""
    body = body_of(recording)
    rows = body.get("value", [body])
    found = await player.jobs({"value": rows})
    assert [summary(job) for job in found] == [expected(row) for row in rows]
    assert [job.status for job in found] == [JobStatus(row["properties"]["status"]) for row in rows]


def summary(job: Job) -> Json:
    """A job, field by field."""
    return {
        "id": job.id,
        "type": job.workload,
        "operation": job.operation,
        "started": job.started_at,
        "ended": job.ended_at,
        "activity": job.activity_id,
        "entity": job.entity_name,
        "item": job.item.name if job.item and job.item.container.startswith("IaasVM") else None,
        "error": (job.error.title, job.error.code, job.error.message) if job.error else None,
    }


def expected(row: Json) -> Json:
    """The same from the JSON itself."""
    said = row["properties"]
    container = said.get("containerName", "")
    error = (said.get("errorDetails") or [None])[0]
    return {
        "id": row["name"],
        "type": WORKLOADS.get(said["backupManagementType"]) or said.get("workloadType", ""),
        "operation": said["operation"],
        "started": when(said["startTime"]),
        "ended": when(said.get("endTime")),
        "activity": said.get("activityId") or "",
        "entity": said["entityFriendlyName"],
        "item": f"VM;{container}" if container.lower().startswith("iaasvm") else None,
        "error": (error.get("errorTitle") or "", error.get("errorCode"), error.get("errorString") or "")
        if error
        else None,
    }


# ---- items -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state"),
    [
        (
            "unhealthy",
            ItemState(
                protection_state="ProtectionError",
                kpi_title="UserErrorVmProvisioningStateFailed",
                last_recovery_point=datetime(2026, 3, 12, 2, 0, 0, 123456, tzinfo=UTC),
            ),
        ),
        ("soft-deleted", ItemState(protection_state="ProtectionStopped", deleted=True)),
        ("new", ItemState(protection_state="IRPending")),
        ("of a new type", ItemState(protection_state="Protected")),
    ],
)
async def test_items_in_all_states_are_read(player: Player, name: str, state: ItemState) -> None:
    """What is absent is not made up."""
    properties = payload("recovery_services_items.json")[name]
    assert await player.item({"name": VM.name, "id": VM.id, "properties": properties}) == state


@needs_recordings
@pytest.mark.parametrize(
    "recording",
    recorded("*get_protected_item__*protected.json", "*irpending*.json", "*list_protected_items*.json"),
)
async def test_recorded_items_are_read_as_they_stand(player: Player, recording: Path) -> None:
    """State, error code and last recovery point."""
    body = body_of(recording)
    for row in body.get("value", [body]):
        said = row["properties"]
        details = said.get("kpisHealths", {}).get("BackupOperationStatusKPI", {}).get("resourceHealthDetails")
        read = await player.item(row)
        assert read is not None
        assert read.policy_id == said.get("policyId", "")
        assert read.source_id == said.get("sourceResourceId", "")
        assert replace(read, policy_id="", source_id="", policy=None) == ItemState(
            protection_state=said["protectionState"],
            deleted=said.get("isScheduledForDeferredDelete", False),
            kpi_title=details[0]["title"]
            if details and details[0]["title"] != "Success"
            else error_code(said),
            last_recovery_point=when(said.get("lastRecoveryPoint")),
        )


def error_code(said: Json) -> str:
    """What a database says of its last backup."""
    return str(said.get("lastBackupErrorDetail", {}).get("code", ""))


@needs_recordings
@pytest.mark.parametrize("database", ["sql", "hana"])
async def test_recorded_jobs_of_databases_find_their_recorded_item(player: Player, database: str) -> None:
    """HANA shouts SYSTEMDB in the job and whispers it in the item."""
    row = body_of(RECORDINGS / f"{database}__get_job__completed.json")
    item = body_of(RECORDINGS / f"{database}__get_protected_item__protected.json")
    here = item | {"id": re.sub(r"^.*(?=/backupFabrics/)", VAULT.id, item["id"])}
    (found,) = await player.jobs({"value": [row]}, [here])
    assert found.item is not None
    assert found.item.name == item["name"]


@needs_recordings
async def test_the_recorded_answer_for_a_missing_item_means_that_it_is_gone(player: Player) -> None:
    """404 with the vault's own code."""
    recording = RECORDINGS / "rsv__get_protected_item__404_not_found.json"
    assert await player.item(body_of(recording), status=404) is None


# ---- operations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ({"status": "InProgress", "endTime": "0001-01-01T00:00:00"}, Operation(status="InProgress")),
        (
            {"status": "Succeeded", "endTime": "0001-01-01T00:00:00", "properties": {"jobId": "job-1"}},
            Operation(status="Succeeded", job_id="job-1"),
        ),
        (
            {"status": "Failed", "error": {"code": "BMSUserErrorObjectLocked", "message": "Locked."}},
            Operation(status="Failed", error=JobError(title="BMSUserErrorObjectLocked", message="Locked.")),
        ),
        ({"status": "Succeeded", "properties": None, "error": None}, Operation(status="Succeeded")),
    ],
    ids=["in progress", "succeeded", "failed", "nulls"],
)
async def test_operations_are_read(player: Player, body: Json, operation: Operation) -> None:
    """By their status, never by their end."""
    assert await player.operation(body) == operation


@needs_recordings
@pytest.mark.parametrize("recording", recorded("*operation_status__*.json"))
async def test_recorded_operations_are_read_as_they_stand(player: Player, recording: Path) -> None:
    """Status and the job's bare GUID."""
    body = body_of(recording)
    job_id = body.get("properties", {}).get("jobId", "")
    assert await player.operation(body) == Operation(status=body["status"], job_id=job_id)
