"""Pages of Resource Manager's lists, which go on after the entry that the skip token names."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from simulator.arm.calls import Call
from simulator.arm.errors import invalid_input

T = TypeVar("T")
Json = dict[str, Any]


def page(
    call: Call, found: Sequence[T], *, size: int, key: Callable[[T], str], render: Callable[[T], Json]
) -> tuple[list[Json], str | None]:
    """The rows of the page that is asked for, and the link to the next: pages never overlap, whatever is added.

    Raises:
        ArmError: the skip token is none that this list gave out.
    """
    start = _start(call, [key(each) for each in found])
    end = start + size
    shown = found[start:end]
    link = _next_link(call, key(shown[-1])) if end < len(found) else None
    return [render(each) for each in shown], link


def _start(call: Call, keys: Sequence[str]) -> int:
    token = call.query.get("$skipToken")
    if not token:
        return 0
    try:
        return keys.index(base64.urlsafe_b64decode(token).decode()) + 1
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise invalid_input("$skipToken is none that this list gave out") from None


def _next_link(call: Call, last_key: str) -> str:
    query = {"api-version": call.api_version}
    if "$filter" in call.query:
        query["$filter"] = call.query["$filter"]
    query["$skipToken"] = base64.urlsafe_b64encode(last_key.encode()).decode()
    return f"{call.base_url}{quote(call.path)}?{urlencode(query, quote_via=quote, safe='$')}"
