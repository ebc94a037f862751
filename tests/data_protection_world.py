"""Simulated Backup vaults with a client of Microsoft's SDK."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from azure.identity.aio import DefaultAzureCredential
from azure.mgmt.dataprotection.aio import DataProtectionMgmtClient
from azure.mgmt.dataprotection.models import (
    AdHocBackupRuleOptions,
    AdhocBackupTriggerOption,
    TriggerBackupRequest,
)

from simulator.estate.inventory import Item
from tests.simulated import ARM_SCOPE, SUBSCRIPTION, Simulated, simulated

BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
ESTATE: Mapping[str, Any] = {
    "subscriptions": [{"id": SUBSCRIPTION, "name": "Production"}],
    "vaults": [
        {
            "kind": "backup",
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "bv-1",
            "policies": [
                {
                    "name": "Hourly",
                    "backup_rule": "BackupHourly",
                    "period": "PT4H",
                    "retention_tag": "Weekly",
                },
                {"name": "Continuous", "workload": BLOBS, "backup_rule": None},
            ],
            "items": [
                {"workload": "Microsoft.Compute/disks", "name": "disk-1", "policy": "Hourly"},
                {"workload": "Microsoft.Compute/disks", "name": "disk-2", "tags": {"team": "blue"}},
                {"workload": BLOBS, "name": "stlogs", "policy": "Continuous"},
                {"workload": BLOBS, "name": "stvault"},
                {"workload": "Microsoft.ContainerService/managedClusters", "name": "aks-1"},
                {"workload": "Microsoft.DBforPostgreSQL/flexibleServers", "name": "pg-1"},
                {
                    "workload": "Microsoft.DBforMySQL/flexibleServers",
                    "name": "my-1",
                    "protection_state": "ProtectionStopped",
                },
                {"workload": "Microsoft.Compute/disks", "name": "gone", "protection_state": "SoftDeleted"},
            ],
        },
        {"kind": "backup", "subscription": SUBSCRIPTION, "resource_group": "rg-Backup", "name": "bv-9"},
        {
            "subscription": SUBSCRIPTION,
            "resource_group": "rg-Backup",
            "name": "bv-1",
            "items": [{"vm": "vm-01"}],
        },
    ],
    "denied_vaults": ["bv-9"],
    "settings": {"backup_seconds": 60, "operation_seconds": 1, "page_size": 3},
}
VAULT = ("rg-backup", "bv-1")


@dataclass(frozen=True)
class World:
    """The simulator with a client of Backup vaults."""

    simulated: Simulated
    client: DataProtectionMgmtClient

    def item(self, name: str) -> Item:
        """What bears the name."""
        item = self.simulated.server.azure.find_item(name)
        assert item is not None
        return item

    async def trigger(
        self, name: str, rule: str, tag: str | None = None, request_id: str | None = None
    ) -> Mapping[str, str]:
        """Trigger an on-demand backup; the result is the answer's headers."""
        options = AdHocBackupRuleOptions(
            rule_name=rule, trigger_option=AdhocBackupTriggerOption(retention_tag_override=tag)
        )
        poller: Any = await self.client.backup_instances.begin_adhoc_backup(
            *VAULT,
            self.item(name).name,
            TriggerBackupRequest(backup_rule_options=options),
            polling=False,
            **({"request_id": request_id} if request_id else {}),
        )
        return dict(poller.polling_method()._initial_response.http_response.headers)

    async def jobs(self) -> list[Any]:
        """The vault's jobs' properties as the list has them."""
        return [job.properties async for job in self.client.jobs.list(*VAULT)]

    async def job(self, name: str) -> Any:
        """A job's properties in detail."""
        return (await self.client.jobs.get(*VAULT, name)).properties

    async def read(self, url: str) -> tuple[int, Any, Mapping[str, str]]:
        """GET a URL of the service as it was given: status, body, headers."""
        simulated = self.simulated
        async with simulated.http.get(url, headers=simulated.headers()) as answer:
            return answer.status, await answer.json() if answer.content_length else None, answer.headers


@asynccontextmanager
async def running(
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    notices: Sequence[str] = ("built_in",),
    **settings: Any,
) -> AsyncIterator[World]:
    """A world with these notices, whose settings differ so from the estate's."""
    estate = {**ESTATE, "notices": list(notices), "settings": {**ESTATE["settings"], **settings}}
    async with (
        simulated(directory, monkeypatch, estate) as server,
        DefaultAzureCredential() as credential,
        DataProtectionMgmtClient(
            credential,
            SUBSCRIPTION,
            base_url=server.server.arm_url,
            credential_scopes=[ARM_SCOPE],
            connection_verify=str(server.server.certificates.ca_file),
            retry_total=0,
            polling_interval=0,
        ) as client,
    ):
        yield World(server, client)
