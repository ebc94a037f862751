"""Sweep profiles: each looks where it is told to, with a horizon of its own."""

import pytest

from backup_retry.policy.scope import Names, Scope
from backup_retry.ports.ledger import Beat
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
