"""Real answers of backup vaults, and files of our own: instances, operations, refusals."""

import json
from dataclasses import replace
from typing import Any

import pytest
from azure.mgmt.dataprotection import models

from backup_retry.azure.data_protection_wire import read_instance, read_operation
from backup_retry.domain.facts import ItemState
from backup_retry.domain.jobs import JobError, Operation
from tests.data_protection_answers import REST, VAULT, Json, body_of
from tests.payloads import payload
from tests.recorded import needs_recordings


def instance_of(row: Json) -> ItemState:
    """A backup instance as the adapter reads it."""
    return read_instance(models.BackupInstanceResource(row).properties or {})


# ---- instances ---------------------------------------------------------------------------------------------

GROUP_ID = f"/subscriptions/{VAULT.subscription}/resourceGroups/rg-app"
KNOWN = ItemState(
    protection_state="ProtectionConfigured",
    policy_id=f"{VAULT.id}/backupPolicies/DiskPolicy",
    source_id=f"{GROUP_ID}/providers/Microsoft.Compute/disks/disk-1",
)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("protected", KNOWN),
        ("failing", replace(KNOWN, protection_state="ProtectionError", kpi_title="UserErrorDiskNotFound")),
        (
            "failing by its status",
            replace(KNOWN, protection_state="ProtectionError", kpi_title="UserErrorDiskNotFound"),
        ),
        ("soft-deleted", replace(KNOWN, protection_state="SoftDeleted", deleted=True)),
        ("being deleted", replace(KNOWN, protection_state="SoftDeleting", deleted=True)),
        ("by its status only", ItemState(protection_state="ProtectionStopped")),
        ("bare", ItemState(protection_state="Protected")),
    ],
)
def test_instances_in_all_states_are_read(name: str, state: ItemState) -> None:
    """What is absent is not made up."""
    assert instance_of({"name": "x", "properties": payload("data_protection/instances")[name]}) == state


@needs_recordings
@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("dpp_disk__get_backup_instance__configuring", "ConfiguringProtection"),
        ("dpp_disk__get_backup_instance__protection_configured", "ProtectionConfigured"),
    ],
)
def test_recorded_instances_are_read_as_they_stand(name: str, state: str) -> None:
    """Its provisioningState says nothing: it has succeeded before protection is configured."""
    body = body_of(name)
    group = body["id"].partition("/providers/")[0]
    assert instance_of(body) == ItemState(
        protection_state=state,
        policy_id=f"{body['id'].partition('/backupInstances/')[0]}/backupPolicies/diskpolicy",
        source_id=f"{group}/providers/Microsoft.Compute/disks/clitest-disk-donotdelete",
    )


@needs_recordings
def test_a_row_of_resource_graph_is_an_instance_too() -> None:
    """With nulls where the vault leaves fields out."""
    [row] = json.loads((REST / "arg_backupinstances.json").read_text(encoding="utf-8"))["response"]["body"][
        "data"
    ]
    state = instance_of(row)
    assert (state.protection_state, state.kpi_title, state.deleted) == ("ProtectionStopped", "", False)
    assert state.source_id == row["datasourceId"]


# ---- operations --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "operation"),
    [
        ({"status": "Inprogress", "endTime": "0001-01-01T00:00:00Z"}, Operation(status="Inprogress")),
        (
            {"status": "Succeeded", "properties": {"jobId": f"{VAULT.id}/backupJobs/job-1"}},
            Operation(status="Succeeded", job_id="job-1"),
        ),
        (
            {"status": "Succeeded", "properties": {"jobId": "job-1"}},
            Operation(status="Succeeded", job_id="job-1"),
        ),
        (
            {"status": "Failed", "error": {"code": "BMSUserErrorInvalidInput", "message": " Wrong. "}},
            Operation(status="Failed", error=JobError(title="BMSUserErrorInvalidInput", message="Wrong.")),
        ),
        (
            {
                "status": "Failed",
                "error": {
                    "code": None,
                    "additionalInfo": [
                        None,
                        {"type": "X", "info": None},
                        {"info": {"code": "Y", "isRetryable": True}},
                    ],
                },
            },
            Operation(status="Failed", error=JobError(title="Y", retryable=True)),
        ),
        (
            {"status": "Failed", "error": {"details": [{"code": "Z", "recommendedAction": "Wait."}]}},
            Operation(status="Failed", error=JobError(title="Z", advice="Wait.")),
        ),
        ({"status": "Succeeded", "properties": None, "error": None}, Operation(status="Succeeded")),
    ],
    ids=["in progress", "succeeded", "a bare id", "failed", "inside", "details", "nulls"],
)
def test_operations_are_read(body: Json, operation: Operation) -> None:
    """A job's id is the last part of the ARM id that stands for it."""
    assert read_operation(body) == operation


@needs_recordings
def test_the_recorded_operation_names_its_job() -> None:
    """The status has a full ARM id."""
    body = body_of("dpp_disk__operation_status__succeeded_with_job_id")
    job = body["properties"]["jobId"].rpartition("/")[2]
    assert read_operation(body) == Operation(status="Succeeded", job_id=job)


@needs_recordings
def test_a_failed_operations_error_may_stand_in_its_additional_info_alone() -> None:
    """No code anywhere, a message and what is recommended."""
    body = json.loads((REST / "dpp_operation_failed_partial.json").read_text(encoding="utf-8"))
    error = JobError(message="No containers selected for operation.", advice="<truncated in the excerpt>")
    assert read_operation(body) == Operation(status="Failed", error=error)


@needs_recordings
def test_the_recorded_refusal_says_that_no_retry_helps() -> None:
    """The service's own word stands in additionalInfo, whether as an answer of 400 or in a failed operation."""
    body = body_of("dpp_aks__trigger_backup__error_invalid_rule")
    assert read_operation({"status": "Failed", **body}).error == JobError(
        title="BMSUserErrorInvalidInput",
        message="The user's input for the call is incorrect",
        advice="Please check the required inputs",
        retryable=False,
    )


# ---- what the models keep ----------------------------------------------------------------------------------


@needs_recordings
@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("dpp_disk__get_job__completed", models.AzureBackupJobResource),
        ("dpp_aks__get_job__inprogress", models.AzureBackupJobResource),
        ("dpp_disk__get_backup_instance__protection_configured", models.BackupInstanceResource),
        ("dpp_blob__put_policy__vaulted_daily", models.BaseBackupPolicyResource),
    ],
)
def test_microsofts_models_lose_nothing(name: str, model: Any) -> None:
    """Read as mappings they are the wire's JSON, nulls, unknown types and unknown fields as well."""
    properties = body_of(name)["properties"]
    properties["fieldOfTomorrow"] = {"objectType": "TypeOfTomorrow", "a": [1, None]}
    read = model({"name": "x", "properties": properties}).properties
    assert json.loads(json.dumps(read, default=dict)) == properties
