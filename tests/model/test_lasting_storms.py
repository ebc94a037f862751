"""Storms that last for more than a day."""

import pytest

from backup_retry.domain.notices import NoticeKind
from tests.model.lasting_storm import live_through


@pytest.mark.parametrize("seed", [1, 2])
def test_a_storm_that_lasts_a_day_is_told_once(seed: int) -> None:
    """Its items end with it, under that one message; the watch sees that no attempt too many is made."""
    world = live_through(seed)
    told = [kind for _, kind in world.watch.told]
    assert NoticeKind.EXHAUSTED not in told
    assert world.watch.outcomes["needs_action: storm"] >= 8
