"""What people use today: Microsoft's runbook "Automatic retry of failed backup jobs", step by step, over REST.

One query for the failed backups of the last day, the first five rows of it; then, one after the other, each row's item
is looked for in its vault's list and its backup is started. No row is looked at twice, nothing is written down or
followed up. The cmdlet that starts a backup also polls until the job exists; that is left out, in the runbook's favour.
https://learn.microsoft.com/azure/architecture/framework/resiliency/auto-retry
"""

import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

#: as published: Search-AzGraph -First 5
FIRST = 5
_GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01"
_VERSION = "api-version=2024-04-01"
_ACCEPTED = 202
_QUERY = """RecoveryServicesResources
| where type =~ 'microsoft.recoveryservices/vaults/backupjobs'
| where todatetime(properties.startTime) >= ago(24h)
| where properties.backupManagementType =~ 'AzureIaasVM' and properties.status =~ 'Failed'
| where properties.operation =~ 'backup'
| project id, vaultSub = subscriptionId, vaultId = tostring(split(id, '/backupJobs')[0]),
    protectedItemName = tostring(split(properties.backupInstanceId, '/')[-1])
| order by vaultSub asc, id asc"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What the runbook did, and how many seconds it took."""

    started: int
    seconds: float


class Runbook:
    """Use as an async context manager."""

    async def __aenter__(self) -> Self:
        arm = os.environ["ARM_ENDPOINT"]
        headers = {"Authorization": f"Bearer {await _token(arm)}"}
        self._http = aiohttp.ClientSession(arm, headers=headers, raise_for_status=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def run(self, first: int = FIRST) -> Run:
        """Start the backups of the first rows again."""
        began = time.perf_counter()
        started = 0
        for row in await self._rows(first):
            item = await self._item(row["vaultId"], row["protectedItemName"])
            started += item is not None and await self._start(item)
        return Run(started=started, seconds=time.perf_counter() - began)

    async def _rows(self, first: int) -> list[dict[str, str]]:
        body = {"query": _QUERY, "options": {"$top": first, "resultFormat": "objectArray"}}
        async with self._http.post(_GRAPH, json=body) as response:
            rows: list[dict[str, str]] = (await response.json())["data"]
            return rows

    async def _item(self, vault: str, name: str) -> dict[str, Any] | None:
        async for item in self._items(vault):
            if item["name"].lower() == name.lower():
                return item
        return None

    async def _items(self, vault: str) -> AsyncIterator[dict[str, Any]]:
        url = f"{vault}/backupProtectedItems?{_VERSION}&$filter=backupManagementType eq 'AzureIaasVM'"
        while url:
            async with self._http.get(url) as response:
                page = await response.json()
            for item in page["value"]:
                yield item
            url = page.get("nextLink", "")

    async def _start(self, item: dict[str, Any]) -> bool:
        body = {"properties": {"objectType": "IaasVMBackupRequest"}}
        async with self._http.post(f"{item['id']}/backup?{_VERSION}", json=body) as response:
            return response.status == _ACCEPTED


async def _token(resource: str) -> str:
    headers = {"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]}
    query = {"resource": resource, "api-version": "2019-08-01"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(os.environ["IDENTITY_ENDPOINT"], params=query) as response,
    ):
        return str((await response.json())["access_token"])
