"""A sweep over Resource Graph's rows and the vaults that confirm them."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import BackupRetryError
from backup_retry.policy.scope import Scope
from backup_retry.settings.sweep_profile import SweepProfile, daily
from reconciler.sweep import Sweep
from tests.builders import STARTED, item, vault
from tests.world import World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


class Graph:
    """Resource Graph with the rows it is told, and perhaps an error after them."""

    def __init__(self, *rows: Mapping[str, Any], error: BackupRetryError | None = None) -> None:
        self._rows = rows
        self._error = error
        self.queries: list[str] = []

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See reconciler.sweep.Graph."""
        self.queries.append(query)
        for row in self._rows:
            yield row
        if self._error:
            raise self._error


def row(number: int = 1, *, of: Vault | None = None, started_at: datetime = STARTED) -> dict[str, Any]:
    """The row of job-<number>, a job of item <number>."""
    in_vault = of or vault()
    return {
        "id": f"{in_vault.id}/backupJobs/job-{number}",
        "vaultId": in_vault.id,
        "backupInstance": item(number, of=in_vault).id,
        "startTime": f"{started_at:%Y-%m-%dT%H:%M:%S.1234567Z}",
    }


def sweep(world: World, graph: Graph, scope: Scope | None = None, **options: Any) -> Sweep:
    """A sweep that looks back a day."""
    return Sweep(
        graph=graph,
        vaults=world.vaults,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        scope=scope or Scope(),
        **{"profile": daily(), "keep_reports": True, **options},
    )


# ---- large estates ----------------------------------------------------------------------------------------------


def profile(**fields: object) -> SweepProfile:
    """A profile called hourly."""
    return SweepProfile.model_validate({"name": "hourly", "schedule": "0 0 * * * *", **fields})


# ---- announcing -------------------------------------------------------------------------------------------------


class Announced:
    """A topic that keeps what is announced, and refuses while told to."""

    def __init__(self, error: BackupRetryError | None = None) -> None:
        self.error = error
        self.batches: list[list[Mapping[str, Any]]] = []

    async def announce(self, data: Mapping[str, Any]) -> None:
        """See Announcer."""
        if self.error:
            raise self.error
        self.batches.append(data["failures"])
