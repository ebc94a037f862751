"""The status page's query on a real KQL engine."""

import uuid
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from backup_retry.model import ProtectedItem
from simulator.kql import GraphTables
from status.estate import Estate, estate, query
from tests.builders import NOW, SUBSCRIPTION, item

TODAY = NOW.date()
SINCE = NOW - timedelta(days=14)


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

    def found(self) -> Estate:
        """What the query returns."""
        self._tables.load("RecoveryServicesResources", self._rows)
        self._tables.load("ResourceContainers", self.containers)
        result = self._tables.query(query(SINCE), NOW)
        names = [column.name for column in result.columns]
        return estate([dict(zip(names, row, strict=True)) for row in result.rows])

    def _add(self, kind: str, identity: str, properties: dict[str, Any]) -> None:
        kind = f"microsoft.recoveryservices/vaults/{kind}"
        self._rows.append({"id": identity, "type": kind, "properties": properties})


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
    assert found.last_good_at == NOW - timedelta(days=2)


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
        {"backupManagementType": "AzureWorkload"},
        {"startTime": "2026-11-01T00:00:00.0000000Z"},
        {"backupInstanceId": ""},
    ],
    ids=str,
)
def test_other_jobs_are_left_out(graph: Graph, said: dict[str, Any]) -> None:
    """Restores, other workloads, older ones, and those of nobody."""
    graph.job("Failed", 1, **said)
    assert graph.found().items == []


def test_subscriptions_come_with_their_names(graph: Graph) -> None:
    """By their ids."""
    kind = "microsoft.resources/subscriptions"
    identity = {"id": f"/subscriptions/{SUBSCRIPTION}", "name": "Production", "type": kind}
    group = {"id": "/subscriptions/x/resourceGroups/y", "name": "y", "type": f"{kind}/resourcegroups"}
    graph.containers = [identity, group]
    assert graph.found().subscriptions == {SUBSCRIPTION: "Production"}


def _text(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z"
