"""Lists of Azure Resource Manager: page by page until the last one, and row by row.

One row that cannot be understood costs that row; a page that cannot be, or pages without end, cost the list.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from backup_retry.azure.client import NOT_UNDERSTOOD, said_by
from backup_retry.azure.json_fields import Fields, OddAnswer, fields_of, properties_of, text, time_of
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.jobs import UnreadJob
from backup_retry.ports.log_events import LogEvent, log_event

T = TypeVar("T")
_OK = 200
#: a page has a hundred rows or more, and a vault far fewer than 100,000 jobs
_MOST_PAGES = 2000


@dataclass
class Pages:
    """Looks at each page of one list before the SDK does, which takes a page without rows for an empty one.

    To be handed to the SDK's `list` as its `raw_response_hook`.
    """

    _links: set[str] = field(default_factory=set)

    def __call__(self, answered: Any) -> None:  # noqa: ANN401 (the pipeline's own)
        """Let a page pass.

        Raises:
            OddAnswer: it is none, or leads to no end.
        """
        if answered.http_response.status_code != _OK:
            return
        page = fields_of(answered.http_response.json())
        if not isinstance(page.get("value"), list):
            raise OddAnswer("a page of a list without a list of rows")
        if link := text(page, "nextLink"):
            if link in self._links or len(self._links) >= _MOST_PAGES:
                raise OddAnswer("a list whose pages have no end")
            self._links.add(link)


def read_each(
    rows: Sequence[object],
    vault: Vault,
    since: datetime,
    *,
    read: Callable[[object], T],
    item_of: Callable[[Fields, Vault], ProtectedItem | None],
) -> tuple[list[T], list[UnreadJob]]:
    """The jobs of a list, and those that cannot be understood; one that surely ended before `since` is no loss."""
    found: list[T] = []
    unread: list[UnreadJob] = []
    for row in rows:
        try:
            found.append(read(row))
        except NOT_UNDERSTOOD as error:
            if not _ended_before(since, row):
                unread.append(_unread(row, vault, said_by(error), item_of))
    return found, unread


def _unread(
    row: object, vault: Vault, why: str, item_of: Callable[[Fields, Vault], ProtectedItem | None]
) -> UnreadJob:
    name = str(row.get("name") or "") if isinstance(row, Mapping) else ""
    problem = f"job {name or 'without a name'} of vault {vault.name} cannot be read: {why}"
    log_event(LogEvent.JOB_UNREADABLE, level=logging.WARNING, vault=vault.id, job=name, problem=why)
    try:
        item = item_of(properties_of(row), vault)
    except NOT_UNDERSTOOD:
        item = None
    return UnreadJob(problem=problem, item=item)


def _ended_before(since: datetime, row: object) -> bool:
    try:
        ended_at = time_of(properties_of(row), "endTime")
    except NOT_UNDERSTOOD:
        return False
    return ended_at is not None and ended_at < since
