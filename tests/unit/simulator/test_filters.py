"""The `$filter` of lists."""

import pytest

from simulator.arm import filters
from simulator.arm.errors import ArmError
from simulator.estate.estate_file import DEFAULT_ESTATE, EstateFile
from simulator.estate.inventory import Job
from simulator.estate.outcomes import JobStatus, Outcome
from simulator.estate.policies import Policy
from simulator.estate.state import Azure
from simulator.estate.workloads import HANA_DATABASE, SQL_DATABASE
from tests.clock import Clock


@pytest.fixture
def jobs() -> list[Job]:
    """A failed backup that began at 14:00, a completed restore of 15:00 and a running backup of 16:00."""
    clock = Clock()
    azure = Azure(EstateFile.read(DEFAULT_ESTATE).build(clock()))
    item = next(azure.items)
    azure.run_job(item, Outcome(status=JobStatus.FAILED, seconds=0), now=clock())
    clock.move(hours=1)
    azure.run_job(item, Outcome(seconds=0), now=clock(), operation="Restore")
    clock.move(hours=1)
    azure.run_job(item, Outcome(seconds=60), now=clock())
    return azure.jobs


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", [0, 1, 2]),
        ("operation eq ''", [0, 1, 2]),
        ("operation eq 'Backup'", [0, 2]),
        ("Operation EQ 'backup' AND Status eq 'inprogress'", [2]),
        ("status eq 'Failed'", [0]),
        ("status eq 'Cancelled'", []),
        ("backupManagementType eq 'AzureIaasVM'", [0, 1, 2]),
        ("backupManagementType eq 'AzureStorage'", []),
        ("startTime eq '2026-11-22 02:00:00 PM'", [0, 1, 2]),
        ("startTime eq '2026-11-22 02:00:01 PM'", [1, 2]),
        ("endTime eq '2026-11-22 03:00:00 PM'", [0, 1]),
        ("startTime eq '2026-11-22 12:00:00 AM' and endTime eq '2026-11-22 12:00:00 PM'", []),
    ],
)
def test_jobs_are_chosen_by_every_clause(jobs: list[Job], text: str, chosen: list[int]) -> None:
    """The times bound the start; 12 AM is midnight, 12 PM noon."""
    assert filters.jobs(jobs, text) == [jobs[index] for index in chosen]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["DefaultPolicy", "HourlyLogBackup", "HanaLogBackup"]),
        ("backupManagementType eq 'AzureIaasVM'", ["DefaultPolicy"]),
        ("backupManagementType eq 'azureworkload'", ["HourlyLogBackup", "HanaLogBackup"]),
        ("backupManagementType eq 'AzureWorkload' and workloadType eq 'SAPHanaDatabase'", ["HanaLogBackup"]),
        ("backupManagementType eq 'AzureStorage'", []),
    ],
)
def test_policies_are_chosen_by_what_they_are_for(text: str, names: list[str]) -> None:
    """By the backup management type, and among databases by their kind."""
    found = [
        Policy(),
        *(Policy(name=each.default_policy, workload=each) for each in (SQL_DATABASE, HANA_DATABASE)),
    ]
    assert [policy.name for policy in filters.policies(found, text)] == names


@pytest.mark.parametrize(
    "text",
    ["status", "status eq Failed", "status eq 'Failed' or status eq 'Completed'", "status eq 'Broken'"],
)
def test_what_is_no_filter_is_refused(jobs: list[Job], text: str) -> None:
    """With the service's code for invalid input."""
    with pytest.raises(ArmError) as caught:
        filters.jobs(jobs, text)
    assert (caught.value.status, caught.value.code) == (400, "BMSUserErrorInvalidInput")
