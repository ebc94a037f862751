"""Lists of Azure Resource Manager: page by page until the last one, and row by row.

One row that cannot be understood costs that row; a page that cannot be, or pages without end, cost the list. A page is
turned into jobs before the next one is asked for, and a list that is too long for one look goes on with the next.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from backup_retry.azure.client import NOT_UNDERSTOOD, said_by
from backup_retry.azure.json_fields import Fields, OddAnswer, fields_of, properties_of, text, time_of
from backup_retry.domain.arm_ids import ProtectedItem, Vault
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.jobs import Job, UnreadJob
from backup_retry.ports.log_events import LogEvent, log_event

T = TypeVar("T")
_OK = 200
#: a page has a hundred rows or more, and a vault far fewer than 200,000 jobs
_MOST_PAGES = 2000
#: pages of a vault in one look: 15 to 40 seconds, in which its turn is over and others have theirs
PAGES_AT_ONCE = 150


@dataclass
class Pages:
    """Looks at each page of one list before the SDK does, which takes a page without rows for an empty one.

    To be handed to the SDK's `list` as its `raw_response_hook`.
    """

    #: in the order in which they were met
    _links: dict[str, None] = field(default_factory=dict)

    def __call__(self, answered: Any) -> None:  # noqa: ANN401 (the pipeline's own)
        """Let a page pass.

        Raises:
            OddAnswer: it is none, or leads to no end.
        """
        if answered.http_response.status_code == _OK:
            self.following(fields_of(answered.http_response.json()))

    def following(self, page: Fields) -> str:
        """The address of the page after this one; "": there is none. Raises as above."""
        if not isinstance(page.get("value"), list):
            raise OddAnswer("a page without a list of entries")
        if link := text(page, "nextLink"):
            if link in self._links or len(self._links) >= _MOST_PAGES:
                raise OddAnswer("a list whose pages never end")
            self._links[link] = None
        return link

    def back_to(self, link: str) -> None:
        """Forget the links behind that one: its page is read again, and leads on to them."""
        while self._links and next(reversed(self._links)) != link:
            self._links.popitem()


class ListTooLong(AzureUnavailable):
    """A list that the next look reads on."""


#: None: a job that nobody asked for
JobOf = Callable[[object], Awaitable[Job | None]]
ItemOf = Callable[[Fields, Vault], ProtectedItem | None]


@dataclass(kw_only=True)
class Reading:
    """A vault's list of jobs, as far as it has been read."""

    vault: Vault
    since: datetime
    jobs: list[Job] = field(default_factory=list)
    unread: dict[str, UnreadJob] = field(default_factory=dict)
    pages: Pages = field(default_factory=Pages)
    #: the address of the page that comes next, or of the last one; "": the first one
    link: str = ""
    done: bool = False
    #: how many pages it took so far
    taken: int = 0
    #: when it was left unfinished; None: never
    paused_at: datetime | None = None
    #: what many jobs have in common is kept once: texts, and the items, of which a vault has far fewer
    _common: dict[Any, Any] = field(default_factory=dict)

    async def read_on(self, paged: Any, job_of: JobOf, item_of: ItemOf) -> None:  # noqa: ANN401 (the SDK's own)
        """Read the pages that are left.

        Raises:
            ListTooLong: there are more of them than one look has time for.
        """
        pages = paged.by_page(self.link or None)
        for number in range(PAGES_AT_ONCE):
            page = await anext(pages, None)
            rows = [each async for each in page] if page is not None else []
            jobs = [job for row in rows if (job := await self._job(row, job_of, item_of)) is not None]
            if number == 0 and self.jobs:
                self.renew(jobs)
            else:
                self.jobs += jobs
            self.taken += 1
            if not pages.continuation_token:
                self.done = True
                return
            self.link = pages.continuation_token
        raise ListTooLong(
            f"jobs of vault {self.vault.name}: {len(self.jobs)} read so far; the next attempt continues"
        )

    def leave(self, at: datetime) -> None:
        """Have the next look go on where this one ended; the last page, too, may have more by then."""
        self.paused_at, self.done = at, False
        self.pages.back_to(self.link)

    def renew(self, jobs: Sequence[Job]) -> None:
        """Take jobs over that were read later, in the place of what was read of them before; the newest come first."""
        known = {job.id for job in jobs}
        self.jobs = [*jobs, *(job for job in self.jobs if job.id not in known)]
        self.jobs.sort(key=lambda job: job.started_at, reverse=True)

    async def _job(self, row: object, job_of: JobOf, item_of: ItemOf) -> Job | None:
        """The job in a row; None for one that is none of the list's, and one that cannot be understood is set aside."""
        try:
            job = await job_of(row)
        except NOT_UNDERSTOOD as error:
            if not _ended_before(self.since, row):
                unread = _unread(row, self.vault, said_by(error), item_of)
                self.unread[unread.problem] = unread
            return None
        if job is None:
            return None
        return replace(
            job,
            vault=self.vault,
            item=self._once(job.item),
            operation=self._once(job.operation),
            workload=self._once(job.workload),
            entity_name=self._once(job.entity_name),
        )

    def _once(self, value: T) -> T:
        known: T = self._common.setdefault(value, value)
        return known


def _unread(row: object, vault: Vault, why: str, item_of: ItemOf) -> UnreadJob:
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
