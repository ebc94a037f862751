"""The sweep's query on a real KQL engine, and the pages that Resource Graph answers it with."""

import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backup_retry.azure.client import AzureClients
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from backup_retry.domain.errors import AzureRefused, AzureUnavailable
from backup_retry.policy.rules import LONGEST_JOB
from reconciler.sweep import failed_jobs_query, read_row
from simulator.estate.outcomes import JobStatus, Outcome
from simulator.machine.tls import Certificates
from simulator.resource_graph.kql import GraphTables
from simulator.server import RunningServer, ServerConfig, serve
from tests.clock import Clock
from tests.failures import VAULT, vm_item
from tests.player import Player, playing
from tests.vault_world import settings

Row = dict[str, Any]
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)
OTHER_VAULT = Vault(subscription=VAULT.subscription, resource_group="rg-backup", name="vault-2")
BACKUP_VAULT = Vault(
    subscription=VAULT.subscription, resource_group="rg-backup", name="backup-1", kind=VaultKind.BACKUP
)


def ago(hours: float) -> str:
    """So many hours before now, as Resource Graph writes it."""
    return f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%S.%f}0Z"


class Graph:
    """Resource Graph's table of jobs, filled by hand."""

    def __init__(self, tables: GraphTables) -> None:
        self._tables = tables
        self._rows: list[Row] = []

    def job(self, status: str, hours_ago: float, vm: str = "vm-01", vault: Vault = VAULT, **said: Any) -> str:
        """Add a job of a VM; its id. `said` changes the row's properties."""
        identity = f"{vault.id}/backupJobs/{uuid.uuid4()}"
        properties = {
            "status": status,
            "operation": "Backup",
            "backupManagementType": "AzureIaasVM",
            "entityFriendlyName": vm,
            "backupInstanceId": vm_item(vm, vault).id,
            "isUserTriggered": "false",
            "startTime": ago(hours_ago),
        }
        return self.row(identity, properties | said)

    def instance_job(self, status: str, hours_ago: float, disk: str = "disk-1", **said: Any) -> str:
        """Add a job of a backup vault's disk; its id."""
        properties = {
            "status": status,
            "operationCategory": "Backup",
            "operation": "Backup",
            "backupInstanceId": ProtectedItem(vault=BACKUP_VAULT, name=disk).id,
            "startTime": ago(hours_ago),
            "endTime": None,
        }
        identity = f"{BACKUP_VAULT.id}/backupJobs/{uuid.uuid4()}"
        return self.row(identity, properties | said, "microsoft.dataprotection/backupvaults/backupjobs")

    def row(
        self, identity: str, properties: Row, kind: str = "microsoft.recoveryservices/vaults/backupjobs"
    ) -> str:
        """Add a job's row as it stands; its id."""
        self._rows.append({"id": identity, "type": kind, "properties": properties})
        return identity

    def found(self, since: datetime = SINCE) -> list[str]:
        """The ids that the query returns, in its order."""
        self._tables.load("RecoveryServicesResources", self._rows)
        result = self._tables.query(failed_jobs_query(since), NOW)
        position = [column.name for column in result.columns].index("id")
        return [str(row[position]) for row in result.rows]


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


# ---- the adapter -------------------------------------------------------------------------------------------

MANY = 1_050
FAILED = Outcome(status=JobStatus.FAILED, seconds=0)


@pytest.fixture
async def azure(
    trust: Certificates, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RunningServer, ResourceGraph]]:
    """A simulated Azure with more failures than fit on a page."""
    items = [{"vm": f"vm-{number:04}", "resource_group": "rg-app"} for number in range(MANY)]
    vault = {
        "subscription": VAULT.subscription,
        "resource_group": "rg-backup",
        "name": "vault-1",
        "items": items,
    }
    estate = {
        "subscriptions": [{"id": VAULT.subscription, "name": "Test"}],
        "vaults": [vault],
        "action_groups": [],
    }
    clock = Clock()
    config = ServerConfig(ca_directory=trust.ca_file.parent, estate=estate, now=clock)
    async with await serve(config) as server:
        monkeypatch.setenv("IDENTITY_ENDPOINT", server.identity_endpoint)
        monkeypatch.setenv("IDENTITY_HEADER", server.identity_header)
        for item in server.azure.items:
            server.azure.run_job(item, FAILED, now=clock())
        async with AzureClients(settings(server.arm_url), ssl_context=trust.client_context()) as clients:
            yield server, ResourceGraph(clients)


async def test_all_pages_are_read(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """Two pages, no row twice; every row names a job and its item."""
    server, graph = azure
    rows = [row async for row in graph.rows(failed_jobs_query(SINCE))]
    found = [each for row in rows if (each := read_row(row))]
    assert {each.job_id for each in found} == {job.name for job in server.azure.jobs}
    assert len(found) == len(rows) == MANY
    assert {each.item.key for each in found if each.item} == {item.id.lower() for item in server.azure.items}
    assert {each.started_at for each in found} == {NOW}
    assert len(server.simulator.requests.find("ResourceGraph/resources$")) == 2


async def test_a_page_that_is_missing_is_no_end(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """The rows before it are there, then there is an error: a sweep that is not complete."""
    server, graph = azure
    server.faults.arm([{"name": "drop_request", "match": "ResourceGraph", "skip": 1}])
    rows = aiter(graph.rows(failed_jobs_query(SINCE)))
    for _ in range(1_000):
        assert await anext(rows)
    with pytest.raises(AzureUnavailable):
        await anext(rows)


async def test_a_throttled_page_is_asked_for_again(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """By the SDK, which waits as long as Resource Graph says."""
    server, graph = azure
    server.faults.arm([{"name": "throttle", "match": "ResourceGraph", "retry_after": 0, "count": 1}])
    assert len([row async for row in graph.rows(failed_jobs_query(SINCE))]) == MANY


async def test_a_query_that_azure_refuses_is_an_error(azure: tuple[RunningServer, ResourceGraph]) -> None:
    """No empty answer."""
    _, graph = azure
    with pytest.raises(AzureRefused):
        await anext(aiter(graph.rows("RecoveryServicesResources | wherever")))


async def test_an_answer_for_a_part_of_the_subscriptions_is_an_error(trust: Certificates) -> None:
    """Otherwise a sweep would call itself complete."""
    async with playing(trust, Player()) as player:
        player.body = {"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "false"}
        graph = ResourceGraph(player.clients)
        assert [row async for row in graph.rows("query")] == []
        player.headers = {"x-ms-tenant-subscription-limit-hit": "true"}
        with pytest.raises(AzureRefused, match="SUBSCRIPTIONS"):
            await anext(aiter(graph.rows("query")))


async def test_many_subscriptions_are_asked_in_groups(trust: Certificates) -> None:
    """250 at a time, each once; without any chosen all are asked that the identity can see."""
    chosen = [str(uuid.UUID(int=number)) for number in range(501)]
    async with playing(trust, Player()) as player:
        player.body = {"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "false"}
        for subscriptions in (chosen, []):
            assert [row async for row in ResourceGraph(player.clients, subscriptions).rows("query")] == []
        *groups, everything = [body.get("subscriptions") for body in player.asked]
    assert [len(group) for group in groups] == [250, 250, 1]
    assert [each for group in groups for each in group] == chosen
    assert everything is None
