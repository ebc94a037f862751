"""The status page's query on a real KQL engine."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from backup_retry.azure.estate import estate, query
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.estate import Estate
from simulator.resource_graph.kql import GraphTables
from tests.builders import NOW, SUBSCRIPTION, item
from tests.recorded import RECORDINGS, needs_recordings

TODAY = NOW.date()
SINCE = NOW - timedelta(days=14)
DISK = ProtectedItem(
    vault=Vault(
        subscription=SUBSCRIPTION, resource_group="rg-backup", name="backup-1", kind=VaultKind.BACKUP
    ),
    name="disk-1",
)
_VAULTS, _BACKUP_VAULTS = "microsoft.recoveryservices/vaults", "microsoft.dataprotection/backupvaults"


class Graph:
    """Resource Graph's tables, filled by hand."""

    def __init__(self, tables: GraphTables) -> None:
        self._tables = tables
        self._rows: list[dict[str, Any]] = []
        self.containers: list[dict[str, Any]] = []

    def job(self, status: str, days_ago: float, of: ProtectedItem | None = None, **said: Any) -> None:
        """Add a job of an item that took an hour; `said` changes the row's properties."""
        backed_up, began = of or item(), NOW - timedelta(days=days_ago)
        properties = {
            "status": status,
            "operation": "Backup",
            "backupManagementType": "AzureIaasVM",
            "backupInstanceId": backed_up.id,
            "startTime": _text(began),
            "endTime": _text(began + timedelta(hours=1)) if status != "InProgress" else None,
        }
        self._add("backupjobs", f"{backed_up.vault.id}/backupJobs/{uuid.uuid4()}", properties | said)

    def item(self, of: ProtectedItem, last: datetime | None = None, **said: Any) -> None:
        """Add a protected item."""
        properties = {"backupManagementType": "AzureIaasVM", "protectionState": "Protected"}
        point = {"lastRecoveryPoint": _text(last)} if last else {}
        self._add("backupfabrics/protectioncontainers/protecteditems", of.id, properties | point | said)

    def instance_job(self, status: str, days_ago: float, of: ProtectedItem = DISK, **said: Any) -> None:
        """Add a job of a backup instance."""
        properties = {
            "status": status,
            "operationCategory": "Backup",
            "operation": "Backup",
            "backupInstanceId": of.id,
            "startTime": _text(NOW - timedelta(days=days_ago)),
            "endTime": None,
        }
        identity = f"{of.vault.id}/backupJobs/{uuid.uuid4()}"
        self._add("backupjobs", identity, properties | said, _BACKUP_VAULTS)

    def instance(self, of: ProtectedItem = DISK, last: str = "0001-01-01T00:00:00Z", **said: Any) -> None:
        """Add a backup instance."""
        point = {"recoveryPointInfo": {"latestRecoveryPointInPrimaryRegion": last}}
        properties = {
            "currentProtectionState": "ProtectionConfigured",
            "backupInstanceExtendedProperties": point,
        }
        self._add("backupinstances", of.id, properties | said, _BACKUP_VAULTS)

    def rows(self, rows: list[dict[str, Any]]) -> None:
        """Add rows as Resource Graph answered them."""
        self._rows += rows

    def found(self, since: datetime = SINCE) -> Estate:
        """What the query returns."""
        self._tables.load("RecoveryServicesResources", self._rows)
        self._tables.load("ResourceContainers", self.containers)
        result = self._tables.query(query(since), NOW)
        names = [column.name for column in result.columns]
        return estate([dict(zip(names, row, strict=True)) for row in result.rows])

    def _add(self, kind: str, identity: str, properties: dict[str, Any], of: str = _VAULTS) -> None:
        self._rows.append({"id": identity, "type": f"{of}/{kind}", "properties": properties})


def recorded(name: str) -> list[dict[str, Any]]:
    """The rows in a recorded answer of Resource Graph."""
    answer = json.loads((RECORDINGS.parent / name).read_text(encoding="utf-8"))["response"]["body"]
    rows: list[dict[str, Any]] = answer["data"]
    return rows


@pytest.fixture(scope="module")
def tables() -> Iterator[GraphTables]:
    tables = GraphTables()
    yield tables
    tables.close()


@pytest.fixture
def graph(tables: GraphTables) -> Graph:
    return Graph(tables)


def days_ago(*numbers: int) -> frozenset[date]:
    return frozenset(TODAY - timedelta(days=number) for number in numbers)


