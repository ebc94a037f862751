"""Real jobs of backup vaults, and a file of our own, read through Microsoft's models."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.jobs import Job, JobError, JobStatus
from tests.data_protection_answers import VAULT, Json, job_of
from tests.payloads import payload
from tests.recorded import looked_at, needs_recordings

STATUSES = {"Started": "InProgress", "Succeeded": "Completed"}


def item(name: str) -> ProtectedItem:
    """The instance of a source of that name."""
    return ProtectedItem(vault=VAULT, name=f"{name}-{name}-11111111-2222-3333-4444-555555555555")


def when(text: str | None) -> datetime | None:
    """A time of the wire: seven decimals at most; the year 1 is no time."""
    if not text or text.startswith("0001"):
        return None
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(seconds).replace(microsecond=int((fraction + "000000")[:6]), tzinfo=UTC)


def at(text: str) -> datetime:
    """A time that is there."""
    found = when(text)
    assert found
    return found


# ---- jobs --------------------------------------------------------------------------------------------------


def our_jobs() -> dict[str, Job]:
    """The jobs in our own file, by their names."""
    return {row["name"]: job_of(row) for row in payload("data_protection/jobs")["value"]}


def test_a_failed_job_is_read_with_all_that_matters() -> None:
    """From its detail form, which alone names rule and tag."""
    assert our_jobs()["disk-failed"] == Job(
        id="disk-failed",
        vault=VAULT,
        workload="Microsoft.Compute/disks",
        operation="Backup",
        status=JobStatus.FAILED,
        started_at=datetime(2026, 3, 13, 2, 0, 0, 123456, tzinfo=UTC),
        ended_at=datetime(2026, 3, 13, 2, 3, 11, 765432, tzinfo=UTC),
        activity_id="5f0c1f0a-7a10-4c85-9c7d-9a1f6c5b0001",
        on_demand=True,
        entity_name="disk-1",
        item=item("disk-1"),
        error=JobError(
            title="UserErrorSnapshotTargetRGNotFoundOrVaultNotPermitted",
            message="The vault may not write to the resource group of the snapshots.",
            advice="Give the vault's identity its role. Then retry.",
            retryable=False,
        ),
        rule="BackupHourly",
        retention_tag="Weekly",
    )


@pytest.mark.parametrize(
    ("name", "error"),
    [
        (
            "aks-retryable",
            JobError(title="UserErrorDataSourceBusy", message="Another operation runs.", retryable=True),
        ),
        ("pg-message-only", JobError(message="No containers selected for operation.")),
        ("my-nested", JobError(title="UserErrorStorageAccountNotFound")),
        ("disk-cancelled", None),
    ],
)
def test_errors_are_read_as_far_as_they_go(name: str, error: JobError | None) -> None:
    """A code may be missing or stand further in; a cancelled job has no error."""
    assert our_jobs()[name].error == error


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("blob-started", JobStatus.IN_PROGRESS),
        ("blob-succeeded", JobStatus.COMPLETED),
        ("disk-warned", JobStatus.COMPLETED_WITH_WARNINGS),
        ("disk-cancelled", JobStatus.CANCELLED),
        ("disk-cancelling", JobStatus.CANCELLING),
        ("unknown", JobStatus.UNKNOWN),
    ],
)
def test_both_vocabularies_of_states_are_known(name: str, status: JobStatus) -> None:
    """A word that nobody knows is no end."""
    assert our_jobs()[name].status == status


@pytest.mark.parametrize(
    ("status", "info", "moved"),
    [
        ("CompletedWithWarnings", {"targetRecoverPoint": {"recoveryPointID": "rp"}}, True),
        (
            "CompletedWithWarnings",
            {"targetRecoverPoint": {"recoveryPointID": "rp"}, "dataTransferredInBytes": 2063.0},
            True,
        ),
        (
            "CompletedWithWarnings",
            {"targetRecoverPoint": {"recoveryPointID": "rp"}, "dataTransferredInBytes": 0.0},
            False,
        ),
        ("CompletedWithWarnings", {"targetRecoverPoint": None, "dataTransferredInBytes": None}, False),
        ("CompletedWithWarnings", None, None),
        ("Completed", {"targetRecoverPoint": None}, None),
    ],
)
def test_a_job_with_warnings_says_whether_it_moved_data(
    status: str, info: Json | None, moved: bool | None
) -> None:
    """It names the recovery point that it made; a snapshot's size is never said, and a list says nothing."""
    row = payload("data_protection/jobs")["value"][0]
    assert (
        job_of(row | {"properties": row["properties"] | {"status": status, "extendedInfo": info}}).moved_data
        is moved
    )


