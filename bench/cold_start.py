"""The cold start: the cost of importing our own code compared with Azure's packages."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.figures import Figure, median
from bench.ground import REPOSITORY

#: what the first event uses of Azure's, and the HTTP client that they send with
_AZURE = (
    "aiohttp",
    "azure.functions",
    "azure.identity.aio",
    "azure.core.pipeline.transport",
    "azure.mgmt.recoveryservicesbackup.aio",
    "azure.mgmt.recoveryservicesbackup.models",
    "azure.mgmt.resourcegraph.aio",
    "azure.data.tables.aio",
)
_APP = ("function_app",)
#: the adapters that `wiring.build` makes for the first event
_ADAPTERS = tuple(
    f"backup_retry.azure.{name}"
    for name in ("client", "recovery_services", "resource_graph", "table_ledger", "table_reports", "tags")
)


@dataclass(frozen=True, kw_only=True)
class Size:
    """How often each is imported."""

    rounds: int = 7


TINY = Size(rounds=1)


async def measure(size: Size) -> list[Figure]:
    """Imports in fresh processes, in turn, so that a busy moment strikes all of them."""
    _seconds(_AZURE + _APP)  # the compiled modules are on the disk from here on
    rounds = [
        (_seconds(_AZURE), _seconds(_APP), _seconds(_AZURE + _APP + _ADAPTERS)) for _ in range(size.rounds)
    ]
    azure, app, first = (median(each) for each in zip(*rounds, strict=True))
    how = f"{app:.2f} s to {azure:.2f} s, medians of {size.rounds} fresh processes each"
    return [
        Figure(key="cold_import", value=app / azure, note=how),
        Figure(key="cold_first", value=first / azure, note=f"{first:.2f} s with all adapters"),
    ]


def _seconds(modules: Sequence[str]) -> float:
    """How long a fresh interpreter takes to import the modules, its own start left out."""
    names = ", ".join(modules)
    code = f"import time; began = time.perf_counter(); import {names}; print(time.perf_counter() - began)"
    environment = os.environ | {"LEDGER_ENDPOINT": "https://ledger.example", "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", code]
    child = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=REPOSITORY, check=True
    )
    return float(child.stdout.splitlines()[-1])