def test_an_items_days_are_told_by_how_its_backups_ended(graph: Graph) -> None:
    """With warnings is good, cancelled is bad, both may be on one day, and a running one is neither."""
    graph.job("Completed", 3)
    graph.job("CompletedWithWarnings", 2)
    graph.job("Failed", 2)
    graph.job("Cancelled", 1)
    graph.job("InProgress", 0)
    [found] = graph.found().items
    assert (found.item.key, found.good, found.bad) == (item().key, days_ago(3, 2), days_ago(2, 1))
    assert found.last_good_at == NOW - timedelta(days=3)


def test_what_completed_with_warnings_is_a_point_where_the_item_says_so(graph: Graph) -> None:
    """It may have moved nothing; of a database's full backup only its job tells, as a log makes points as well."""
    graph.job("CompletedWithWarnings", 2, item(1))
    graph.item(item(1), last=NOW - timedelta(days=12))
    graph.job("CompletedWithWarnings", 2, item(2), operation="Backup (Full)")
    graph.item(item(2), last=NOW)
    machine, database = graph.found().items
    assert (machine.last_good_at, machine.last_full_at) == (NOW - timedelta(days=12), None)
    assert database.last_full_at == NOW - timedelta(days=2)


def test_a_backup_counts_on_the_day_it_began(graph: Graph) -> None:
    """As a failure does in the ledger: half an hour before midnight (14:00 less 14.5 hours)."""
    graph.job("Completed", 14.5 / 24)
    [found] = graph.found().items
    assert found.good == days_ago(1)


def test_an_item_without_jobs_is_there_as_well(graph: Graph) -> None:
    """One that is never backed up is the worst of all."""
    graph.item(item(1))
    graph.item(item(2), last=NOW - timedelta(days=40))
    first, second = graph.found().items
    assert (first.good, first.last_good_at) == (frozenset(), None)
    assert second.last_good_at == NOW - timedelta(days=40)


@pytest.mark.parametrize(("state", "stopped"), [("ProtectionStopped", True), ("Protected", False)])
def test_a_stopped_item_is_told_apart(graph: Graph, state: str, stopped: bool) -> None:
    """Nobody expects a backup of it."""
    graph.item(item(), protectionState=state)
    graph.job("Completed", 9)
    [found] = graph.found().items
    assert found.stopped is stopped


def test_item_and_jobs_are_one_whatever_their_case(graph: Graph) -> None:
    """ARM ids have none."""
    graph.item(item())
    graph.job("Completed", 1, backupInstanceId=item().id.upper())
    [found] = graph.found().items
    assert found.good == days_ago(1)


@pytest.mark.parametrize(
    "said",
    [
        {"operation": "Restore"},
        {"startTime": "2026-11-01T00:00:00.0000000Z"},
        {"backupInstanceId": ""},
    ],
    ids=str,
)
def test_other_jobs_are_left_out(graph: Graph, said: dict[str, Any]) -> None:
    """Restores, older ones, and those of nobody."""
    graph.job("Failed", 1, **said)
    assert graph.found().items == []


@pytest.mark.parametrize("kind", ["AzureWorkload", "AzureStorage", "MAB", "DPM"])
def test_every_workload_has_its_days(graph: Graph, kind: str) -> None:
    """Its items and its jobs."""
    graph.item(item(), backupManagementType=kind)
    graph.job("Completed", 1, backupManagementType=kind)
    [found] = graph.found().items
    assert found.good == days_ago(1)


def test_a_good_log_backup_makes_no_day_good(graph: Graph) -> None:
    """It would hide the full one that failed; a failed one makes a day bad."""
    graph.job("Completed", 1, operation="Backup (Log)")
    graph.job("Failed", 1, operation="Backup (Full)")
    graph.job("Completed", 2, operation="Backup (Differential)")
    graph.job("Failed", 3, operation="Backup (Log)")
    [found] = graph.found().items
    assert (found.good, found.bad) == (days_ago(2), days_ago(1, 3))
    assert found.last_good_at == NOW - timedelta(days=2)


def test_backup_vaults_are_told_as_the_others(graph: Graph) -> None:
    """Jobs in both vocabularies; a restore is none."""
    graph.instance()
    graph.instance_job("Completed", 4)
    graph.instance_job("Succeeded", 3)
    graph.instance_job("Failed", 2)
    graph.instance_job("Failed", 1, operationCategory="Restore")
    [found] = graph.found().items
    assert (found.item.key, found.good, found.bad) == (DISK.key, days_ago(4, 3), days_ago(2))
    assert found.last_good_at == NOW - timedelta(days=3)


