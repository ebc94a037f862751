"""The daily summary: once a day, what recovered, what needs a person, what is chronic, and how the sweeps are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backup_retry.domain.decisions import Close, Outcome, Reason
from backup_retry.domain.errors import AzureUnavailable
from backup_retry.domain.notices import NoticeKind
from backup_retry.domain.protected_days import ProtectionCount
from backup_retry.domain.protection import Protection
from backup_retry.ports.publisher import MemoryPublisher
from backup_retry.ports.reports import MemoryReports
from backup_retry.settings.loading import load_settings
from reconciler.daily_summary import DailySummary
from tests.builders import NOW, failed, incident, item
from tests.clock import Clock


class Days:
    """A ledger with incidents of some days, and the summary of it."""

    def __init__(self) -> None:
        self.ledger = MemoryReports()
        self.clock = Clock()
        self.publisher = MemoryPublisher()
        self.summary = DailySummary(
            reports=self.ledger,
            controls=self.ledger,
            settings=load_settings({"ledger_endpoint": "https://ledger.test"}),
            clock=self.clock,
            publisher=self.publisher,
        )

    async def closed(self, number: int, outcome: Outcome, *, hours_ago: float = 1) -> None:
        """An item's incident was closed so."""
        at = NOW - timedelta(hours=hours_ago)
        before = (await self.ledger.load(item(number))).incident
        version = before.version if before else ""
        opened = replace(
            incident(failure=failed(of=item(number))), id=f"{number}-{hours_ago}", version=version
        )
        await self.ledger.save(opened.closed(Close(outcome=outcome, reason=Reason.EXHAUSTED), at))

    async def sent(self) -> list[dict[str, Any]]:
        """What has been published by now."""
        await self.summary.send(await self.ledger.open_incidents())
        return [each.data for each in self.publisher.sent if each.kind is NoticeKind.DAILY_SUMMARY]


@pytest.fixture
def days() -> Days:
    """A quiet day."""
    return Days()


async def test_a_day_is_told_in_numbers(days: Days) -> None:
    """What recovered, by us or otherwise, and which items need a person; what is older is not of the day."""
    await days.closed(1, Outcome.RECOVERED)
    await days.closed(2, Outcome.RECOVERED_ELSEWHERE)
    await days.closed(3, Outcome.NEEDS_ACTION)
    await days.closed(4, Outcome.LEFT_ALONE)
    await days.closed(5, Outcome.EXHAUSTED, hours_ago=30)
    await days.ledger.beat("sweep", NOW - timedelta(hours=9))
    await days.ledger.beat("sweep-look_back", NOW - timedelta(minutes=40))
    [data] = await days.sent()
    assert (data["day"], data["recovered"], data["byUs"]) == ("2026-11-22", 2, 1)
    assert (data["needsAction"], data["items"]) == (1, [item(3).id])
    assert (data["open"], data["chronic"]) == (0, 0)
    sweeps = [("sweep", "well"), ("sweep look_back", "well")]
    assert [(each["name"], each["state"]) for each in data["sweeps"]] == sweeps


async def test_an_item_that_recovered_since_needs_nobody(days: Days) -> None:
    """Its newest incident counts."""
    await days.closed(1, Outcome.NEEDS_ACTION, hours_ago=5)
    await days.closed(1, Outcome.RECOVERED, hours_ago=1)
    [data] = await days.sent()
    assert data["needsAction"] == 0


async def test_an_open_incident_that_waits_for_a_person_is_counted(days: Days) -> None:
    """A vault that must not be read, a job that never ends."""
    await days.ledger.save(replace(incident(failure=failed(of=item(1))), told_of=("in_progress",)))
    await days.ledger.save(incident(failure=failed(of=item(2))))
    [data] = await days.sent()
    assert (data["open"], data["items"]) == (2, [item(1).id])


@pytest.mark.parametrize(
    ("hours_ago", "chronic"), [((1, 25, 49), 1), ((1, 25), 0), ((1, 49, 73), 0), ((1, 2, 3), 0)]
)
async def test_three_exhausted_nights_in_a_row_are_chronic(
    days: Days, hours_ago: tuple[int, ...], chronic: int
) -> None:
    """One in each of the last three days."""
    for each in hours_ago:
        await days.closed(1, Outcome.EXHAUSTED, hours_ago=each)
    [data] = await days.sent()
    assert data["chronic"] == chronic


async def test_it_comes_once_a_day(days: Days) -> None:
    """With the first follow-up after seven in the morning, UTC."""
    days.clock.move(hours=-8)
    assert await days.sent() == []
    days.clock.move(hours=1)
    for _ in range(30):
        await days.sent()
        days.clock.move(hours=1)
    assert [each["day"] for each in await days.sent()] == ["2026-11-22", "2026-11-23"]


async def test_one_that_could_not_be_sent_comes_later_and_is_the_same(days: Days) -> None:
    """The topic did not answer, or the worker died before it could write that down."""
    days.publisher.error = AzureUnavailable("the topic does not answer")
    unsent = await days.summary.send([])
    assert unsent is not None
    assert (unsent.answer, unsent.notice.at) == ("the topic does not answer", NOW)
    days.publisher.error = None
    await days.sent()
    days.ledger._beats.clear()
    await days.sent()
    assert len(days.publisher.sent) == 2
    assert len({each.id for each in days.publisher.sent}) == 1


async def test_one_that_could_not_be_sent_waits_since_it_was_due(days: Days) -> None:
    """And not since the newest try."""
    await days.sent()
    days.publisher.error = AzureUnavailable("the topic does not answer")
    days.clock.move(days=1)
    unsent = await days.summary.send([])
    assert unsent is not None
    assert unsent.notice.at == datetime(2026, 11, 23, 7, tzinfo=UTC)


async def test_what_is_not_protected_is_told(days: Days) -> None:
    """As the last sweep counted it; before the first one nobody knows."""
    [data] = await days.sent()
    assert (data["unprotected"], data["overdue"]) == (None, None)
    counted = {
        Protection.OVERDUE: 2,
        Protection.NEVER: 1,
        Protection.ACTION_REQUIRED: 4,
        Protection.PROTECTED: 9,
    }
    days.ledger.protection = ProtectionCount(at=NOW, states=counted)
    days.clock.move(days=1)
    [_, data] = await days.sent()
    assert (data["unprotected"], data["overdue"]) == (7, 3)
