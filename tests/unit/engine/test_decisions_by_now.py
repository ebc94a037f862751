"""Reading a vault takes its time: what begins meanwhile holds a retry back, too."""

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.decisions import Reason
from backup_retry.domain.facts import ItemState
from backup_retry.domain.pauses import Pause
from backup_retry.policy.hours import Hours, Window
from backup_retry.policy.rules import Rules
from tests.builders import NOW
from tests.world import World

SOON = NOW + timedelta(minutes=1)
WINDOW = Window(start=time(0), end=SOON.time())


class _SlowWorld(World):
    """A vault whose answer about an item takes two minutes."""

    def __init__(self, rules: Rules) -> None:
        super().__init__(rules)
        read = self.vaults.item

        async def slowly(item: ProtectedItem) -> ItemState | None:
            self.clock.time += timedelta(minutes=2)
            return await read(item)

        self.vaults.item = slowly  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("rules", "freeze", "reason"),
    [
        (Rules(), Pause(by="ann", why="freeze", starts=SOON), Reason.PAUSED),
        (Rules(deadline=SOON.time()), None, Reason.DEADLINE),
        (Rules(hours=Hours(windows=(WINDOW,), zone=ZoneInfo("UTC"))), None, Reason.OUTSIDE_HOURS),
    ],
)
async def test_what_begins_while_a_vault_is_read_holds_the_retry(
    rules: Rules, freeze: Pause | None, reason: Reason
) -> None:
    """A freeze that was booked for six begins at six, whatever a worker is about to do then."""
    world = _SlowWorld(rules)
    if freeze:
        await world.ledger.set_pause(freeze)
    await world.handle(world.fails())
    assert (world.attempts, (await world.incident()).reason) == ([], reason)
