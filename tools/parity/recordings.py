"""Recorded calls: what was asked, and what Azure answered."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

_SUBSCRIPTION = "22222222-2222-2222-2222-222222222222"
_VAULT = re.compile(
    r"/subscriptions/([^/]+)/resourceGroups/([^/]+)/providers/[^/]+/(vaults|backupVaults)/([^/]+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; the names of the headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    #: What the JSON says; "" where there is none.
    body: object


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recorded call."""

    name: str
    method: str
    #: Decoded, without the query.
    path: str
    query: Mapping[str, str]
    #: Of the request.
    body: Mapping[str, Any] | None
    reply: Reply

    @property
    def vault(self) -> tuple[str, str, str]:
        """Subscription, resource group and name of the vault that the path names; made up where it names none."""
        if found := _VAULT.match(self.path):
            return found[1], found[2], found[4]
        inside = re.match(r"/subscriptions/([^/]+)", self.path)
        return (inside[1] if inside else _SUBSCRIPTION), "rg", "v"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The entries of a list, or the one resource."""
        body = self.reply.body
        if not isinstance(body, dict):
            return []
        rows = body.get("value", [body])
        return rows if isinstance(rows, list) else []


def read(folder: Path) -> list[Recording]:
    """All recordings of a folder, by name."""
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Recording:
    said = json.loads(path.read_text(encoding="utf-8"))
    request, reply = said["request"], said["response"]
    # Some addresses are followed by a remark.
    address = urlsplit(request["uri"].split("  (")[0])
    return Recording(
        name=path.stem,
        method=request["method"],
        path=unquote(address.path),
        query=dict(_pair(part) for part in address.query.split("&") if part),
        body=request["body"],
        reply=Reply(
            status=reply["status"],
            headers={name.lower(): value for name, value in reply["headers"].items()},
            body=reply["body"],
        ),
    )


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote(name), unquote(value)
