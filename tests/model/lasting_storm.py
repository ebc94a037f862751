"""A world with a storm that lasts for more than a day, in which workers die and answers are lost."""

from datetime import datetime
from itertools import pairwise

from backup_retry.policy.storm import LONGEST_STORM
from tests.model.estate import DAY, HOUR, MINUTE, Estate, drawn_rules
from tests.model.faults import dice
from tests.model.invariants import Violation
from tests.model.trouble import Trouble
from tests.model.true_jobs import PASSING
from tests.model.world import World

_LASTS = DAY + 2 * HOUR


def live_through(seed: int) -> World:
    """A vault of twelve machines whose backups and retries all fail for 26 hours, and the peace after it.

    Raises Violation where an invariant breaks, or where the storm was not told.
    """
    estate = Estate(vaults=1, databases=0, items=12, workers=3, scheduled=0.0, completes=0.9)
    world = World(seed, estate, drawn_rules(dice(seed)))
    trouble, vault = Trouble(world), world.items[0].vault
    world.weather.error[vault.key], world.weather.over_at[vault.key] = PASSING[0], _LASTS
    for item in world.items:
        begins = world.random.uniform(0, 5 * MINUTE)
        world.agenda.at(begins, lambda item=item: trouble.fail_a_backup(item, PASSING[0]))  # type: ignore[misc]
    for hour in range(1, 26, 3):
        world.agenda.at(hour * HOUR, trouble.kill_a_worker)
    world.run_for(_LASTS)
    world.leave_in_peace()
    told = sorted(datetime.fromisoformat(began) for began, _ in world.watch.storm_messages.told)
    # What still fails after a storm's end, a day after its beginning, is another storm, and may be told again.
    if not told or any(later - earlier < LONGEST_STORM for earlier, later in pairwise(told)):
        raise Violation(f"invariant 5: {world.watch.storm_messages.told} was told of a storm of a day")
    return world
