"""Sweep profiles: each looks where it is told to, with a horizon of its own."""

import pytest

from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.ledger import Beat
from backup_retry.settings.sweep_profile import look_back
from tests.builders import NOW, OTHER_SUBSCRIPTION, SUBSCRIPTION, item, vault
from tests.sweep_world import DAY, HOUR, Graph, profile, row, sweep
from tests.world import World

# ---- profiles ---------------------------------------------------------------------------------------------------


async def test_each_profile_has_a_horizon_of_its_own(world: World) -> None:
    """A short hourly look must not make the daily one forget what it has not seen."""
    await world.ledger.beat(Beat.SWEEP, NOW - 3 * DAY)

    report = await sweep(world, Graph(), profile=profile(lookback="2h")).run()

    assert report.since == NOW - 2 * HOUR
    assert await world.ledger.last_beat("sweep-hourly") == NOW
    await sweep(world, Graph({}), profile=profile()).run()
    assert await world.ledger.last_beat("incomplete-sweep-hourly") == NOW
    assert await world.ledger.last_beat(Beat.INCOMPLETE_SWEEP) is None
    assert await world.ledger.last_beat(Beat.SWEEP) == NOW - 3 * DAY


@pytest.mark.parametrize(
    ("narrowed", "handled"),
    [
        ({"vaults": "vault-1"}, 1),
        ({"vaults": "!vault-1"}, 1),
        ({"subscriptions": SUBSCRIPTION}, 2),
        ({"subscriptions": OTHER_SUBSCRIPTION}, 0),
        ({"workloads": "VM"}, 2),
        ({"workloads": ["AzureFileShare"]}, 0),
    ],
)
async def test_a_profile_looks_only_where_it_is_told_to(
    world: World, narrowed: dict[str, object], handled: int
) -> None:
    """What it leaves out is no problem: another sweep looks there."""
    vaults = [vault("vault-1"), vault("vault-2")]
    for number, each in enumerate(vaults):
        world.fails(f"job-{number}", of=item(number, of=each))
    graph = Graph(*(row(number, of=each) for number, each in enumerate(vaults)))

    report = await sweep(world, graph, profile=profile(**narrowed)).run()

    assert (len(world.attempts), report.complete) == (handled, True)


async def test_a_profile_cannot_widen_the_apps_scope(world: World) -> None:
    """SCOPE_VAULTS refuses what the profile names."""
    world.fails("job-1", of=item(1))
    refusing = Scope(vaults=Names(patterns=("!vault-1",)))

    await sweep(world, Graph(row(1)), refusing, profile=profile(vaults="vault-1")).run()

    assert world.attempts == []


# ---- the look back of each hour ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("complete_hours_ago", "reaches"),
    [
        (1, 2),
        # It missed some turns, or was not complete: an hour of overlap is added.
        (5, 6),
        # What it could not see for a day is the daily sweep's: each hour it has to stay a light one.
        (24 * 9, 24),
    ],
)
async def test_the_look_back_reaches_two_hours_back_and_a_day_at_most(
    world: World, complete_hours_ago: int, reaches: int
) -> None:
    """By a heartbeat of its own, with one query and no call to a vault where nothing is found."""
    await world.ledger.beat("sweep-look_back", NOW - complete_hours_ago * HOUR)
    graph = Graph()

    report = await sweep(world, graph, profile=look_back()).run()

    assert report.since == NOW - reaches * HOUR
    assert (len(graph.queries), world.vaults.listed) == (1, [])
    assert await world.ledger.last_beat("sweep-look_back") == NOW
    assert await world.ledger.last_beat(Beat.SWEEP) is None
