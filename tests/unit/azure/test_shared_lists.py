"""Lists of jobs that many share: each that is too long for one look comes to its end, whoever asks besides."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

import pytest

from backup_retry.azure.listing import ListTooLong, Reading
from backup_retry.azure.shared_reads import SharedLists
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureUnavailable
from tests.clock import Clock
from tests.failures import VAULT

FOLLOW_UP = timedelta(minutes=5)
PAGES_AT_ONCE = 150
DAY = timedelta(days=1)


class LongLists:
    """Vaults with so many pages of jobs, of which a look reads so many."""

    def __init__(self, pages: int, at_once: int = PAGES_AT_ONCE) -> None:
        self.clock, self.pages, self.at_once = Clock(), pages, at_once
        self.lists = SharedLists(self.clock, read=self._read, freshen=self._freshen)
        self.may_end = asyncio.Event()
        self.may_end.set()

    async def follow_ups(self, number: int, asked: Iterable[tuple[Vault, timedelta]]) -> list[int]:
        """How often each of those who ask is answered in so many follow-ups."""
        answered = [0 for _ in asked]
        for _ in range(number):
            began = self.clock()
            for each, (vault, back) in enumerate(asked):
                try:
                    await self.lists.get(vault, began - back, began)
                    answered[each] += 1
                except AzureUnavailable:
                    pass
            self.clock.time = began + FOLLOW_UP
        return answered

    async def _read(self, reading: Reading) -> None:
        for _ in range(self.at_once):
            reading.taken += 1
            if reading.taken >= self.pages:
                reading.done = True
                return
        await self.may_end.wait()
        raise ListTooLong("more")

    async def _freshen(self, reading: Reading) -> None:
        pass


def vaults(number: int) -> list[Vault]:
    """So many vaults."""
    names = [f"vault-{each}" for each in range(number)]
    return [Vault(subscription=VAULT.subscription, resource_group="rg", name=name) for name in names]


async def test_a_long_list_rests_for_a_minute_by_any_clock() -> None:
    """Not until one that has been set back is there again."""
    long = LongLists(pages=400)
    with pytest.raises(ListTooLong):
        await long.lists.get(VAULT, long.clock() - 3 * DAY, long.clock())
    long.clock.time -= DAY
    assert await long.follow_ups(2, [(VAULT, DAY)]) == [1]


@pytest.mark.parametrize("number", [1, 2, 3, 8])
async def test_however_many_vaults_have_long_lists_each_is_read_to_its_end(number: int) -> None:
    """What has been read of one is not thrown away for the next one's, over and over."""
    answered = await LongLists(pages=400).follow_ups(40, [(vault, 3 * DAY) for vault in vaults(number)])
    assert all(answered)


async def test_who_needs_an_earlier_part_than_others_is_answered_as_well() -> None:
    """The next list begins where somebody has asked for it who was told to come again."""
    assert all(await LongLists(pages=200).follow_ups(12, [(VAULT, 3 * DAY), (VAULT, 14 * DAY)]))


async def test_whoever_had_no_time_for_the_end_leaves_what_was_read_to_the_next() -> None:
    """An alert has seconds; many of them in a row must not have the list begun anew each time."""
    long = LongLists(pages=200, at_once=50)
    long.may_end.clear()
    for _ in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await long.lists.get(VAULT, long.clock() - DAY, long.clock())
        long.clock.move(minutes=5)
    assert (await long.lists.get(VAULT, long.clock() - DAY, long.clock())).read_at == long.clock()


async def test_a_few_pages_that_somebody_had_no_time_for_are_read_anew_at_once() -> None:
    """The event that hands the signal on comes within seconds, and must not be told to wait for a minute."""
    short = LongLists(pages=4, at_once=3)
    short.may_end.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await short.lists.get(VAULT, short.clock() - 2 * DAY, short.clock())
    short.at_once = 4
    assert (await short.lists.get(VAULT, short.clock() - 2 * DAY, short.clock())).read_at == short.clock()


async def test_a_list_from_before_the_clock_was_set_back_serves_nobody() -> None:
    """Its time lies ahead, so that it would look newer than a claim that was made after it."""
    short = LongLists(pages=1)
    await short.lists.get(VAULT, short.clock() - 2 * DAY, short.clock())
    short.clock.time -= timedelta(minutes=30)
    now = short.clock()
    assert (await short.lists.get(VAULT, now - DAY, now)).read_at == now
