"""The sweep's query on a real KQL engine: which failed jobs it finds."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_retry.domain.arm_ids import Vault
from backup_retry.policy.rules import LONGEST_JOB
from reconciler.sweep import failed_jobs_query
from simulator.resource_graph.kql import GraphTables
from tests.failed_jobs_world import SINCE, Graph, Row, ago
from tests.failures import VAULT, vm_item

OTHER_VAULT = Vault(subscription=VAULT.subscription, resource_group="rg-backup", name="vault-2")


@pytest.fixture(scope="module")
def tables() -> Iterator[GraphTables]:
    tables = GraphTables()
    yield tables
    tables.close()


@pytest.fixture
def graph(tables: GraphTables) -> Graph:
    return Graph(tables)


# ---- which jobs it finds -----------------------------------------------------------------------------------


def test_each_items_newest_failure_is_found_oldest_first(graph: Graph) -> None:
    """One row per item, however often it failed."""
    graph.job("Failed", 9, "vm-01")
    newest = graph.job("Failed", 2, "vm-01")
    graph.job("Failed", 7, "vm-01")
    other = graph.job("Failed", 3, "vm-02")
    assert graph.found() == [other, newest]


def test_a_later_success_settles_it(graph: Graph) -> None:
    """An earlier one does not, nor does another item's."""
    graph.job("Failed", 3, "vm-01")
    graph.job("Completed", 2, "vm-01")
    graph.job("Completed", 4, "vm-02")
    failed = graph.job("Failed", 3, "vm-02")
    assert graph.found() == [failed]


def test_a_success_with_warnings_settles_nothing(graph: Graph) -> None:
    """It may have moved no data: the vault is asked."""
    failed = graph.job("Failed", 3)
    graph.job("CompletedWithWarnings", 2)
    assert graph.found() == [failed]


def test_a_cancelled_backup_is_found(graph: Graph) -> None:
    """Whether a person did it is for the policy to say; the newest of both kinds counts."""
    graph.job("Failed", 3)
    cancelled = graph.job("Cancelled", 2)
    assert graph.found() == [cancelled]


@pytest.mark.parametrize("status", ["InProgress", "Cancelling", "Completed", "CompletedWithWarnings"])
def test_what_did_not_fail_is_not_found(graph: Graph, status: str) -> None:
    """Running or good."""
    graph.job(status, 1)
    assert graph.found() == []


def test_a_running_backup_hides_no_failure(graph: Graph) -> None:
    """The vault will say how it ends."""
    failed = graph.job("Failed", 2)
    graph.job("InProgress", 0.1)
    assert graph.found() == [failed]


@pytest.mark.parametrize("operation", ["ConfigureBackup", "DeleteBackupData", "DisableBackup", "Register"])
def test_other_operations_are_left_out(graph: Graph, operation: str) -> None:
    """Neither is their failure one of a backup, nor does a good one settle any."""
    failed = graph.job("Failed", 3)
    graph.job("Failed", 2, operation=operation)
    graph.job("Completed", 1, operation=operation)
    assert graph.found() == [failed]


def test_a_failed_restore_is_found_whatever_else_succeeds(graph: Graph) -> None:
    """Each one, since somebody waits for each; one that a person cancelled is not waited for."""
    first = graph.job("Failed", 4, operation="RestoreWithRehydrate")
    second = graph.job("Failed", 3, operation="Restore (Full)")
    across = graph.instance_job("Failed", 2, operationCategory="CrossRegionRestore", operation="Restore")
    graph.job("Cancelled", 2, operation="Restore")
    graph.job("Completed", 1, operation="Restore")
    graph.job("Completed", 1)
    graph.instance_job("Completed", 1)
    assert graph.found() == [across, first, second]


@pytest.mark.parametrize("kind", ["AzureWorkload", "AzureStorage", "MAB", "DPM"])
def test_every_workload_is_found(graph: Graph, kind: str) -> None:
    """Also what only a person can run again."""
    failed = graph.job("Failed", 2, backupManagementType=kind)
    assert graph.found() == [failed]


@pytest.mark.parametrize("success", ["Completed", "Succeeded"])
def test_jobs_of_backup_vaults_are_found_and_settled(graph: Graph, success: str) -> None:
    """In the words of the service and in those of its specification."""
    failed = graph.instance_job("Failed", 4, "disk-1")
    graph.instance_job("Failed", 4, "disk-2")
    graph.instance_job(success, 3, "disk-2")
    assert graph.found() == [failed]


@pytest.mark.parametrize(
    ("failed", "completed", "settled"),
    [
        ("Backup (Full)", "Backup (Log)", False),
        ("Backup (Full)", "Backup (Differential)", False),
        ("Backup (Full)", "Backup (CopyOnlyFull)", True),
        ("Backup (Differential)", "Backup (Log)", False),
        ("Backup (Differential)", "Backup (Incremental)", True),
        ("Backup (Differential)", "Backup (Full)", True),
        ("Backup (Log)", "Backup (Log)", True),
        ("Backup (Log)", "Backup (Differential)", True),
        ("Backup (Log)", "Backup (Full)", True),
    ],
)
def test_a_databases_failure_is_settled_by_a_backup_of_its_worth(
    graph: Graph, failed: str, completed: str, settled: bool
) -> None:
    """A log backup every fifteen minutes hides no failed full one."""
    failure = graph.job("Failed", 2, operation=failed)
    graph.job("Completed", 1, operation=completed)
    assert graph.found() == ([] if settled else [failure])


