"""The simulated Azure's state: what happens to jobs and items as time passes."""

import re
from datetime import timedelta
from typing import Any

import pytest

from simulator.estate.estate_file import DEFAULT_ESTATE, EstateError, EstateFile
from simulator.estate.inventory import Item, Job
from simulator.estate.outcomes import JobStatus, Outcome, error_titled
from simulator.estate.state import Azure
from tests.clock import Clock

DISK = {"workload": "Microsoft.Compute/disks", "name": "disk"}
SQL = {"workload": "SQLDataBase", "name": "orders", "server": "sql-vm-1", "instance": "MSSQLSERVER"}
FILES = {"workload": "MAB", "name": "C:\\", "server": "FILESRV1"}
FAILED = Outcome(status=JobStatus.FAILED, error=error_titled("SnapshotTimedOut"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def azure(clock: Clock) -> Azure:
    return Azure(EstateFile.read(DEFAULT_ESTATE).build(clock()))


@pytest.fixture
def item(azure: Azure) -> Item:
    found = azure.find_item("vm-01")
    assert found is not None
    return found


def trigger(azure: Azure, item: Item, clock: Clock, activity_id: str = "a") -> Job:
    return azure.trigger_backup(item, activity_id=activity_id, expires=None, now=clock()).job


def test_a_job_ends_when_its_time_has_come(azure: Azure, item: Item, clock: Clock) -> None:
    """It ends at the moment it was due, however late anybody looks."""
    job = trigger(azure, item, clock)
    clock.move(seconds=0.9)
    azure.advance(clock())
    assert (job.status, job.end_time) == (JobStatus.IN_PROGRESS, None)
    clock.move(minutes=5)
    azure.advance(clock())
    assert (job.status, job.end_time) == (JobStatus.COMPLETED, job.start_time + timedelta(seconds=1))


def test_listeners_hear_of_each_failed_backup_once(azure: Azure, item: Item, clock: Clock) -> None:
    """And of failed restores; not of completed or cancelled backups, nor of changes of protection."""
    heard: list[Job] = []
    azure.listeners.append(heard.append)
    failed = azure.run_job(item, FAILED, now=clock())
    azure.run_job(item, Outcome(), now=clock())
    azure.run_job(item, Outcome(status=JobStatus.CANCELLED), now=clock())
    restore = azure.run_job(item, FAILED, now=clock(), operation="Restore")
    azure.run_job(item, FAILED, now=clock(), operation="ConfigureBackup")
    for _ in range(3):
        clock.move(seconds=2)
        azure.advance(clock())
    assert heard == [failed, restore]


def test_failures_are_heard_of_in_the_order_of_their_ends(azure: Azure, clock: Clock) -> None:
    """One look after a long while hears them as if it had looked all the time."""
    heard: list[Job] = []
    azure.listeners.append(heard.append)
    items = list(azure.items)
    jobs = [
        azure.run_job(each, Outcome(status=JobStatus.FAILED, seconds=seconds), now=clock())
        for each, seconds in zip(items, (30, 10, 20), strict=True)
    ]
    clock.move(minutes=1)
    azure.advance(clock())
    assert heard == [jobs[1], jobs[2], jobs[0]]


def test_a_failed_outcome_without_an_error_gets_one(azure: Azure, item: Item, clock: Clock) -> None:
    """A failed job always says why."""
    job = azure.run_job(item, Outcome(status=JobStatus.FAILED, seconds=0), now=clock())
    assert job.error is not None
    assert job.error.code == 400199


def test_a_cancelled_job_has_no_error(azure: Azure, item: Item, clock: Clock) -> None:
    """Even where its outcome would have been a failure."""
    job = azure.run_job(item, FAILED, now=clock())
    azure.cancel(job, clock())
    assert job.status is JobStatus.CANCELLING
    clock.move(seconds=0.3)
    azure.advance(clock())
    assert (job.status, job.error) == (JobStatus.CANCELLED, None)


def test_a_trigger_collides_with_a_running_backup_only(azure: Azure, item: Item, clock: Clock) -> None:
    """A running restore of the item does not matter."""
    azure.run_job(item, Outcome(seconds=60), now=clock(), operation="Restore")
    first, second = trigger(azure, item, clock), trigger(azure, item, clock, "b")
    clock.move(seconds=1)
    azure.advance(clock())
    assert first.status is JobStatus.COMPLETED
    assert second.error is not None
    assert (second.status, second.error.code) == (JobStatus.FAILED, 400249)


def test_a_collision_uses_up_no_outcome(azure: Azure, item: Item, clock: Clock) -> None:
    """The next outcome is for the next backup that really runs."""
    item.next_outcomes.extend([Outcome(seconds=60), FAILED])
    trigger(azure, item, clock)
    trigger(azure, item, clock)
    assert list(item.next_outcomes) == [FAILED]


def test_a_job_that_began_and_ended_before_is_ended_at_once(azure: Azure, item: Item, clock: Clock) -> None:
    """Its times are the past ones; the vault knows it from now on."""
    job = azure.run_job(item, Outcome(seconds=60), now=clock(), age=timedelta(hours=2))
    assert job.status is JobStatus.COMPLETED
    assert job.start_time == clock() - timedelta(hours=2)
    assert not job.is_known_at(clock() - timedelta(seconds=1))


def test_the_past_can_be_seen_as_it_was_known_then(azure: Azure, item: Item, clock: Clock) -> None:
    """A lagging reader sees the job running, and the item's previous recovery point."""
    before = item.last_recovery_point(clock())
    began = clock()
    job = trigger(azure, item, clock)
    clock.move(seconds=2)
    azure.advance(clock())
    assert (job.status_at(began), job.status_at(clock())) == (JobStatus.IN_PROGRESS, JobStatus.COMPLETED)
    assert (item.last_recovery_point(began), item.last_recovery_point(clock())) == (before, job.start_time)
    assert (item.last_backup(began), item.last_backup(clock())) == (None, job)


def test_the_version_changes_with_the_jobs_and_not_with_time(azure: Azure, item: Item, clock: Clock) -> None:
    """Readers need not read again while it stays."""
    empty = azure.version_at(clock())
    clock.move(seconds=5)
    assert azure.version_at(clock()) == empty
    trigger(azure, item, clock)
    running = azure.version_at(clock())
    clock.move(seconds=5)
    azure.advance(clock())
    assert len({empty, running, azure.version_at(clock())}) == 3
    azure.reset(EstateFile.read({}).build(clock()))
    assert azure.version_at(clock()) != empty


def test_items_are_found_by_id_in_any_casing_or_by_vm(azure: Azure, item: Item) -> None:
    """Azure's own ids come in several casings."""
    assert azure.find_item(item.id.upper()) is item
    assert azure.find_item("VM-01") is item
    assert azure.find_item("vm-1") is None


def test_names_are_lower_cased_by_the_service(clock: Clock) -> None:
    """The VM keeps its own casing; container and item do not."""
    vault = {**DEFAULT_ESTATE["vaults"][0], "items": [{"vm": "VM-Big", "resource_group": "RG-App"}]}
    azure = Azure(EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock()))
    (item,) = azure.items
    assert item.name == "VM;iaasvmcontainerv2;rg-app;vm-big"
    assert item.source_resource_id.endswith(
        "/resourceGroups/RG-App/providers/Microsoft.Compute/virtualMachines/VM-Big"
    )


def test_an_item_needs_a_policy_that_exists(clock: Clock) -> None:
    """The message names item and policy."""
    vault = {**DEFAULT_ESTATE["vaults"][0], "items": [{"vm": "vm", "resource_group": "rg", "policy": "Gold"}]}
    with pytest.raises(EstateError, match="vm: there is no policy 'Gold'"):
        EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock())


