"""Real answers of backup vaults, and files of our own, read through Microsoft's models."""

import json
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from azure.mgmt.dataprotection import models

from backup_retry.azure.data_protection_wire import read_instance, read_job, read_operation, read_policy
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.jobs import ItemState, Job, JobError, JobStatus, Operation
from backup_retry.domain.schedule import BackupPolicy, Repeating
from tests.payloads import payload
from tests.recorded import RECORDINGS, needs_recordings

REST = RECORDINGS.parent / "rest"
FAILED = RECORDINGS.parent / "recordings_2"
Json = dict[str, Any]
VAULT = Vault(
    subscription="aaaaaaaa-0000-0000-0000-000000000001",
    resource_group="rg-backup",
    name="backup-1",
    kind=VaultKind.BACKUP,
)
STATUSES = {"Started": "InProgress", "Succeeded": "Completed"}


def item(name: str) -> ProtectedItem:
    """The instance of a source of that name."""
    return ProtectedItem(vault=VAULT, name=f"{name}-{name}-11111111-2222-3333-4444-555555555555")


def body_of(name: str) -> Any:
    """The body that was answered in a recording."""
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))["response"]["body"]


def job_of(row: Json, vault: Vault = VAULT) -> Job:
    """A job as the adapter reads it: Microsoft's model, then ours."""
    resource = models.AzureBackupJobResource(row)
    return read_job(str(resource.name), resource.properties or {}, vault)


def instance_of(row: Json) -> ItemState:
    """A backup instance as the adapter reads it."""
    return read_instance(models.BackupInstanceResource(row).properties or {})


def policy_of(row: Json) -> BackupPolicy:
    """A policy as the adapter reads it."""
    return read_policy(models.BaseBackupPolicyResource(row).properties or {})


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
    for path in sorted(RECORDINGS.glob("*dpp_*job*.json")):
        body = body_of(path.stem)
        if "operation_" not in path.stem:
            rows += [
                pytest.param(row, id=f"{path.stem}-{row['name'][:8]}")
                for row in body.get("value") or body.get("data") or [body]
            ]
    return rows


@needs_recordings
@pytest.mark.parametrize("row", recorded_jobs())
def test_recorded_jobs_are_read_as_they_stand(row: Json) -> None:
    """Every field of every job, by a reading of its own."""
    said, vault = row["properties"], Vault.parse(row["id"])
    assert vault
    extended = (said.get("extendedInfo") or {}).get("additionalDetails") or {}
    category = said["operationCategory"]
    assert job_of(row, vault) == Job(
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


# ---- errors within errors ----------------------------------------------------------------------------------

INTERNAL = {"code": "InternalServerError", "message": "Internal Server Error", "isRetryable": False}


def nested(code: str, *details: Json, **more: Any) -> Json:
    """An error as the service writes it, with those within it."""
    return {"code": code, "message": f"{code}!", "details": list(details) or None, "properties": None, **more}


@pytest.mark.parametrize(
    ("source", "error", "expected"),
    [
        # three deep: the innermost that is known, not the innermost
        (
            "Microsoft.DBforPostgreSQL/flexibleServers",
            nested("NeverSeen", nested("UserErrorDBNotFound", nested("UserErrorDBNotFound", INTERNAL))),
            "UserErrorDBNotFound",
        ),
        (
            "Microsoft.DBforMySQL/flexibleServers",
            nested("MySQLFlexClientError", innerError={"code": "BackupAlreadyRunningForServer"}),
            "BackupAlreadyRunningForServer",
        ),
        # a machine's code within a disk's does not count
        (
            "Microsoft.Compute/disks",
            nested("UserErrorManagedDiskNotFound", nested("ResourceNotFound")),
            "UserErrorManagedDiskNotFound",
        ),
        # nobody knows any: the outermost, which is what the portal shows
        ("Microsoft.Compute/disks", nested("NeverSeen", nested("NorThis", INTERNAL)), "NeverSeen"),
    ],
)
def test_of_errors_within_errors_the_innermost_that_is_known_counts(
    source: str, error: Json, expected: str
) -> None:
    """The wrapper says less than the cause, and the innermost one is often a mere InternalServerError."""
    row = {"name": "job-1", "properties": {"dataSourceType": source, "errorDetails": [error]}}
    read = job_of(row).error
    assert read is not None
    assert read.title == expected


def test_what_the_known_error_lacks_comes_from_outside() -> None:
    """An inner error is often a bare code."""
    error = nested(
        "MySQLFlexClientError", innerError={"code": "BackupAlreadyRunningForServer"}, isRetryable=True
    )
    kind = "Microsoft.DBforMySQL/flexibleServers"
    read = job_of({"name": "job-1", "properties": {"dataSourceType": kind, "errorDetails": [error]}}).error
    assert read == JobError(
        title="BackupAlreadyRunningForServer", message="MySQLFlexClientError!", retryable=True
    )


@needs_recordings
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("dpp_pgflex__get_job__failed", {"PostgreSQLFlexServerError"}),
        (
            "dpp_disk_blob__list_jobs__failed_disk_and_blob",
            {"DppPluginInvalidInputParameters", "InternalServerError"},
        ),
        ("dpp_postgresql__list_crr_jobs__failed", {"UserErrorDatabaseNameAlreadyInUse"}),
    ],
)
def test_recorded_failures_are_told_by_what_can_be_known(name: str, expected: set[str]) -> None:
    """All of them end in an InternalServerError that says nothing."""
    body = json.loads((FAILED / f"{name}.json").read_text(encoding="utf-8"))["response"]["body"]
    rows = [job_of(row) for row in body.get("value", [body])]
    assert {job.error.title for job in rows if job.error} == expected


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


