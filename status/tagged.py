"""Which resources have a tag: asked of Resource Graph where somebody filters by one, and remembered for a while."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

from backup_retry.domain.errors import BackupRetryError

_FRESH_FOR = timedelta(minutes=3)
#: what of a tag's name comes into the query; rows are compared with all of it
_OTHERS = re.compile(r"[^a-z0-9._-]")


class Graph(Protocol):
    """Where a query's rows come from."""

    def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """Every row of the query; raises BackupRetryError when Resource Graph cannot answer."""
        ...


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """The resources that have a tag, by their ids, lower-cased."""

    ids: frozenset[str] = frozenset()
    #: why they are unknown; "": they are known
    problem: str = ""


class TaggedReader:
    """Knows the tag that was asked for last."""

    def __init__(self, graph: Graph, clock: Callable[[], datetime]) -> None:
        self._graph = graph
        self._clock = clock
        self._known: tuple[str, datetime, Tagged] | None = None

    async def tagged(self, tag: str) -> Tagged:
        """What has a tag such as env=prod, or with any value such as env; nothing where no tag is named."""
        if not tag:
            return Tagged()
        now = self._clock()
        if self._known and self._known[0] == tag and now - self._known[1] < _FRESH_FOR:
            return self._known[2]
        try:
            found = Tagged(ids=frozenset([each async for each in _bearing(self._graph, tag)]))
        except BackupRetryError as error:
            return Tagged(problem=str(error))
        self._known = (tag, now, found)
        return found


async def _bearing(graph: Graph, tag: str) -> AsyncIterator[str]:
    name, _, value = (part.strip().casefold() for part in tag.partition("="))
    query = _query_text().replace("{tag}", _OTHERS.split(name)[0])
    async for row in graph.rows(query):
        tags: Mapping[str, Any] = row.get("tags") or {}
        borne = {key.casefold(): str(said or "").casefold() for key, said in tags.items()}
        if name in borne and value in {"", borne[name]}:
            yield str(row.get("id") or "").lower()


@cache
def _query_text() -> str:
    return files("status").joinpath("tagged.kql").read_text(encoding="utf-8")