@pytest.mark.parametrize(
    ("kind", "item", "why"),
    [
        ("backup", {"vm": "vm"}, "vm: no Microsoft.DataProtection vault holds VM"),
        (
            "recovery_services",
            DISK,
            "disk: no Microsoft.RecoveryServices vault holds Microsoft.Compute/disks",
        ),
        ("backup", DISK | {"protection_state": "Protected"}, "protection_state is none of ProtectionConfig"),
        ("backup", DISK | {"policy": "Gold"}, "no policy 'Gold' for Microsoft.Compute/disks"),
        ("backup", DISK | {"server": "s"}, "Microsoft.Compute/disks has no server"),
        ("recovery_services", SQL | {"instance": None}, "SQLDataBase needs instance"),
        ("recovery_services", SQL | {"server": None}, "SQLDataBase needs server"),
        ("recovery_services", SQL | {"vm": "vm"}, "an item has either vm, or workload and name"),
        ("recovery_services", SQL | {"workload": "Sql"}, "there is no workload 'Sql'"),
        ("recovery_services", {}, "an item has either vm, or workload and name"),
    ],
)
def test_an_item_that_cannot_be_is_refused(clock: Clock, kind: str, item: dict[str, Any], why: str) -> None:
    """The message says what does not fit."""
    vault = {**DEFAULT_ESTATE["vaults"][0], "kind": kind, "items": [item]}
    with pytest.raises(EstateError, match=why):
        EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock())


