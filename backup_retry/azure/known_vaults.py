"""The port `KnownVaults`: the vaults that Resource Graph shows now, and those of the ledger's last two weeks."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from importlib.resources import files

from backup_retry.azure.client import azure_errors
from backup_retry.azure.json_fields import id_of
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.azure.shared_reads import CachedReads
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Service
from backup_retry.policy.rules import JOB_RETENTION
from backup_retry.ports.reports import Reports

#: asked about only when a vault refuses, and then perhaps by many signals at once
_TTL = timedelta(minutes=15)


class ShownVaults:
    """Looks at both: a role that is gone hides a vault from Resource Graph, and not from the ledger."""

    def __init__(self, reports: Reports, graph: ResourceGraph, clock: Callable[[], datetime]) -> None:
        self._reports = reports
        self._graph = graph
        self._clock = clock
        self._shown: CachedReads[frozenset[str]] = CachedReads(clock, _TTL)

    async def knows(self, vault: Vault) -> bool:
        """See KnownVaults; the answer may be a quarter of an hour old."""
        return vault.key in await self._shown.get("all", self._read)

    async def _read(self) -> frozenset[str]:
        return frozenset({*await self._of_graph(), *await self._of_ledger()})

    async def _of_graph(self) -> set[str]:
        """What Resource Graph shows; nothing where it does not answer, since the ledger may know."""
        try:
            return {each.lower() for each in await ids_of_vaults(self._graph)}
        except (AzureRefused, AzureUnavailable):
            return set()

    async def _of_ledger(self) -> set[str]:
        today = self._clock().date()
        known = {each.item.vault.key for each in await self._reports.opened()}
        for back in range(JOB_RETENTION.days + 1):
            known |= {
                each.item.vault.key for each in await self._reports.closed(today - timedelta(days=back))
            }
        return known


async def ids_of_vaults(graph: ResourceGraph) -> Sequence[str]:
    """The ids of the vaults that Resource Graph shows; one query."""
    query = files("backup_retry.azure").joinpath("vault_settings.kql").read_text(encoding="utf-8")
    async with azure_errors(Service.GRAPH):
        return [id_of(row) async for row in graph.rows(query)]
