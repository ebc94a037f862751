"""What the list of a vault with 100,000 jobs takes in memory and in looks; `python -m bench.long_list URL CA` reads it.

The pages are made on the spot, by this process; Microsoft's client, the adapter and the jobs that it makes are real,
in a process of their own.
"""

import asyncio
import json
import ssl
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from aiohttp import web

from backup_retry.azure.client import AzureClients
from backup_retry.azure.listing import ListTooLong
from backup_retry.azure.recovery_services import RecoveryServicesVaults
from backup_retry.domain.arm_ids import Vault
from backup_retry.settings.loading import load_settings
from bench.figures import Figure
from bench.ground import certificates
from bench.memory import largest

_PAGE, _MACHINES, _SMALL = 200, 1000, "small"
_SUBSCRIPTION = str(UUID(int=1))
_BEGAN = datetime(2026, 11, 22, tzinfo=UTC)
_EVERY = timedelta(seconds=12)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many jobs the vault lists."""

    jobs: int = 100_000


TINY = Size(jobs=1000)


async def measure(size: Size) -> list[Figure]:
    """Serve the pages, and have a child read them."""
    async with _served(size.jobs) as url:
        command = [sys.executable, "-m", "bench.long_list", url, str(certificates().ca_file)]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        output, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"bench.long_list ended with code {child.returncode}")
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    if found["jobs"] != size.jobs:
        raise RuntimeError(f"{found['jobs']} of {size.jobs} jobs were read")
    note = (
        f"{size.jobs:,} jobs of {_MACHINES:,} machines, on top of the loaded app; {found['total']:.0f} MB in all; "
        f"{found['looks']} looks of {found['seconds'] / found['looks']:.1f} s"
    )
    return [Figure(key="memory_list", value=found["megabytes"], note=note)]


@asynccontextmanager
async def _served(jobs: int) -> AsyncIterator[str]:
    async def page(request: web.Request) -> web.Response:
        begin, wanted = int(request.query.get("begin", 0)), int(request.query.get("wanted", 0))
        if not wanted:
            wanted = 1 if f"/{_SMALL}/" in request.path else min(jobs, _since(request.query["$filter"]))
        end = min(begin + _PAGE, wanted)
        rows = [_job(number, request.path) for number in range(begin, end)]
        link = f"https://{request.host}{request.path}?begin={end}&wanted={wanted}"
        return web.json_response({"value": rows} | ({"nextLink": link} if end < wanted else {}))

    application = web.Application()
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificates().server_context()).start()
    try:
        yield f"https://localhost:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _since(window: str) -> int:
    """How many jobs have begun since the time that a filter names first."""
    since = datetime.strptime(window.split("'")[1], "%Y-%m-%d %I:%M:%S %p").replace(tzinfo=UTC)
    return max(0, int((_BEGAN - since) / _EVERY) + 1)


def _job(number: int, path: str) -> dict[str, Any]:
    """A scheduled backup of a machine, as a vault lists it; the newest comes first."""
    began = _BEGAN - number * _EVERY
    name = str(UUID(int=number + 1))
    return {
        "id": f"{path}/{name}",
        "name": name,
        "type": "Microsoft.RecoveryServices/vaults/backupJobs",
        "properties": {
            "jobType": "AzureIaaSVMJob",
            "duration": "PT41M12.5316489S",
            "actionsInfo": ["Invalid"],
            "virtualMachineVersion": "Compute",
            "isUserTriggered": False,
            "entityFriendlyName": f"vm-{number % _MACHINES:04}",
            "backupManagementType": "AzureIaasVM",
            "operation": "Backup",
            "status": "Completed",
            "startTime": began.isoformat(),
            "endTime": (began + timedelta(minutes=41)).isoformat(),
            "activityId": str(UUID(int=number + 1_000_000)),
            "containerName": f"iaasvmcontainerv2;rg-app;vm-{number % _MACHINES:04}",
        },
    }


class _Credential:
    """Whose token nobody looks at."""

    async def get_token(self, *_: str, **__: Any) -> Any:  # noqa: ANN401 (the SDK's own)
        """One for an hour."""
        return SimpleNamespace(token="none", expires_on=int(time.time()) + 3600)  # noqa: S106 (it is none)


async def _read(url: str, ca_file: str) -> dict[str, Any]:
    """Read a small list to load everything, then the long one, a look a minute."""
    now = _BEGAN + timedelta(hours=1)
    settings = load_settings({"arm_endpoint": url, "ledger_endpoint": "https://ledger.invalid"})
    vault = Vault(subscription=_SUBSCRIPTION, resource_group="rg", name="vault")
    async with AzureClients(settings, ssl_context=ssl.create_default_context(cafile=ca_file)) as clients:
        clients._credential = cast("Any", _Credential())  # noqa: SLF001 (no identity is needed here)
        vaults = RecoveryServicesVaults(clients, lambda: now)
        small = Vault(subscription=_SUBSCRIPTION, resource_group="rg", name=_SMALL)
        await vaults.jobs(small, _BEGAN, fresh_since=now)
        baseline, began, looks = largest(), time.perf_counter(), 1
        while True:
            try:
                listed = await vaults.jobs(vault, _BEGAN - timedelta(days=17), fresh_since=now)
                break
            except ListTooLong:
                now += timedelta(seconds=61)
                looks += 1
    taken = {"megabytes": largest() - baseline, "total": largest(), "seconds": time.perf_counter() - began}
    return taken | {"jobs": len(listed.jobs), "looks": looks}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_read(*sys.argv[1:]))))