# ---- policies ----------------------------------------------------------------------------------------------

BERLIN = ZoneInfo("Europe/Berlin")


def repeated(start: str, **period: int) -> Repeating:
    """A schedule that starts then."""
    return Repeating(start=datetime.fromisoformat(start), period=timedelta(**period))


FOUR_HOURS = repeated("2020-04-05T13:00:00+00:00", hours=4)
WEEKLY = repeated("2026-03-01T20:00:00+01:00", weeks=1)
DAILY = repeated("2026-03-01T02:00:00+01:00", days=1)
VAULTED = repeated("2023-06-28T07:30:00+00:00", days=1)
OURS = {
    "every four hours": BackupPolicy(
        schedules={"backuphourly": (FOUR_HOURS,), "": (FOUR_HOURS,)},
        base_retention=timedelta(days=7),
        rules={"BackupHourly": "Default"},
    ),
    "weekly and daily": BackupPolicy(
        schedules={"backupweekly": (WEEKLY,), "backupdaily": (DAILY,), "": (WEEKLY, DAILY)},
        zone=BERLIN,
        base_retention=timedelta(days=90),
        rules={"BackupWeekly": "Default", "BackupDaily": "Daily"},
    ),
    "operational only": BackupPolicy(schedules={"": ()}, rules={}),
    "two stores": BackupPolicy(
        schedules={"backupdaily": (VAULTED,), "": (VAULTED,)},
        base_retention=timedelta(days=7),
        rules={"BackupDaily": "Default"},
    ),
    "on demand only": BackupPolicy(schedules={"backupadhoc": (), "": ()}, rules={"BackupAdHoc": "Default"}),
    "unreadable schedule": BackupPolicy(rules={"BackupDaily": "Default"}),
    "unknown zone": BackupPolicy(rules={"BackupDaily": "Default"}),
    "bare": BackupPolicy(schedules={"": ()}, rules={}),
}


@pytest.mark.parametrize("name", payload("data_protection/policies"))
def test_policies_of_all_kinds_are_read(name: str) -> None:
    """Rules by name with their tags; a schedule that cannot be read takes no rule with it."""
    read = policy_of({"name": "x", "properties": payload("data_protection/policies")[name]})
    assert replace(read, problem="") == OURS[name]
    assert bool(read.problem) is (name in {"unreadable schedule", "unknown zone"})


@pytest.mark.parametrize(
    ("criterion", "long_term"),
    [
        ({"absoluteCriteria": ["FirstOfDay"]}, False),
        ({"absoluteCriteria": ["FirstOfWeek"]}, False),
        ({"daysOfTheWeek": ["Sunday"], "monthsOfYear": None}, False),
        ({"absoluteCriteria": ["FirstOfMonth"]}, True),
        ({"absoluteCriteria": ["FirstOfYear"]}, True),
        ({"weeksOfTheMonth": ["First"], "daysOfTheWeek": ["Sunday"]}, True),
        ({"daysOfMonth": [{"date": 1, "isLast": False}], "monthsOfYear": ["January"]}, True),
    ],
)
def test_tags_of_months_and_years_are_told_apart(criterion: Json, long_term: bool) -> None:
    """By what they are given to, whatever they are called."""
    tagged = [
        {"isDefault": True, "tagInfo": {"tagName": "Default"}, "taggingPriority": 99},
        {"isDefault": False, "tagInfo": {"tagName": "Kept"}, "criteria": [criterion], "taggingPriority": 20},
    ]
    rule = {"objectType": "AzureBackupRule", "name": "Nightly", "trigger": {"taggingCriteria": tagged}}
    read = read_policy({"policyRules": [rule]})
    assert read.long_term_tags == (frozenset({"Kept"}) if long_term else frozenset())


def test_a_daily_run_keeps_its_hour_in_the_policys_zone() -> None:
    """02:00 in Berlin is 01:00 UTC in winter and midnight UTC in summer."""
    policy = OURS["weekly and daily"]
    for after, run in (
        (datetime(2026, 3, 20, 12, tzinfo=UTC), datetime(2026, 3, 21, 1, tzinfo=UTC)),
        (datetime(2026, 7, 20, 12, tzinfo=UTC), datetime(2026, 7, 21, 0, tzinfo=UTC)),
    ):
        assert policy.next_run(after, "BackupDaily") == run
    assert DAILY.start.time() == time(2, 0)


@needs_recordings
@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("dpp_disk__put_policy__every_4_hours", OURS["every four hours"]),
        ("dpp_blob__put_policy__vaulted_daily", OURS["two stores"]),
    ],
)
def test_recorded_policies_are_read_as_they_stand(name: str, policy: BackupPolicy) -> None:
    """Two retention rules may have one name: the one of the store that is written to counts."""
    assert policy_of(body_of(name)) == policy


@needs_recordings
def test_the_specifications_policy_is_read() -> None:
    """Of two tags the default one; its offset stands where no zone is named."""
    body = json.loads((REST / "dpp_policy_spec.json").read_text(encoding="utf-8"))
    weekly = repeated("2019-11-20T08:00:00-08:00", weeks=1)
    assert policy_of(body) == BackupPolicy(
        schedules={"backupweekly": (weekly,), "": (weekly,)},
        base_retention=timedelta(weeks=1),
        rules={"BackupWeekly": "Default"},
    )


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
