"""Which of the errors within a backup vault's error is the one that counts."""

import json
from typing import Any

import pytest

from backup_retry.domain.jobs import JobError
from tests.data_protection_answers import Json, job_of
from tests.recorded import RECORDINGS, needs_recordings

FAILED = RECORDINGS.parent / "recordings_2"


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
