"""What an estate says has happened already, or is happening, and what items and jobs then look like."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.data_protection import job_wire as backup_vault_job_wire
from simulator.estate.estate_file import EstateError, EstateFile
from simulator.estate.inventory import Item, Job
from simulator.estate.state import Azure
from simulator.recovery_services import item_wire, job_wire
from simulator.resource_graph import rows
from tests.clock import Clock

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
DAY = 86_400
Json = dict[str, Any]


class Scene:
    """One vault with one item, to which things have happened."""

    def __init__(self, item: Json, kind: str = "recovery_services", **estate: Any) -> None:
        self.clock = Clock()
        vault: Json = {"subscription": SUBSCRIPTION, "resource_group": "rg", "name": "v", "kind": kind}
        vault |= {"items": [item], "policies": estate.pop("policies", [])}
        said = {"subscriptions": [{"id": SUBSCRIPTION}], "vaults": [vault]} | estate
        built = EstateFile.read(said).build(self.clock())
        self.heard: list[Job] = []
        self.azure = Azure(built)
        self.azure.listeners.append(self.heard.append)
        self.azure.replay(built.jobs, self.clock())
        self.item: Item = next(self.azure.items)

    def later(self, days: float) -> list[str]:
        """The statuses of the jobs so many days on."""
        self.clock.move(days=days)
        self.azure.advance(self.clock())
        return [str(job.status) for job in self.azure.jobs]


def machine(*jobs: Json, **said: Any) -> Json:
    """A VM with jobs."""
    return {"vm": "vm-1", "jobs": list(jobs), **said}


def test_jobs_of_the_past_have_ended_and_those_that_run_end_in_time() -> None:
    """Nobody is told of what had failed before; one that never ends does not."""
    scene = Scene(
        machine(
            {"age_seconds": 2 * DAY, "outcome": {"status": "InProgress"}},
            {"age_seconds": 3 * DAY, "outcome": {"status": "Failed"}},
            {"age_seconds": 60, "outcome": {"status": "Failed", "seconds": 3600}},
        )
    )
    assert scene.later(0) == ["Failed", "InProgress", "InProgress"]
    assert scene.heard == []
    assert scene.later(30) == ["Failed", "InProgress", "Failed"]
    assert [job.start_time for job in scene.heard] == [scene.azure.jobs[2].start_time]


def test_a_job_over_a_day_says_the_days() -> None:
    """In the vault's own duration as in Resource Graph's."""
    scene = Scene(machine({"age_seconds": 2 * DAY, "outcome": {"seconds": 120_145}}))
    [job] = scene.azure.jobs
    [row] = [
        row
        for row in rows.tables(scene.azure, scene.clock())["RecoveryServicesResources"]
        if "backupjobs" in row["type"]
    ]
    assert job_wire.job(job, scene.clock())["properties"]["duration"] == "P1DT9H22M25S"
    assert row["properties"]["duration"] == "1.09:22:25.0000000"


def test_a_changed_policy_has_configured_each_of_its_items() -> None:
    """So long ago."""
    policy = {"name": "Gold", "changed_age_seconds": 3600}
    scene = Scene({"vm": "vm-1", "policy": "Gold"}, policies=[policy])
    [job] = scene.azure.jobs
    assert (job.operation, job.status, job.start_time) == (
        "ConfigureBackup",
        "Completed",
        scene.clock() - timedelta(hours=1),
    )


@pytest.mark.parametrize(
    ("outcome", "size", "transfer"),
    [
        ({}, "753 MB", "Completed"),
        ({"error": "UserErrorGenericResourceNotFound"}, "753 MB", "Completed"),
        ({"data": False, "error": "DiffCopyFailedToTransferData"}, "0 MB", "Failed"),
        ({"data": False, "error": "UserErrorJobSuccessfullyCancelled"}, "0 MB", "Cancelled"),
    ],
)
def test_a_backup_that_warns_says_whether_it_has_moved_data(outcome: Json, size: str, transfer: str) -> None:
    """In its size and its transfer; what it warns of stands on the job and on the item."""
    scene = Scene(machine({"age_seconds": 60, "outcome": {"status": "CompletedWithWarnings", **outcome}}))
    [job] = scene.azure.jobs
    said = job_wire.job_details(job, scene.clock())["properties"]
    item = item_wire.item(scene.item, scene.clock())["properties"]
    assert said["extendedInfo"]["propertyBag"]["Backup Size"] == size
    assert said["extendedInfo"]["tasksList"][1]["status"] == transfer
    assert item["lastBackupStatus"] == "CompletedWithWarnings"
    assert ("errorDetails" in said, "kpisHealths" in item) == ("error" in outcome, "error" in outcome)


INNER = {"code": "NoInnerErrorFrom1PException", "embeddedInnerError": None}


@pytest.mark.parametrize(
    ("error", "layers"),
    [
        ({"title": "A", "retryable": False}, [("A", False, None), ("A", False, None)]),
        ("InternalServerError", [("InternalServerError", True, None), ("InternalServerError", True, None)]),
        (
            {
                "title": "A",
                "retryable": True,
                "inner": INNER,
                "details": [{"title": "B", "retryable": False}],
            },
            [("A", True, INNER), ("B", False, None)],
        ),
    ],
)
def test_errors_of_backup_vaults_lie_in_errors(error: Json | str, layers: list[Any]) -> None:
    """The same once more where nothing else is said; in the list, by itself and in Resource Graph."""
    disk = {"workload": "Microsoft.Compute/disks", "name": "disk-1"}
    failed = {"age_seconds": 60, "outcome": {"status": "Failed", "error": error}}
    scene = Scene(disk | {"jobs": [failed]}, kind="backup")
    [job] = scene.azure.jobs
    graph = rows.tables(scene.azure, scene.clock())["RecoveryServicesResources"][0]
    for said in (
        backup_vault_job_wire.job(job, scene.clock()),
        backup_vault_job_wire.job_details(job, scene.clock()),
        graph,
    ):
        [outer] = said["properties"]["errorDetails"]
        found = [outer, *outer["details"]]
        assert [(each["code"], each["isRetryable"], each["innerError"]) for each in found] == layers


@pytest.mark.parametrize(
    ("item", "seconds", "name"),
    [
        ({}, 200, "orders [sql-1]"),
        ({}, 60, "orders"),
        ({"entity_name": "INST/orders [sql-1.contoso.com]"}, 200, "INST/orders [sql-1.contoso.com]"),
        ({"entity_name": "INST/orders [sql-1.contoso.com]"}, 60, "orders"),
    ],
)
def test_a_database_is_called_as_the_estate_says_once_its_job_is_not_young(
    item: Json, seconds: int, name: str
) -> None:
    """For as long as the settings say."""
    database = {"workload": "SQLDataBase", "name": "orders", "server": "sql-1", "instance": "INST"}
    running = {"age_seconds": seconds, "outcome": {"status": "InProgress"}}
    scene = Scene(database | {"jobs": [running]} | item, settings={"nameless_seconds": 100})
    assert job_wire.entity_name(scene.azure.jobs[0], scene.clock()) == name


def test_a_job_of_a_kind_that_the_workload_has_not_is_refused() -> None:
    """As by the admin API."""
    with pytest.raises(EstateError, match="jobs of vm-1: the kinds of a Backup of VM: none"):
        Scene(machine({"kind": "Full"}))


@pytest.mark.parametrize(("state", "found"), [("Enabled", True), ("Disabled", True), ("Deleted", False)])
def test_nobody_finds_a_subscription_that_is_gone(state: str, found: bool) -> None:
    """Nor anything in it."""
    scene = Scene(machine(), subscriptions=[{"id": SUBSCRIPTION, "state": state}])
    tables = rows.tables(scene.azure, scene.clock())
    assert (scene.azure.subscription(SUBSCRIPTION) is not None, any(tables.values())) == (found, found)
