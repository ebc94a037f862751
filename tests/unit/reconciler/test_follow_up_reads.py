"""What a follow-up reads where few reads are left of Azure's hourly quota."""

import pytest

from reconciler.follow_up import FollowUp
from tests.world import World


def follow_up(world: World, *, few_reads: bool) -> FollowUp:
    """A follow-up on the world's ledger."""
    return FollowUp(
        ledger=world.ledger,
        engine=world.engine,
        controls=world.ledger,
        clock=world.clock,
        reads_are_low=lambda _: few_reads,
    )


async def test_where_few_reads_are_left_a_vault_is_followed_up_every_quarter_of_an_hour(world: World) -> None:
    """The reads are for new failures then; with enough of them each turn looks at every vault."""
    await world.handle(world.fails())
    few = follow_up(world, few_reads=True)
    looked = []
    for _ in range(6):
        world.clock.move(minutes=5)
        looked.append((await few.run()).due)
    assert sorted(looked[:3]) == sorted(looked[3:]) == [0, 0, 1]
    assert (await follow_up(world, few_reads=False).run()).due == 1


@pytest.mark.parametrize("start", [0, 5, 10])
async def test_where_few_reads_are_left_a_retry_that_has_just_begun_is_not_looked_at(
    world: World, start: int
) -> None:
    """Whosever turn it is: its job is not on what was read of the vault before, and no backup is that quick."""
    world.clock.move(minutes=start)
    await world.handle(world.fails())
    assert (await follow_up(world, few_reads=True).run()).due == 0
    assert (await follow_up(world, few_reads=False).run()).due == 1