def test_a_database_has_a_row_for_each_kind_that_needs_one(graph: Graph) -> None:
    """The failed log backup is the newer one, and hides the failed full one no more than a good one would."""
    full = graph.job("Failed", 3, operation="Backup (Full)")
    log = graph.job("Failed", 1, operation="Backup (Log)")
    assert graph.found() == [full, log]


def test_shares_of_one_name_in_two_accounts_are_two_items(graph: Graph) -> None:
    """Where the row does not name the item, the account tells them apart."""
    share: dict[str, Any] = {
        "backupManagementType": "AzureStorage",
        "backupInstanceId": None,
        "entityFriendlyName": "data",
    }
    failed = graph.job("Failed", 3, storageAccountName="stone", **share)
    graph.job("Completed", 1, storageAccountName="sttwo", **share)
    assert graph.found() == [failed]


def test_other_operations_of_backup_vaults_are_left_out(graph: Graph) -> None:
    """A failed tiering is no failed backup; a failed restore is found."""
    graph.instance_job("Failed", 3, operationCategory="Tiering")
    restore = graph.instance_job("Failed", 2, operationCategory="Restore")
    assert graph.found() == [restore]


def test_casing_does_not_matter(graph: Graph) -> None:
    """Of the words, and of the item's id, by which a failure finds its later success."""
    shouted: Row = {
        "operation": "BACKUP",
        "backupManagementType": "AZUREIAASVM",
        "backupInstanceId": vm_item("vm-01").id.upper(),
    }
    graph.job("Failed", 4, "vm-01")
    graph.job("COMPLETED", 3, "vm-01", **shouted)
    failed = graph.job("FAILED", 2, "vm-02", **shouted | {"backupInstanceId": vm_item("vm-02").id.upper()})
    assert graph.found() == [failed]


def test_a_failure_counts_by_its_end(graph: Graph) -> None:
    """To the second, however long the job ran; a success that ended after it settles it."""
    graph.job("Failed", 40, "vm-01", endTime=ago(24.001))
    failed = graph.job("Failed", 40, "vm-02", endTime=ago(23.999))
    graph.job("Failed", 40, "vm-03", endTime=ago(23.999))
    graph.job("Completed", 39, "vm-03", endTime=ago(23.9))
    assert graph.found() == [failed]
    assert len(graph.found(SINCE - timedelta(hours=1))) == 2


@pytest.mark.parametrize("end", [None, "", "0001-01-01T00:00:00"])
def test_a_failure_without_an_end_counts_as_long_as_it_may_have_run(graph: Graph, end: object) -> None:
    """By its start, and the longest time that a job takes."""
    longest = LONGEST_JOB / timedelta(hours=1)
    graph.job("Failed", 24.001 + longest, "vm-01", endTime=end)
    failed = graph.job("Failed", 23.999 + longest, "vm-02", endTime=end)
    assert graph.found() == [failed]


def test_a_job_without_its_items_id_is_known_by_name_within_its_vault(graph: Graph) -> None:
    """Two vaults may each have a VM of that name."""
    graph.job("Failed", 3, "vm-01", backupInstanceId=None)
    graph.job("Completed", 2, "VM-01", backupInstanceId=None)
    failed = graph.job("Failed", 3, "vm-01", OTHER_VAULT, backupInstanceId=None)
    assert graph.found() == [failed]


def test_a_lower_case_job_id_is_no_other_item(graph: Graph) -> None:
    """Resource Graph's ids come in other casings too."""
    properties = {
        "operation": "Backup",
        "backupManagementType": "AzureIaasVM",
        "entityFriendlyName": "vm-01",
        "backupInstanceId": None,
    }
    for number, status in enumerate(("Failed", "Completed"), start=1):
        started_at = f"2026-11-22T0{number}:00:00Z"
        identity = f"{VAULT.id}/backupJobs/{number}".lower()
        graph.row(identity, properties | {"status": status, "startTime": started_at})
    assert graph.found() == []


# ---- how its time is bound ---------------------------------------------------------------------------------


def test_the_query_is_bound_to_its_horizon_in_utc() -> None:
    """No placeholder is left, no clock of Azure's own is asked."""
    query = failed_jobs_query(SINCE.astimezone(tz=datetime.now().astimezone().tzinfo))
    assert "datetime(2026-11-21T14:00:00Z)" in query
    code = "\n".join(line for line in query.splitlines() if not line.startswith("//"))
    assert "{" not in code
    assert "now()" not in code
    assert "ago(" not in code


def test_the_query_projects_what_paging_needs() -> None:
    """Without the id there is no $skipToken, without an order pages overlap."""
    query = (Path(__file__).parents[3] / "reconciler" / "failed_jobs.kql").read_text(encoding="utf-8")
    *_, project, order = query.strip().splitlines()
    assert project.startswith("| project id,")
    assert order.startswith("| order by")
    assert order.endswith("id asc")
