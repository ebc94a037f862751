"""The protection of a vault's items: read one by one, or all by one list."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from backup_retry.azure.shared_reads import SharedItems
from backup_retry.domain.arm_ids import Vault
from backup_retry.domain.errors import AzureUnavailable, BackupRetryError, Forbidden, Throttled
from backup_retry.domain.facts import ItemState
from tests.builders import item, vault
from tests.clock import Clock

MINUTE = timedelta(minutes=1)


class Lists:
    """A vault's lists of items, which take so long."""

    def __init__(
        self, clock: Clock, *, takes: timedelta = timedelta(0), refuses: BackupRetryError | None = None
    ) -> None:
        self.clock, self.takes, self.refuses = clock, takes, refuses
        self.read = 0

    async def __call__(self, asked: Vault) -> Sequence[object]:
        """Every item of the vault but the tenth."""
        self.read += 1
        await asyncio.sleep(0)
        self.clock.time += self.takes
        if self.refuses:
            raise self.refuses
        return [{"id": item(number, of=asked).id, "properties": {}} for number in range(1, 10)]


def shared(clock: Clock, lists: Lists, *, few_reads: bool = False) -> SharedItems:
    """What is read of the vault's items, from these lists."""
    return SharedItems(
        clock, lambda _: few_reads, list_all=lists, read=lambda _: ItemState(protection_state="Protected")
    )


@pytest.mark.parametrize(
    ("few_reads", "asked_for", "read"),
    [
        (False, [1, 2], 0),
        (False, [1, 1, 2, 2], 0),
        (False, [1, 2, 3, 4, 1], 1),
        (True, [1], 1),
        (True, [1, 2, 3], 1),
    ],
)
async def test_the_third_item_of_a_minute_is_read_with_all_others(
    few_reads: bool, asked_for: list[int], read: int
) -> None:
    """While few reads are left the first is, since others may follow."""
    clock = Clock()
    lists = Lists(clock)
    items = shared(clock, lists, few_reads=few_reads)
    found = [await items.state(item(number)) for number in asked_for]
    assert lists.read == read
    assert (found[-1] is not None) == bool(read)


@pytest.mark.parametrize(
    "refuses",
    [
        None,
        Forbidden("no permission to list"),
        Throttled("few reads are left"),
        AzureUnavailable("no answer"),
    ],
)
async def test_an_item_that_the_list_lacks_is_read_by_itself(refuses: BackupRetryError | None) -> None:
    """So is every item of a vault whose list cannot be read; that is not asked for again within the minute."""
    clock = Clock()
    lists = Lists(clock, refuses=refuses)
    items = shared(clock, lists)
    assert [await items.state(item(number)) for number in (1, 2, 10, 10)] == [None] * 4
    assert lists.read == 1


async def test_vaults_are_listed_by_themselves() -> None:
    """Two items in each of two vaults are four single reads."""
    clock = Clock()
    lists = Lists(clock)
    items = shared(clock, lists)
    for number in (1, 2):
        for name in ("vault-1", "vault-2"):
            assert await items.state(item(number, of=vault(name))) is None
    assert lists.read == 0


async def test_what_is_older_than_a_minute_serves_nobody() -> None:
    """Nor does it whoever has waited for it: its age counts when it is used, not when it was asked for."""
    clock = Clock()
    lists = Lists(clock, takes=2 * MINUTE)
    items = shared(clock, lists, few_reads=True)
    found = await asyncio.gather(*(items.state(item(1)) for _ in range(3)))
    assert all(found)
    assert lists.read == 3
    clock.time += MINUTE
    await items.state(item(1))
    assert lists.read == 4


async def test_a_list_that_does_not_come_is_waited_for_once() -> None:
    """Not by one after the other of those who have waited for it."""
    clock = Clock()
    lists = Lists(clock, takes=2 * MINUTE, refuses=AzureUnavailable("no answer"))
    items = shared(clock, lists, few_reads=True)
    assert await asyncio.gather(*(items.state(item(1)) for _ in range(3))) == [None] * 3
    assert lists.read == 1


async def test_a_list_from_before_the_clock_was_set_back_is_read_again() -> None:
    """It would serve until the clock is there again, whatever has changed in the vault."""
    clock = Clock()
    lists = Lists(clock)
    items = shared(clock, lists, few_reads=True)
    await items.state(item(1))
    clock.time -= timedelta(hours=1)
    await items.state(item(1))
    assert lists.read == 2
