"""What is tagged how, through Resource Graph: one question for the whole estate, asked every few minutes."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files

from backup_retry.azure.client import azure_errors
from backup_retry.azure.json_fields import id_of, part
from backup_retry.azure.resource_graph import ResourceGraph
from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.errors import AzureRefused, AzureUnavailable, Service
from backup_retry.domain.tags import Tags, TagValues, read_tags, resources_above, tags_of

_SHARED_FOR = timedelta(minutes=5)
#: an answer this old still counts while Resource Graph does not give a newer one
_STALE_FOR = timedelta(hours=1)


class GraphTagLookup:
    """The port `tag_lookup.Tagged` on Resource Graph."""

    def __init__(self, graph: ResourceGraph, clock: Callable[[], datetime]) -> None:
        self._graph = graph
        self._clock = clock
        self._lock = asyncio.Lock()
        self._read: tuple[datetime, TagValues] | None = None

    async def tags_of(self, item: ProtectedItem, source_id: str = "") -> Tags:
        """See TagLookup; a tag takes effect within minutes."""
        return tags_of(resources_above(item, source_id), await self.tagged())

    async def tagged(self) -> TagValues:
        """See Tagged."""
        async with self._lock:
            now = self._clock()
            if self._read is None or now - self._read[0] >= _SHARED_FOR:
                try:
                    async with azure_errors(Service.GRAPH):
                        rows = [row async for row in self._graph.rows(_query_text())]
                        self._read = (now, {id_of(row).lower(): read_tags(part(row, "tags")) for row in rows})
                except (AzureUnavailable, AzureRefused):
                    if self._read is None or now - self._read[0] >= _STALE_FOR:
                        raise
            return self._read[1]


@cache
def _query_text() -> str:
    return files("backup_retry.azure").joinpath("tags.kql").read_text(encoding="utf-8")
