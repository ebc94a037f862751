"""Resource Graph, as a case tells it: a query is known by the words in it, and answered with the case's rows."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence

from tests.cases.case import Json

_SUBSCRIPTION = re.compile(r"/subscriptions/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_VAULT = re.compile(
    r"/subscriptions/[^/\"]+/resourcegroups/[^/\"]+/providers/(?:microsoft\.recoveryservices/vaults|microsoft\.dataprotection/backupvaults)/[\w-]+",
    re.IGNORECASE,
)


class ResourceGraph:
    """What the identity sees: the case's rows of failed jobs, its items, its vaults and its subscriptions."""

    def __init__(self, finder: Mapping[str, Sequence[str]]) -> None:
        self._finder = finder
        self.rows: Sequence[Json] = ()

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
            return [{"endTime": ends.get(str(row.get("id", "")).lower(), ""), **row} for row in self.rows]
        if "tostring(tags)" in query:
            return []
        if "sourceset" in query:
            return [*self._found(), *_protecting(parts)]
        seen = json.dumps([list(self.rows), [_shown(part) for part in parts.values()]])
        if "microsoft.resources/subscriptions" in query:
            found = {each.lower() for each in _SUBSCRIPTION.findall(json.dumps([parts, list(self.rows)]))}
            return [{"id": each, "name": "Contoso"} for each in sorted(found)]
        if "monitoringsettings" in query:
            return [{"id": each, "alerts": "Enabled"} for each in sorted(set(_VAULT.findall(seen)))]
        return []

    def _found(self) -> Iterable[Json]:
        """What the case says by itself of who protects a resource."""
        for resource, ids in self._finder.items():
            yield from (
                {"id": each, "machine": resource.lower(), "source": "", "sourceSet": ""} for each in ids
            )


def _protecting(parts: Mapping[str, Json]) -> Iterable[Json]:
    """What the items say by themselves of what they protect."""
    for item in (each for part in parts.values() for each in part.get("items", [])):
        properties = item.get("properties", {})
        source = properties.get("dataSourceInfo") or {}
        above = properties.get("dataSourceSetInfo") or {}
        yield {
            "id": item.get("id", ""),
            "machine": str(properties.get("sourceResourceId") or "").lower(),
            "source": str(source.get("resourceID") or "").lower(),
            "sourceSet": str(above.get("resourceID") or "").lower(),
        }


def _ends(parts: Mapping[str, Json]) -> Mapping[str, str]:
    """When each job ended, by its id: Resource Graph tells it, whatever a case's rows leave out."""
    jobs = (each for part in parts.values() for each in part.get("jobs", []))
    return {str(each.get("id", "")).lower(): each.get("properties", {}).get("endTime") or "" for each in jobs}


def _shown(part: Json) -> list[Json]:
    return [*part.get("jobs", []), *part.get("items", [])]
