"""What the tests of the sweep's query share."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backup_retry.domain.arm_ids import ProtectedItem, Vault, VaultKind
from reconciler.sweep import failed_jobs_query
from simulator.estate.outcomes import JobStatus, Outcome
from simulator.resource_graph.kql import GraphTables
from tests.failures import VAULT, vm_item

Row = dict[str, Any]
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SINCE = NOW - timedelta(hours=24)
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


FAILED = Outcome(status=JobStatus.FAILED, seconds=0)