def test_the_warning_of_a_job_without_an_error_is_read() -> None:
    """It stands in the extended information, one level deeper than errors do."""
    row = payload("data_protection/jobs")["value"][0]
    warnings = [
        {"resourceName": "volume-1", "warning": {"code": "VolumeSkipped", "message": "Not a CSI disk."}}
    ]
    properties = row["properties"] | {"errorDetails": None, "extendedInfo": {"warningDetails": warnings}}
    assert job_of(row | {"properties": properties}).error == JobError(
        title="VolumeSkipped", message="Not a CSI disk."
    )


def test_a_job_belongs_to_its_item_and_to_no_other_vaults() -> None:
    """In any casing; a friendly name is the vault's, else the source's."""
    jobs = our_jobs()
    assert jobs["aks-retryable"].is_of(item("aks-1"))
    assert jobs["disk-of-another-vault"].item is None
    assert jobs["unknown"].item is None
    assert jobs["aks-retryable"].entity_name == "aks-1/all-namespaces"
    assert jobs["pg-message-only"].entity_name == "pg-1"


def test_workloads_have_the_names_of_the_table() -> None:
    """One that is not in it keeps Azure's."""
    jobs = our_jobs()
    assert jobs["aks-retryable"].workload == "Microsoft.ContainerService/managedClusters"
    assert jobs["unknown"].workload == "Microsoft.Quantum/qubits"


def test_a_restore_is_no_backup_in_whichever_region() -> None:
    """Its category says so; one that is neither is neither."""
    jobs = our_jobs()
    assert (jobs["pg-restore"].is_restore, jobs["pg-restore"].is_backup) == (True, False)
    assert (jobs["unknown"].is_restore, jobs["unknown"].is_backup) == (False, False)


def test_who_started_a_job_is_said_or_not() -> None:
    """False is an answer, silence is none; neither rule nor tag stand in a list."""
    jobs = our_jobs()
    assert [jobs[name].on_demand for name in ("disk-failed", "my-nested", "unknown")] == [True, False, None]
    assert (jobs["my-nested"].rule, jobs["my-nested"].retention_tag) == ("", "")


def recorded_jobs() -> list[Any]:
    """Every recorded job, of lists, details, regions and Resource Graph, as a parameter."""
    rows = []
    for path in looked_at("*dpp_*job*.json"):
        body = json.loads(path.read_text(encoding="utf-8"))["response"]["body"]
        if "operation_" not in path.stem:
            rows += [
                pytest.param(row, id=f"{path.stem}-{row['name'][:8]}")
                for row in body.get("value") or body.get("data") or [body]
            ]
    return rows


@needs_recordings
@pytest.mark.parametrize("row", recorded_jobs())
def test_recorded_jobs_are_read_as_they_stand(row: Json) -> None:
    """Every field of every job, by a reading of its own; what has gone wrong is read in test_data_protection_errors."""
    said, vault = row["properties"], Vault.parse(row["id"])
    assert vault
    extended = (said.get("extendedInfo") or {}).get("additionalDetails") or {}
    category = said["operationCategory"]
    job = job_of(row, vault)
    assert (job.error is not None) == bool(said.get("errorDetails"))
    assert replace(job, error=None) == Job(
        id=row["name"],
        vault=vault,
        workload=said["dataSourceType"],
        operation="Restore" if category == "CrossRegionRestore" else category,
        status=JobStatus(STATUSES.get(said["status"], said["status"])),
        started_at=at(said["startTime"]),
        ended_at=when(said.get("endTime")),
        activity_id=said["activityID"],
        on_demand=said["isUserTriggered"],
        entity_name=said["backupInstanceFriendlyName"],
        item=ProtectedItem(vault=vault, name=said["backupInstanceId"].rpartition("/")[2]),
        rule=extended.get("PolicyRuleName", ""),
        retention_tag=extended.get("RetentionTag", ""),
    )


@needs_recordings
def test_there_are_recorded_jobs() -> None:
    """Of every kind of list: 1 in detail running, 1 completed, 1 cluster's; 7, 2 and the specification's; 3 rows."""
    assert len(recorded_jobs()) >= 16