@pytest.mark.parametrize(
    ("last", "at"),
    [
        ("0001-01-01T00:00:00Z", None),
        ("2026-11-20T14:00:00.0000000Z", NOW - timedelta(days=2)),
    ],
)
def test_an_instances_last_recovery_point_is_known_without_jobs(
    graph: Graph, last: str, at: datetime | None
) -> None:
    """The year 1 is none."""
    graph.instance(last=last)
    [found] = graph.found().items
    assert (found.last_good_at, found.stopped) == (at, False)


@pytest.mark.parametrize(
    "state", ["ProtectionStopped", "BackupSchedulesSuspended", "SoftDeleting", "SoftDeleted"]
)
def test_a_stopped_instance_is_told_apart(graph: Graph, state: str) -> None:
    """In the words of backup vaults."""
    graph.instance(currentProtectionState=state)
    [found] = graph.found().items
    assert found.stopped


@needs_recordings
def test_recorded_rows_of_a_backup_vault_are_understood(graph: Graph) -> None:
    """Three completed jobs of one disk, whose protection was stopped since, and its last recovery point."""
    graph.rows(recorded("recordings/arg__dpp_backup_jobs__completed.json"))
    graph.rows(recorded("rest/arg_backupinstances.json"))
    [found] = graph.found(datetime(2024, 2, 1, tzinfo=UTC)).items
    assert found.good == {date(2024, 2, day) for day in (11, 17, 18)}
    assert (found.bad, found.stopped) == (frozenset(), True)
    assert found.last_good_at == datetime(2025, 11, 3, 12, 2, 57, 857941, tzinfo=UTC)


def test_a_machine_that_was_never_backed_up_has_no_last_good_backup(graph: Graph) -> None:
    """Recovery Services writes 2001."""
    graph.item(item(), last=datetime(2001, 1, 1, tzinfo=NOW.tzinfo))
    [found] = graph.found().items
    assert found.last_good_at is None


def test_subscriptions_come_with_their_names(graph: Graph) -> None:
    """By their ids."""
    kind = "microsoft.resources/subscriptions"
    identity = {"id": f"/subscriptions/{SUBSCRIPTION}", "name": "Production", "type": kind}
    group = {"id": "/subscriptions/x/resourceGroups/y", "name": "y", "type": f"{kind}/resourcegroups"}
    graph.containers = [identity, group]
    assert graph.found().subscriptions == {SUBSCRIPTION: "Production"}


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z"


def test_an_item_says_what_it_is_judged_by(graph: Graph) -> None:
    """Its policy, its source, its name and server, what runs, when it was set up, and its newest full and other one."""
    database = ProtectedItem(
        vault=item().vault, container="VMAppContainer;Compute;rg;sql01", name="SQLDataBase;MSSQLSERVER;Sales"
    )
    said = {"policyId": f"{item().vault.id}/backupPolicies/Hourly", "sourceResourceId": "/subscriptions/x/vm"}
    graph.item(
        database, last=NOW - timedelta(hours=1), friendlyName="Sales", workloadType="SQLDataBase", **said
    )
    graph.job("Completed", 6, database, operation="Backup (Full)")
    graph.job("Completed", 1, database, operation="Backup (Differential)")
    graph.job("Completed", 0.1, database, operation="Backup (Log)")
    graph.job("InProgress", 0.01, database, operation="Backup (Full)")
    graph.job("Completed", 8, database, operation="ConfigureBackup")
    [found] = graph.found().items
    assert (found.policy_id, found.source_id, found.full_name) == (*said.values(), "Sales on sql01")
    assert (found.last_full_at, found.last_part_at) == (NOW - timedelta(days=6), NOW - timedelta(days=1))
    assert found.point_at == NOW - timedelta(hours=1)
    assert found.running_since == NOW - timedelta(days=0.01)
    assert found.configured_at == NOW - timedelta(days=8)
    assert found.good_hours == (NOW - timedelta(days=6), NOW - timedelta(days=1))


def test_what_only_jobs_tell_of_is_no_item_of_its_vault(graph: Graph) -> None:
    """Its backups of the last days are shown; that it was set up once is nothing to show."""
    graph.job("Failed", 2, item(1))
    graph.job("Completed", 2, item(2), operation="ConfigureBackup")
    [found] = graph.found().items
    assert (found.item.key, found.listed) == (item(1).key, False)
