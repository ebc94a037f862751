"""What Backup vaults send: how times and errors are written, and what Resource Graph makes of it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.arm.wire import duration, timespan
from simulator.data_protection import job_wire
from simulator.data_protection import vault_wire as wire
from simulator.estate.estate_file import EstateFile
from simulator.estate.inventory import Item, Job
from simulator.estate.outcomes import JobError, JobStatus, Outcome
from simulator.estate.state import Azure
from simulator.resource_graph import backup_vault_rows
from tests.clock import Clock
from tests.recorded import RECORDINGS, needs_recordings, shape

SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
DISK, BLOBS = "Microsoft.Compute/disks", "Microsoft.Storage/storageAccounts/blobServices"


class Scene:
    """One instance in a Backup vault, on a clock that stands still."""

    def __init__(self, workload: str = DISK, **item: Any) -> None:
        self.clock = Clock()
        vault = {
            "kind": "backup",
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-backup",
            "name": "bv-1",
            "items": [{"workload": workload, "name": "thing-1", **item}],
        }
        estate = {"subscriptions": [{"id": SUBSCRIPTION}], "vaults": [vault]}
        self.azure = Azure(EstateFile.read(estate).build(self.clock()))
        self.item: Item = next(self.azure.items)

    def run(self, outcome: Outcome | None = None, **options: Any) -> Job:
        """Run a job that began three minutes ago."""
        age = timedelta(seconds=191.1577751)
        return self.azure.run_job(
            self.item, outcome or Outcome(seconds=191.157775), now=self.clock(), age=age, **options
        )


def sent(value: Any) -> Any:
    """A body after its way over the wire."""
    return json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("workload", "store"), [(DISK, "OperationalTierStore"), (BLOBS, "VaultStore")], ids=["disk", "blobs"]
)
def test_a_jobs_duration_is_written_in_two_ways(workload: str, store: str) -> None:
    """ISO 8601 where it is shown by itself, a time span in lists; stores are not called as in policies."""
    scene = Scene(workload)
    job = scene.run()
    details, listed = (
        shown(job, scene.clock())["properties"] for shown in (job_wire.job_details, job_wire.job)
    )
    assert (details["duration"], listed["duration"]) == ("PT3M11.157775S", "00:03:11.1577750")
    assert {each["destinationDataStoreName"] for each in (details, listed)} == {store}


@pytest.mark.parametrize(
    ("workload", "rules"),
    [(DISK, ["BackupDaily", "Default"]), (BLOBS, ["Default", "Default", "BackupDaily"])],
    ids=["disk", "blobs"],
)
def test_rules_stand_in_the_order_in_which_they_were_put(workload: str, rules: list[str]) -> None:
    """A reader must not take the first one for the backup rule; blobs have two of retention with one name."""
    item = Scene(workload).item
    shown = wire.policy(item.policy, item.vault)["properties"]["policyRules"]
    assert [rule["name"] for rule in shown] == rules


@needs_recordings
def test_a_row_of_an_instance_has_the_fields_of_a_recorded_one() -> None:
    """What the vault leaves out is null here."""
    scene = Scene(protection_state="ProtectionStopped")
    [row] = backup_vault_rows.jobs_and_instances([scene.item.vault], scene.clock())
    path = RECORDINGS.parent / "rest" / "arg_backupinstances.json"
    wanted = json.loads(path.read_text(encoding="utf-8"))["response"]["body"]["data"][0]["properties"]
    # The recorded instance has another kind of policy; a newer recording has a version, too.
    wanted["policyInfo"] = shape(wire.instance(scene.item)["properties"]["policyInfo"]) | {
        "policyVersion": "str"
    }
    assert shape(sent(row["properties"])) == {**shape(wanted), "policyInfo": wanted["policyInfo"]}


def test_a_row_shows_a_job_as_it_was_known() -> None:
    """Resource Graph may lag behind the vault."""
    scene = Scene()
    error = JobError(code=1, title="Broken", message="No.", retryable=False)
    job = scene.azure.run_job(
        scene.item, Outcome(status=JobStatus.FAILED, seconds=10, error=error), now=scene.clock()
    )
    scene.clock.move(seconds=20)
    scene.azure.advance(scene.clock())
    before = job_wire.job(job, scene.clock() - timedelta(seconds=15))["properties"]
    after = job_wire.job(job, scene.clock())["properties"]
    assert (before["status"], before["endTime"], before["errorDetails"]) == ("InProgress", None, None)
    assert (after["status"], after["errorDetails"][0]["isRetryable"]) == ("Failed", False)


@pytest.mark.parametrize(
    ("seconds", "span", "iso"),
    [
        (0, "00:00:00", "PT0S"),
        (61, "00:01:01", "PT1M1S"),
        (3661.25, "01:01:01.2500000", "PT1H1M1.25S"),
        (120_145.8, "1.09:22:25.8000000", "P1DT9H22M25.8S"),
        (172_800, "2.00:00:00", "P2D"),
        (-1, "00:00:00", "PT0S"),
    ],
)
def test_time_spans_and_durations_are_written_as_dotnet_does(seconds: float, span: str, iso: str) -> None:
    """Days stand before a dot, or are a part of their own."""
    length = timedelta(seconds=seconds)
    assert (timespan(length).removesuffix(".0000000"), duration(length)) == (span, iso)


@pytest.mark.parametrize("name", ["not base64", "bm8=", ""])
def test_a_name_that_is_no_operations_stands_for_none(name: str) -> None:
    """It is looked up and not found."""
    azure = Scene().azure
    assert azure.operation(job_wire.operation_id(name)) is None
