"""The page's gathering: in the background, from fakes of ledger and Resource Graph."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest_asyncio

from backup_retry.azure.estate import AzureEstate, estate
from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Source
from backup_retry.domain.pauses import Pause
from backup_retry.domain.schedule import BackupPolicy, Daily
from backup_retry.policy.scope import Names, Scope
from backup_retry.policy.storm import Storm
from backup_retry.ports.arrivals import MemoryArrivals
from backup_retry.ports.estate import MemoryPolicies
from backup_retry.ports.inbox import MemoryInbox, Waiting
from backup_retry.ports.protection_history import MemoryHistory
from backup_retry.ports.reports import MemoryReports
from backup_retry.ports.unreadable_rows import MemoryUnreadables
from backup_retry.ports.unsent_notices import MemoryUnsentStore
from status.background_refresh import BackgroundRefresh
from status.dashboard import Mark, Trouble
from status.snapshot import SnapshotReader
from tests.builders import NOW, failed, item, vault
from tests.clock import Clock

PATIENT = 10.0


class FakeGraph:
    """Rows in memory; raises, or waits for ever, when told to."""

    def __init__(self) -> None:
        self.shown: list[Mapping[str, Any]] = []
        self.error: AzureUnavailable | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[str] = []

    async def rows(self, query: str) -> AsyncIterator[Mapping[str, Any]]:
        """See Graph."""
        self.asked.append(query)
        await self.gate.wait()
        if self.error:
            raise self.error
        for row in self.shown:
            yield row


class Session:
    """An overview on fakes."""

    def __init__(self, scope: Scope | None = None) -> None:
        self.clock, self.ledger, self.graph = Clock(), MemoryReports(), FakeGraph()
        self.policies = MemoryPolicies()
        self.inbox, self.unreadables = MemoryInbox(self.clock), MemoryUnreadables()
        self.arrivals = MemoryArrivals()
        self.snapshots = SnapshotReader(
            reports=self.ledger,
            inbox=self.inbox,
            unreadables=self.unreadables,
            unsent=MemoryUnsentStore(),
            arrivals=self.arrivals,
            controls=self.ledger,
            history=MemoryHistory(),
            scope=scope or Scope(),
            estate=AzureEstate(self.graph, self.policies, scope or Scope()),
            clock=self.clock,
        )

    def shows(self, number: int = 1, hour: str = "2026-11-22T01 good", **columns: Any) -> None:
        """Resource Graph has an item."""
        row = {"id": item(number).id, "name": "", "lastGood": "2026-11-22T01:00:00Z", "hours": [hour]}
        self.graph.shown.append(row | columns)

    async def ends(self, outcome: Outcome) -> None:
        """An incident of vm-01 is opened and closed."""
        incident = await self.ledger.save(Incident.open(failed(), Source.ALERT, NOW), job_id="job-1")
        assert incident is not None
        await self.ledger.save(incident.closed(Close(outcome=outcome, reason=Reason.NEEDS_ACTION), NOW))


@pytest_asyncio.fixture
async def session() -> AsyncIterator[Session]:
    """Closed after the test."""
    session = Session()
    yield session
    await session.snapshots.close()


async def test_ledger_and_estate_come_together(session: Session) -> None:
    """In one board, with the subscriptions' names."""
    session.shows(1)
    session.shows(2)
    session.graph.shown.append(
        {"id": f"/subscriptions/{vault().subscription}", "name": "Production", "hours": []}
    )
    await session.ends(Outcome.NEEDS_ACTION)
    made = (await session.snapshots.snapshot(PATIENT)).made
    assert made is not None
    assert [row.trouble for row in made.dashboard.rows] == [Trouble.NEEDS_PERSON, Trouble.NONE]
    assert made.dashboard.subscriptions == {vault().subscription: "Production"}


async def test_a_failing_resource_graph_takes_nothing_else_away(session: Session) -> None:
    """What failed is known from the ledger."""
    session.graph.error = AzureUnavailable("Resource Graph: 503")
    await session.ends(Outcome.EXHAUSTED)
    made = (await session.snapshots.snapshot(PATIENT)).made
    assert made is not None
    assert made.estate_problem == "Resource Graph: 503"
    assert made.dashboard.rows[0].marks[-1] is Mark.FAILED


async def test_resource_graph_is_asked_every_few_minutes_only(session: Session) -> None:
    """However often somebody looks."""
    for _ in range(5):
        await session.snapshots.snapshot(PATIENT)
        session.clock.time += timedelta(seconds=30)
    assert len(session.graph.asked) == 1
    session.clock.time += timedelta(minutes=3)
    await session.snapshots.snapshot(PATIENT)
    assert len(session.graph.asked) == 2


async def test_days_that_are_over_are_read_once(session: Session) -> None:
    """Only today's journal can still grow."""
    read: list[str] = []
    original = session.ledger.closed

    async def counted(day: Any) -> Any:
        read.append(day.isoformat())
        return await original(day)

    session.ledger.closed = counted  # type: ignore[method-assign]
    await session.snapshots.snapshot(PATIENT)
    assert len(read) == 14
    session.clock.time += timedelta(minutes=1)
    await session.snapshots.snapshot(PATIENT)
    assert read[14:] == ["2026-11-22"]


