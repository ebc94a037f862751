"""The port `item_lookup.ItemLookup` on Resource Graph: one query at a time, for all who wait.

Resource Graph grants three queries a second, which is less than a storm of alerts that name no vault.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

from backup_retry.azure.client import azure_errors
from backup_retry.azure.json_fields import id_of, text
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import RESOURCE_ID, ProtectedItem
from backup_retry.domain.errors import Service

_MOST_RESOURCES = 100
_PROTECTED = ("machine", "source", "sourceSet")

#: the items that protect a resource, by its id in small letters
_Found = dict[str, list[ProtectedItem]]


@dataclass
class _Query:
    """The resources that one query asks about, and what came of it; None: not answered yet."""

    resources: set[str] = field(default_factory=set)
    found: _Found | None = None


class GraphItemLookup:
    """Finds protected items in the subscriptions that the graph is asked about."""

    def __init__(self, graph: ResourceGraph) -> None:
        self._graph = graph
        self._one_at_a_time = asyncio.Lock()
        self._next = _Query()

    async def items_of(self, resource_id: str) -> Sequence[ProtectedItem]:
        """See ItemLookup; what is no resource's id is not asked about.

        Whoever comes while a query is under way shares the next one; the answer is never older than the question.
        """
        if not RESOURCE_ID.fullmatch(resource_id):
            return []
        if len(self._next.resources) == _MOST_RESOURCES:
            self._next = _Query()
        query, resource = self._next, resource_id.lower()
        query.resources.add(resource)
        async with self._one_at_a_time:
            if query is self._next:
                self._next = _Query()
            if query.found is None:
                query.found = await self._ask(query.resources)
        return query.found.get(resource, [])

    async def _ask(self, resources: set[str]) -> _Found:
        query = _query_text().replace("({resources})", f"({_texts(resources)})")
        found: _Found = {}
        async with azure_errors(Service.GRAPH):
            async for row in self._graph.rows(query):
                if item := ProtectedItem.parse(id_of(row)):
                    for resource in {text(row, column) for column in _PROTECTED}:
                        found.setdefault(resource, []).append(item)
        return found


def _texts(resources: Iterable[str]) -> str:
    return ", ".join(f"'{each}'" for each in sorted(resources))


@cache
def _query_text() -> str:
    return files("backup_retry.azure").joinpath("protected_items.kql").read_text(encoding="utf-8")
