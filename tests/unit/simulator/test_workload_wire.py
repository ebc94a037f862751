"""Shares, databases, agents and servers on the wire: what differs between them, and from one state to the next."""

import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.estate.estate_file import EstateFile
from simulator.estate.inventory import Item, Job
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.estate.state import Azure
from simulator.monitor.alert_schema import job_failure
from simulator.recovery_services import item_wire, job_wire
from tests.clock import Clock

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
SHARE = {"workload": "AzureFileShare", "name": "finance", "account": "stfinance"}
SQL = {"workload": "SQLDataBase", "name": "Orders", "server": "sql-vm-production", "instance": "MSSQLSERVER"}
HANA = {"workload": "SAPHanaDatabase", "name": "SYSTEMDB", "server": "hana-vm-production", "instance": "HXE"}
INSTANCE = {"workload": "SAPHanaDBInstance", "name": "HXE", "server": "hana-vm-production"}
FILES = {"workload": "MAB", "name": "C:\\", "server": "FILESRV1"}
DPM = {"workload": "DPM", "name": "mailbox", "server": "DPM1"}
VM = {"vm": "vm-01"}
EVERY = [
    pytest.param(each, id=str(each.get("workload"))) for each in (VM, SHARE, SQL, HANA, INSTANCE, FILES, DPM)
]
FAILED = Outcome(status=JobStatus.FAILED, seconds=0, error=error_titled("SomethingHappened"))
Json = dict[str, Any]


class Scene:
    """One item in a vault, on a clock that stands still."""

    def __init__(self, item: Json) -> None:
        self.clock = Clock()
        vault = {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "Vault-1",
            "items": [item],
        }
        estate = {"subscriptions": [{"id": SUBSCRIPTION}], "vaults": [vault]}
        self.azure = Azure(EstateFile.read(estate).build(self.clock()))
        self.item: Item = next(self.azure.items)

    def run(self, outcome: Outcome | None = None, **options: Any) -> Job:
        """Run a job to its end."""
        job = self.azure.run_job(self.item, outcome or Outcome(seconds=0), now=self.clock(), **options)
        self.clock.move(seconds=1)
        return job

    def shown_job(self, job: Job) -> Any:
        """The job as it goes over the wire."""
        return json.loads(json.dumps(job_wire.job_details(job, self.clock())))

    def shown_item(self) -> Any:
        """The item as it goes over the wire."""
        return json.loads(json.dumps(item_wire.item(self.item, self.clock())))


@pytest.mark.parametrize(
    ("item", "operation", "name"),
    [
        pytest.param(VM, "Backup", "vm-01", id="vm"),
        pytest.param(SHARE, "Backup", "finance", id="share"),
        pytest.param(SQL, "Backup", "Orders [sql-vm-producti]", id="windows-computers-have-short-names"),
        pytest.param(SQL, "Restore", "Orders [sql-vm-producti]", id="restore"),
        pytest.param(SQL, "ConfigureBackup", "Orders", id="configured"),
        pytest.param(SQL, "Register", "sql-vm-production", id="registered"),
        pytest.param(HANA, "Backup", "SYSTEMDB [hana-vm-production]", id="hana"),
        pytest.param(FILES, "Backup", "C:\\", id="agent"),
    ],
)
def test_jobs_name_what_they_are_about_in_many_ways(item: Json, operation: str, name: str) -> None:
    """It is the only thing by which a job of a database can be matched to its item."""
    scene = Scene(item)
    shown = scene.shown_job(scene.run(operation=operation))["properties"]
    assert shown["entityFriendlyName"] == name


@pytest.mark.parametrize(
    ("operation", "status", "bag"),
    [
        ("Backup", JobStatus.COMPLETED, {"VM Name": "vm-01", "Backup Size": "753 MB"}),
        ("Backup", JobStatus.CANCELLED, {"VM Name": "vm-01", "Backup Size": "0 MB"}),
        ("Undelete", JobStatus.COMPLETED, {"VM Name": "vm-01", "Undelete flag": "True"}),
        ("ConfigureBackup", JobStatus.COMPLETED, {"VM Name": "vm-01", "Policy Name": "DefaultPolicy"}),
        ("DeleteBackupData", JobStatus.COMPLETED, {"VM Name": "VM-01", "Number of Recovery Points": "1"}),
    ],
)
def test_a_vms_job_shows_what_fits_its_operation(operation: str, status: JobStatus, bag: Json) -> None:
    """The owner's casing of the name stands where backup data were deleted."""
    scene = Scene({"vm": "VM-01"})
    shown = scene.shown_job(scene.run(Outcome(status=status, seconds=0), operation=operation))["properties"]
    assert shown["extendedInfo"]["propertyBag"] == bag
    assert shown["entityFriendlyName"] == bag["VM Name"]


@pytest.mark.parametrize(
    ("item", "point"),
    [
        pytest.param(SQL, "2026-11-22T14:00:01Z", id="sql"),
        pytest.param(HANA, "2026-11-22T14:00:00.2500008Z", id="hana"),
    ],
)
def test_recovery_points_of_sql_databases_are_known_to_the_second(item: Json, point: str) -> None:
    """They are never older than their backup."""
    scene = Scene(item)
    scene.clock.move(seconds=0.25)
    scene.run()
    assert scene.shown_item()["properties"]["lastRecoveryPoint"] == point