@pytest.mark.parametrize(
    ("kind", "policy", "why"),
    [
        ("backup", {"workload": "VM"}, "no Microsoft.DataProtection vault has policies for VM"),
        (
            "recovery_services",
            {"workload": "MAB"},
            "no Microsoft.RecoveryServices vault has policies for MAB",
        ),
        ("backup", {"workload": "disks"}, "policy Own: there is no workload 'disks'"),
    ],
)
def test_a_policy_that_cannot_be_is_refused(
    clock: Clock, kind: str, policy: dict[str, Any], why: str
) -> None:
    """The message names the policy."""
    vault = {
        **DEFAULT_ESTATE["vaults"][0],
        "kind": kind,
        "items": [],
        "policies": [policy | {"name": "Own"}],
    }
    with pytest.raises(EstateError, match=why):
        EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock())


def test_vaults_of_both_kinds_may_bear_one_name(clock: Clock) -> None:
    """Their ids differ, and so do those of what they hold."""
    vault = DEFAULT_ESTATE["vaults"][0]
    both = [vault, {**vault, "kind": "backup", "items": [DISK]}]
    azure = Azure(EstateFile.read({**DEFAULT_ESTATE, "vaults": both}).build(clock()))
    place = (vault["subscription"], vault["resource_group"], vault["name"])
    found = [azure.vault(*place), azure.vault(*place, provider="Microsoft.DataProtection")]
    assert found == list(azure.vaults)
    disk = found[1].items[0] if found[1] else None
    assert disk is not None
    assert re.fullmatch(r".*/backupVaults/vault-1/backupInstances/disk-disk-[0-9a-f-]{36}", disk.id)
    assert disk.source_resource_id.endswith("/providers/Microsoft.Compute/disks/disk")


def test_the_usual_policies_are_those_of_the_workloads_that_are_there(clock: Clock) -> None:
    """VMs always have one; what an estate calls its own replaces the usual one of that name."""
    own = {"name": "HourlyLogBackup", "workload": "SQLDataBase", "log_minutes": 15}
    vault = {**DEFAULT_ESTATE["vaults"][0], "items": [SQL, FILES], "policies": [own]}
    azure = Azure(EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock()))
    assert [policy.name for policy in azure.vaults[0].policies] == ["DefaultPolicy", "HourlyLogBackup"]
    assert [item.policy.log_minutes for item in azure.items] == [15, None]


def test_a_first_good_backup_protects_an_item(clock: Clock) -> None:
    """Until then its protection waits for it."""
    vault = {**DEFAULT_ESTATE["vaults"][0], "items": [SQL | {"protection_state": "IRPending"}]}
    azure = Azure(EstateFile.read({**DEFAULT_ESTATE, "vaults": [vault]}).build(clock()))
    item = next(azure.items)
    azure.run_job(item, Outcome(status=JobStatus.FAILED, seconds=0), now=clock())
    after_failure = item.protection_state
    azure.run_job(item, Outcome(seconds=0), now=clock())
    assert (after_failure, item.protection_state) == ("IRPending", "Protected")
