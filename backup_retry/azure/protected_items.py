"""The port `finder.Finder` on Resource Graph: one query a resource."""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from backup_retry.arm_ids import ProtectedItem
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.finder import RESOURCE_ID


class GraphFinder:
    """Finds protected items in the subscriptions that the graph is asked about."""

    def __init__(self, graph: ResourceGraph) -> None:
        self._graph = graph

    async def items_of(self, resource_id: str) -> Sequence[ProtectedItem]:
        """See Finder; what is no resource's id is not asked about."""
        if not RESOURCE_ID.fullmatch(resource_id):
            return []
        query = _query_text().replace("'{resource}'", f"'{resource_id}'")
        found = [ProtectedItem.parse(str(row["id"])) async for row in self._graph.rows(query)]
        return [item for item in found if item is not None]


@cache
def _query_text() -> str:
    return files("backup_retry.azure").joinpath("protected_items.kql").read_text(encoding="utf-8")
