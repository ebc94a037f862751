"""The inbox: one suite for the fake and for Table Storage."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
import pytest_asyncio

from backup_retry.azure.table_inbox import TableInbox
from backup_retry.ports.inbox import DeferredSignal, Inbox, MemoryInbox, Waiting
from tests.clock import Clock
from tests.failures import VAULT
from tests.table_storage import Tables

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALERT = {"vault": VAULT.id, "job": "job-1", "label": 'an alert with "quotes" and ümlauts'}
OTHER = {**ALERT, "job": "job-2"}


@pytest_asyncio.fixture(params=["memory", "tables"], loop_scope="module")
async def inbox(request: pytest.FixtureRequest, tables: Tables) -> AsyncIterator[tuple[Inbox, Clock]]:
    """An empty inbox of each kind, with its clock."""
    store = (
        MemoryInbox(tables.clock) if request.param == "memory" else TableInbox(tables.service, tables.clock)
    )
    yield store, tables.clock
    for each in await store.due(1000):
        await store.forget(each)


async def test_what_is_kept_is_found(inbox: tuple[Inbox, Clock]) -> None:
    """As it was given, with the time."""
    store, clock = inbox
    await store.add(ALERT)
    assert await store.due(10) == [DeferredSignal(kept_at=clock(), fields=ALERT)]


async def test_the_same_signal_is_kept_once(inbox: tuple[Inbox, Clock]) -> None:
    """With the time at which it came first: it is not to wait for ever."""
    store, clock = inbox
    came = clock()
    await store.add(ALERT)
    clock.move(minutes=5)
    await store.add(dict(reversed(ALERT.items())))
    assert [each.kept_at for each in await store.due(10)] == [came]


async def test_one_is_found_by_its_key(inbox: tuple[Inbox, Clock]) -> None:
    """Due or not, and fenced as one of those that are due."""
    store, clock = inbox
    await store.add(ALERT)
    [waits] = await store.due(10)
    found = await store.find(waits.key)
    assert (found, found and found.version) == (waits, waits.version)
    await store.defer(replace(waits, looks=1, due=clock() + timedelta(minutes=5)))
    later = await store.find(waits.key)
    assert later is not None
    assert later.looked_into
    await store.forget(later)
    assert await store.find(waits.key) is None


async def test_no_more_are_given_than_asked_for(inbox: tuple[Inbox, Clock]) -> None:
    """A run takes what it can do."""
    store, _ = inbox
    await store.add(ALERT)
    await store.add(OTHER)
    assert len(await store.due(1)) == 1
    assert {each.fields["job"] for each in await store.due(10)} == {"job-1", "job-2"}


async def test_those_that_wait_are_counted(inbox: tuple[Inbox, Clock]) -> None:
    """Up to a number, and with the time of the oldest."""
    store, clock = inbox
    assert await store.waiting(10) == Waiting()
    came = clock()
    await store.add(ALERT)
    clock.move(minutes=5)
    await store.add(OTHER)
    assert await store.waiting(10) == Waiting(number=2, since=came)
    counted = await store.waiting(1)
    assert (counted.number, counted.or_more) == (1, True)


@pytest.mark.parametrize(
    ("number", "or_more", "said"),
    [
        (1, False, "1 deferred alert"),
        (3, False, "3 deferred alerts"),
        (1000, True, "1,000 or more deferred alerts"),
    ],
)
async def test_how_many_wait_is_said_in_words(number: int, or_more: bool, said: str) -> None:
    """One, some, or more than were counted."""
    assert str(Waiting(number=number, or_more=or_more)) == said


async def test_what_is_forgotten_is_gone(inbox: tuple[Inbox, Clock]) -> None:
    """And may be forgotten twice: two timers can have it in hand."""
    store, clock = inbox
    await store.add(ALERT)
    await store.add(OTHER)
    gone = DeferredSignal(kept_at=clock() - timedelta(days=1), fields=ALERT)
    await store.forget(gone)
    await store.forget(gone)
    assert [each.fields for each in await store.due(10)] == [OTHER]


async def test_what_is_deferred_is_due_later(inbox: tuple[Inbox, Clock]) -> None:
    """With all that is known of the looks in vain; it still counts as waiting."""
    store, clock = inbox
    await store.add(ALERT)
    [in_hand] = await store.due(10)
    later = replace(in_hand, looks=3, why="no answer", due=clock() + timedelta(minutes=5), told_at=clock())
    await store.defer(later)
    assert (await store.due(10), (await store.waiting(10)).number) == ([], 1)
    clock.move(minutes=5)
    assert await store.due(10) == [later]


async def test_what_comes_again_while_it_is_deferred_is_due_at_once(inbox: tuple[Inbox, Clock]) -> None:
    """It may tell of a failure that the look was too early for; what is deferred already stays so."""
    store, clock = inbox
    await store.add(ALERT)
    [in_hand] = await store.due(10)
    await store.add(ALERT)
    await store.defer(replace(in_hand, looks=1, due=clock() + timedelta(minutes=5)))
    [again] = await store.due(10)
    assert again == in_hand
    await store.defer(replace(again, looks=1, due=clock() + timedelta(minutes=5)))
    await store.add(ALERT)
    assert await store.due(10) == []
    clock.move(minutes=5)


async def test_what_is_gone_is_not_deferred(inbox: tuple[Inbox, Clock]) -> None:
    """Another timer has looked into it meanwhile."""
    store, _ = inbox
    await store.add(ALERT)
    [in_hand] = await store.due(10)
    await store.forget(in_hand)
    await store.defer(replace(in_hand, looks=1))
    assert await store.due(10) == []


async def test_what_comes_again_while_it_is_looked_into_goes_on_waiting(inbox: tuple[Inbox, Clock]) -> None:
    """It may tell of a failure that the look was too early for."""
    store, _ = inbox
    await store.add(ALERT)
    [in_hand] = await store.due(10)
    await store.add(ALERT)
    await store.forget(in_hand)
    [again] = await store.due(10)
    await store.forget(again)
    assert (again, await store.due(10)) == (in_hand, [])