async def test_nobody_waits_for_a_slow_reading(session: Session) -> None:
    """The look is there at once, the board with a later one."""
    session.graph.gate.clear()
    snapshot = await session.snapshots.snapshot(0)
    assert snapshot.made is None
    session.graph.gate.set()
    assert (await session.snapshots.snapshot(PATIENT)).made is not None


async def test_nobody_waits_for_the_signals_to_be_counted(session: Session) -> None:
    """Heartbeats are there at once, the number with a later look."""
    gate, count = asyncio.Event(), session.inbox.waiting

    async def slow(most: int) -> Waiting:
        await gate.wait()
        return await count(most)

    session.inbox.waiting = slow  # type: ignore[method-assign]
    await session.inbox.add({"label": "an alert"})
    await session.ledger.beat("incomplete-sweep-hourly", NOW)
    snapshot = await session.snapshots.snapshot(0)
    assert (snapshot.made, snapshot.beats) == (None, {"incomplete-sweep-hourly": NOW})
    gate.set()
    made = (await session.snapshots.snapshot(PATIENT)).made
    assert made is not None
    assert made.waiting == Waiting(number=1, since=NOW)


async def test_what_is_outside_the_scope_is_not_shown() -> None:
    """The app does not look after it."""
    session = Session(Scope(vaults=Names(patterns=("other-*",))))
    session.shows()
    made = (await session.snapshots.snapshot(PATIENT)).made
    assert made is not None
    assert made.dashboard.rows == ()
    await session.snapshots.close()


async def test_what_is_over_is_not_shown(session: Session) -> None:
    """A pause that has run out and a storm that has passed are history; one that is booked is shown."""
    await session.ledger.set_pause(Pause(by="ada", why="done", until=NOW - timedelta(hours=1)))
    await session.ledger.set_pause(Pause(by="ada", why="now", scope=vault().id))
    booked = Pause(by="ada", why="soon", scope=vault("v-2").id, starts=NOW + timedelta(hours=1))
    await session.ledger.set_pause(booked)
    storm = Storm(
        vault=vault(), code="X", began_at=NOW, size=30, canary=item(), canary_incident="i-1", led_at=NOW
    )
    await session.ledger.save_storm(storm)
    await session.ledger.save_storm(replace(storm, code="Y", released_at=NOW))
    snapshot = await session.snapshots.snapshot(PATIENT)
    assert [each.why for each in snapshot.pauses] == ["now", "soon"]
    assert [each.code for each in snapshot.storms] == ["X"]


async def test_a_failed_reading_leaves_the_last_one() -> None:
    """With the problem beside it."""
    clock = Clock()
    answers: Iterator[int | AzureUnavailable] = iter([1, AzureUnavailable("gone"), 3])

    async def read() -> int:
        answer = next(answers)
        if isinstance(answer, AzureUnavailable):
            raise answer
        return answer

    kept = BackgroundRefresh(read, clock, timedelta(seconds=1))
    found = []
    for _ in range(3):
        known = await kept.get(PATIENT)
        found.append((known.value, known.problem))
        clock.time += timedelta(seconds=2)
    assert found == [(1, ""), (1, "gone"), (3, "")]


def test_rows_that_name_nothing_are_left_out() -> None:
    """And days that are no days of an outcome."""
    row = {"id": item().id, "name": "", "lastGood": None, "hours": ["", "2026-11-20 bad", "2026-11-20 good"]}
    odd = dict.fromkeys(("point", "lastFull", "running", "configured"), "9999-12-31T23:59:59Z")
    found = estate([{"id": "nonsense"}, {}, row | odd | {"lastGood": "0001-01-01T00:00:00+05:00"}])
    [only] = found.items
    assert (only.point_at, only.running_since) == (None, None)
    assert (only.item, only.last_good_at, only.good, len(only.bad)) == (item(), None, only.bad, 1)


async def test_policies_judge_the_items_of_their_vault(session: Session) -> None:
    """By a daily policy a point of three days is overdue; without one it is young enough for the longest."""
    policy_id = f"{vault().id}/backupPolicies/Daily"
    session.shows(1, policy=policy_id, lastGood="2026-11-19T22:00:00Z")
    session.policies.shown[vault().key] = {"daily": BackupPolicy(schedules={"": (Daily(times=(time(22),)),)})}
    made = (await session.snapshots.snapshot(PATIENT)).made
    assert made is not None
    assert made.dashboard.unprotected == 1
    session.policies.error = AzureUnavailable("504")
    session.clock.time += timedelta(minutes=10)
    made = (await session.snapshots.snapshot(PATIENT)).made
    assert made is not None
    assert (made.dashboard.unprotected, made.dashboard.policies_unread) == (0, {vault().key: "504"})
