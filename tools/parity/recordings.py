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


class RecordingError(ValueError):
    """A file is not a recorded call; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer; the names of the headers are lower-case."""

    status: int
    headers: Mapping[str, str]
    #: What the JSON says, or the text where it is none; "" where there is none.
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
    #: Whether it is an example of the specification, and whether some of its rows were left out.
    is_example: bool = False
    is_trimmed: bool = False

    @property
    def vault(self) -> tuple[str, str, str]:
        """Subscription, resource group and name of the vault that the path names; made up where it names none."""
        if found := _VAULT.match(self.path):
            return found[1], found[2], found[4]
        inside = re.match(r"/subscriptions/([^/]+)", self.path, re.IGNORECASE)
        return (inside[1] if inside else _SUBSCRIPTION), "rg", "v"

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The entries of a list, or the one resource."""
        body = self.reply.body
        if not isinstance(body, dict):
            return []
        rows = body.get("value", [body])
        return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []

    @property
    def api_version(self) -> str:
        """The api-version asked for; "" where it is not said."""
        return self.query.get("api-version", "")

    @property
    def error_code(self) -> str:
        """The code of the error that was answered; "" where there is none."""
        body = self.reply.body
        error = body.get("error") if isinstance(body, dict) else None
        return str(error.get("code", "")) if isinstance(error, dict) else ""


def read(path: Path) -> Recording:
    """The recording in a file.

    Raises:
        RecordingError: the file cannot be read, or holds something else.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RecordingError(f"it is not JSON: {error}") from error
    request, reply = _object(said, "request"), _object(said, "response")
    # Some addresses are followed by a remark.
    uri = _text(request, "uri").split("  (")[0]
    try:
        address = urlsplit(uri)
    except ValueError as error:
        raise RecordingError(f"request.uri: {error}") from error
    return Recording(
        name=path.stem,
        method=_text(request, "method").upper(),
        path=unquote(address.path),
        query=dict(_pair(part) for part in address.query.split("&") if part),
        body=_object(request, "body") if request.get("body") else None,
        reply=_reply(reply),
        is_example=str(said.get("kind")).startswith("spec example"),
        is_trimmed="trimmed" in said,
    )


def _reply(said: Mapping[str, Any]) -> Reply:
    status = said.get("status")
    if not isinstance(status, int) or isinstance(status, bool):
        raise RecordingError("status is not a number")
    headers = _object(said, "headers") if said.get("headers") else {}
    return Reply(
        status=status,
        headers={name.lower(): str(value) for name, value in headers.items()},
        body="" if said.get("body") is None else said["body"],
    )


def _object(said: object, name: str) -> Mapping[str, Any]:
    found = said.get(name) if isinstance(said, dict) else None
    if not isinstance(found, dict):
        raise RecordingError(f"{name} is not an object")
    return found


def _text(said: Mapping[str, Any], name: str) -> str:
    found = said.get(name)
    if not isinstance(found, str) or not found:
        raise RecordingError(f"{name} is not a text")
    return found


def _pair(part: str) -> tuple[str, str]:
    name, _, value = part.partition("=")
    return unquote(name.replace("+", " ")), unquote(value.replace("+", " "))
