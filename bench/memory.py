"""What finding the failures of a large estate takes in memory: pages are streamed, never all of them at once.

Each size runs in a process of its own, since a process never gives back what it took. Resource Graph, its client and
the sweep are real; the vaults' answers and the engine's reports are made on the spot, with all that real ones hold.
"""

import asyncio
import json
import re
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from backup_retry import wiring
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.facts import ItemState
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import (
    BackupRequest,
    FailedJob,
    Job,
    JobError,
    JobList,
    JobStatus,
    Operation,
    Source,
)
from backup_retry.engine.engine import Engine
from backup_retry.engine.unit_of_work import Report, report
from bench.estates import EstatePlan
from bench.figures import Figure
from bench.ground import App, ground

_MACHINES_OF_A_VAULT = 100
#: where there is no /proc, on macOS, ru_maxrss counts bytes
_BYTES_PER_MB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Size:
    """How many failures there are, by the row of the table."""

    failures: Sequence[tuple[str, int]] = (("1k", 1_000), ("10k", 10_000), ("100k", 100_000))


TINY = Size(failures=(("1k", 20),))


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a sweep took."""

    megabytes: float
    seconds: float
    found: int


async def measure(size: Size) -> list[Figure]:
    """The largest size of the process during a sweep, less what it was after one that found nothing."""
    figures: list[Figure] = []
    async with ground(EstatePlan(machines=1)) as place:
        for series, (key, failures) in enumerate(size.failures, start=1):
            vaults = max(1, failures // _MACHINES_OF_A_VAULT // 10)
            machines = min(failures, _MACHINES_OF_A_VAULT)
            subscriptions = max(1, failures // vaults // machines)
            plan = EstatePlan(subscriptions=subscriptions, vaults=vaults, machines=machines, series=series)
            larger = await place.reset(plan)
            await larger.fail(range(plan.size))
            await larger.slow()
            figures += _figures(key, plan, await _found_by_a_child())
    return figures


def _figures(key: str, plan: EstatePlan, found: Found) -> list[Figure]:
    if found.found != plan.size:
        raise RuntimeError(f"{found.found} of {plan.size} failures were found")
    vaults = plan.subscriptions * plan.vaults
    note = (
        f"{plan.size:,} failures in {vaults:,} vaults, on top of the loaded app; vaults and engine stand-ins"
    )
    figures = [Figure(key=f"memory_{key}", value=found.megabytes, note=note)]
    if key == "100k":
        figures.append(
            Figure(
                key="find_100k", value=found.seconds, note="100 pages; Resource Graph grants three a second"
            )
        )
    return figures


async def _found_by_a_child() -> Found:
    command = [sys.executable, "-m", "bench.memory"]
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await child.communicate()
    if child.returncode:
        raise RuntimeError(f"bench.memory ended with code {child.returncode}")
    return Found(**json.loads(output.splitlines()[-1]))


async def _find() -> Found:
    """Sweep in this process: once to load everything, with nothing to find, and then in earnest."""
    app = App()
    parts = await wiring.parts()
    counting = _Engine()
    stand_in = replace(parts, vaults=_Vaults(), engine=cast("Engine", counting))

    async def replaced() -> wiring.Parts:
        return stand_in

    wiring.parts = replaced
    [_ async for _ in parts.graph.rows("RecoveryServicesResources | where name == '' | project id")]
    baseline = largest()
    began = time.perf_counter()
    await app.sweep()
    found = Found(megabytes=largest() - baseline, seconds=time.perf_counter() - began, found=counting.handled)
    await parts.clients.close()
    return found


def largest() -> float:
    """The largest size that this process has had, in MB.

    Linux keeps ru_maxrss over an exec, so that a child would begin with its parent's; VmHWM is the program's own.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB", status.read_text(), re.MULTILINE)
        return int(kilobytes) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _BYTES_PER_MB


class _Vaults:
    """Vaults that list nothing and answer at once that a job has failed."""

    async def job(self, vault: Vault, job_id: str) -> Job:
        """A failed job of an item with the same ID."""
        at = datetime.now(UTC) - timedelta(minutes=10)
        name = f"iaasvmcontainerv2;rg-app;{job_id}"
        container = f"{vault.id}/backupFabrics/Azure/protectionContainers/IaasVMContainer;{name}"
        return Job(
            id=job_id,
            vault=vault,
            item=ProtectedItem.parse(f"{container}/protectedItems/VM;{name}"),
            workload="VM",
            status=JobStatus.FAILED,
            operation="Backup",
            started_at=at,
            ended_at=at,
            error=JobError(title="CloudInternalError", message="The backup failed. " * 5),
        )

    async def jobs(self, vault: Vault, since: datetime, *, fresh_since: datetime) -> JobList:
        """No jobs."""
        del vault, since, fresh_since
        return JobList(read_at=datetime.now(UTC), jobs=[])

    async def item(self, item: ProtectedItem) -> ItemState | None:
        """None of those that Resource Graph names: the job's own item counts."""
        del item
        return None

    async def trigger(self, item: ProtectedItem, request: BackupRequest, *, attempt_id: str) -> str:
        """Not asked."""
        raise AssertionError(f"nobody triggers {request} of {item.id} as {attempt_id}")

    async def operation(self, item: ProtectedItem, operation_id: str) -> Operation | None:
        """Not asked."""
        raise AssertionError(f"nobody follows {operation_id} of {item.id}")


class _Engine:
    """Reports a retry of everything, as the engine would."""

    looks_back = timedelta(hours=72)

    def __init__(self) -> None:
        self.handled = 0

    async def handle(self, failed: FailedJob, source: Source, **_: Any) -> Report:  # noqa: ANN401
        """See Engine."""
        self.handled += 1
        now = datetime.now(UTC)
        claimed = Incident.open(failed, source, now).claimed(now, timedelta(minutes=5))
        return report("triggered", claimed.triggered("https://management.azure.com/", now))


if __name__ == "__main__":
    print(json.dumps(vars(asyncio.run(_find()))))
