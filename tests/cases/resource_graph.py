"""Resource Graph, as a case tells it: a query is known by the words in it, and answered with the case's rows."""

import json
import re
from collections.abc import Iterable, Mapping

from tests.cases.case import VAULT_ID, Case, Json, id_of, part_of

_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)


class ResourceGraph:
    """What the identity sees: the case's rows of failed jobs, its items, its vaults and its subscriptions."""

    def __init__(self, case: Case) -> None:
        self._finder = case.finder
        self._tags = case.tags
        self.rows = case.rows or ()
        said = json.dumps([case.alerts, case.events, case.rows, case.parts])
        self._subscriptions = sorted({each.lower() for each in _SUBSCRIPTION.findall(said)})

    def answer(self, query: str, parts: Mapping[str, Json]) -> Json:
        """The answer to a query, on one page."""
        rows = self._rows(query.lower(), parts)
        return {
            "totalRecords": len(rows),
            "count": len(rows),
            "data": rows,
            "facets": [],
            "resultTruncated": "false",
        }

    def _rows(self, query: str, parts: Mapping[str, Json]) -> list[Json]:
        """What is asked for, by a word that no other query has; what is not known here has no rows."""
        if "backupjobs" in query:
            ends = _ends(parts)
            return [{**ends.get(id_of(row), {}), **row} for row in self.rows]
        if "tostring(tags)" in query:
            return [{"id": each, "tags": tags} for each, tags in self._tags.items()]
        if "sourceset" in query:
            return [*self._found(), *_protecting(parts)]
        if "microsoft.resources/subscriptions" in query:
            return [{"id": each, "name": "Contoso"} for each in self._subscriptions]
        if "'microsoft.recoveryservices/vaults'" in query:
            seen = json.dumps([list(self.rows), _shown(parts, "jobs", "items")])
            return [{"id": each, "alerts": "Enabled"} for each in sorted(set(VAULT_ID.findall(seen)))]
        return []

    def _found(self) -> Iterable[Json]:
        """What the case says by itself of who protects a resource."""
        for resource, ids in self._finder.items():
            yield from (
                {"id": each, "machine": resource.lower(), "source": "", "sourceSet": ""} for each in ids
            )


def _protecting(parts: Mapping[str, Json]) -> Iterable[Json]:
    """What the items say by themselves of what they protect."""
    for item in _shown(parts, "items"):
        said = part_of(item)
        source, above = part_of(said, "dataSourceInfo"), part_of(said, "dataSourceSetInfo")
        yield {
            "id": item.get("id", ""),
            "machine": str(said.get("sourceResourceId") or "").lower(),
            "source": str(source.get("resourceID") or "").lower(),
            "sourceSet": str(above.get("resourceID") or "").lower(),
        }


def _ends(parts: Mapping[str, Json]) -> Mapping[str, Json]:
    """When each job ended, by its id: Resource Graph tells it, whatever a case's rows leave out."""
    ended = {id_of(job): part_of(job).get("endTime") for job in _shown(parts, "jobs")}
    return {job: {"endTime": end} for job, end in ended.items() if end}


def _shown(parts: Mapping[str, Json], *lists: str) -> list[Json]:
    """The resources in these lists; what is none does not reach Resource Graph."""
    found = [each for part in parts.values() for name in lists for each in part.get(name, [])]
    return [each for each in found if isinstance(each, dict)]