def test_a_hana_jobs_name_changes_while_it_runs_and_when_it_ends() -> None:
    """It begins without server, workload and kind of backup, and is in lower case until it ends."""
    scene = Scene(HANA)
    job, shown = scene.run(Outcome(seconds=180)), []
    for minutes in (0, 2, 2):
        scene.clock.move(minutes=minutes)
        scene.azure.advance(scene.clock())
        said = scene.shown_job(job)["properties"]
        shown.append((said["entityFriendlyName"], said["operation"], said.get("workloadType")))
    assert shown == [
        ("systemdb", "Backup", None),
        ("systemdb [hana-vm-production]", "Backup (Full)", "SAPHanaDatabase"),
        ("SYSTEMDB [hana-vm-production]", "Backup (Full)", "SAPHanaDatabase"),
    ]


@pytest.mark.parametrize(
    ("item", "kind", "operation"),
    [
        pytest.param(VM, "", "Backup", id="a-vm-has-no-kinds"),
        pytest.param(SQL, "", "Backup (Full)", id="the-usual-kind"),
        pytest.param(SQL, "Log", "Backup (Log)", id="log"),
        pytest.param(INSTANCE, "", "Backup (SnapshotFull)", id="snapshot"),
    ],
)
def test_the_operation_says_which_kind_of_backup_it_was(item: Json, kind: str, operation: str) -> None:
    """In brackets, where there are kinds."""
    scene = Scene(item)
    assert scene.shown_job(scene.run(kind=kind))["properties"]["operation"] == operation


@pytest.mark.parametrize(
    ("item", "keys"),
    [
        (VM, {"errorCode", "errorTitle", "errorString", "recommendations"}),
        (SHARE, {"errorCode", "errorString", "recommendations"}),
        (SQL, {"errorCode", "errorTitle", "errorString", "recommendations"}),
        (FILES, {"errorString", "recommendations"}),
        (DPM, {"errorString", "recommendations"}),
    ],
)
def test_errors_say_more_or_less(item: Json, keys: set[str]) -> None:
    """A share's job has no title, and an agent's not even a number."""
    scene = Scene(item)
    [error] = scene.shown_job(scene.run(FAILED))["properties"]["errorDetails"]
    assert error.keys() == keys


@pytest.mark.parametrize("item", [pytest.param(SHARE, id="share"), pytest.param(HANA, id="database")])
def test_the_title_of_an_error_stands_on_the_item(item: Json) -> None:
    """Until a backup succeeds."""
    scene = Scene(item)
    scene.run(FAILED)
    kpi = scene.shown_item()["properties"]["kpisHealths"]["BackupOperationStatusKPI"]
    assert (kpi["resourceHealthStatus"], kpi["resourceHealthDetails"][0]["title"]) == (
        "TransientDegraded",
        "SomethingHappened",
    )
    scene.run()
    assert "SomethingHappened" not in json.dumps(scene.shown_item())


def test_a_database_is_healthy_or_unhealthy() -> None:
    """Where a VM's or share's last backup was Completed or Failed; the error stands beside it."""
    scene = Scene(SQL | {"protection_state": "IRPending"})
    shown = [scene.shown_item()["properties"]]
    for outcome in (FAILED, None, FAILED):
        scene.run(outcome)
        shown.append(scene.shown_item()["properties"])
    assert [each["lastBackupStatus"] for each in shown] == ["IRPending", "IRPending", "Healthy", "Unhealthy"]
    never, first, good, bad = shown
    assert {each["lastBackupErrorDetail"]["code"] for each in (first, bad)} == {"SomethingHappened"}
    assert (first["protectionState"], good["protectionState"]) == ("IRPending", "Protected")
    assert ("lastBackupTime" in never, "lastBackupErrorDetail" in good) == (False, False)


def test_newer_shares_have_a_hash_for_a_name() -> None:
    """The friendly name is still the share's."""
    plain, hashed = Scene(SHARE), Scene(SHARE | {"hashed_name": True})
    kind, _, digest = hashed.item.name.partition(";")
    assert (plain.item.name, kind, len(digest)) == ("AzureFileShare;finance", "AzureFileShare", 64)
    assert hashed.shown_item()["properties"]["friendlyName"] == "finance"


@pytest.mark.parametrize("item", EVERY)
def test_every_workload_has_its_alert(item: Json) -> None:
    """It names the job, the item in one of its spellings, and what failed."""
    scene = Scene(item)
    backup, restore = scene.run(FAILED), scene.run(FAILED, operation="Restore")
    alert = job_failure(backup, alert_guid="g", fired=scene.clock())["data"]
    context = alert["alertContext"]
    assert alert["essentials"]["alertRule"] == "Backup Failure"
    assert context["protectedItemId"].lower() == scene.item.id.lower()
    assert (context["extendedInfo"]["jobId"], context["sourceType"]) == (
        backup.name,
        scene.item.workload.name,
    )
    of_restore = job_failure(restore, alert_guid="g", fired=scene.clock())["data"]
    assert of_restore["essentials"]["alertRule"] == "Restore Failure"


@pytest.mark.parametrize("item", EVERY)
def test_a_policys_own_name_is_that_of_its_items(item: Json) -> None:
    """Agents bring policies of their own, which the vault does not know."""
    scene = Scene(item)
    properties = scene.shown_item()["properties"]
    policies = {each.name for each in scene.item.vault.policies}
    has_policy = "policyId" in properties
    assert has_policy is (scene.item.workload.management_type not in {"MAB", "DPM"})
    assert (properties.get("policyId", "").rpartition("/")[2] in policies) is has_policy


def test_recovery_points_are_counted() -> None:
    """A database has those of its completed backups, and the one from before the simulation."""
    scene = Scene(SQL)
    before = scene.shown_item()["properties"]["extendedInfo"]["recoveryPointCount"]
    scene.run(age=timedelta(hours=1))
    scene.run(FAILED)
    assert (before, scene.shown_item()["properties"]["extendedInfo"]["recoveryPointCount"]) == (1, 2)
