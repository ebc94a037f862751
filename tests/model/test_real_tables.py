"""The world again, with the real TableLedger on tables that take a write, answer 5xx, and get it again."""

import pytest

from tests.model.estate import HOUR
from tests.model.faults import Fault
from tests.model.soak import soak_one
from tests.model.tables import Tables
from tests.model.trouble import Trouble
from tests.model.world import World

_STEPS = 2000


@pytest.mark.parametrize("seed", range(1, 11))
def test_no_invariant_breaks_on_real_tables(seed: int) -> None:
    """Nor does an open incident lose its row of the index; in peace all are closed, and forgotten in time."""
    tables = Tables()
    tried = soak_one(seed, _STEPS, tables=tables)
    assert [str(found) for found in tried.found] == []
    assert tried.faults[Fault.LEDGER_5XX_WRITTEN] > 0
    assert [tables.rows[name] for name in ("open", "incidents", "journal")] == [{}, {}, {}]


def test_a_rollback_leaves_rows_as_version_0_1_0_wrote_them() -> None:
    """Its processes take the place of this version's one after the other, and back; everything goes on."""
    tables = Tables()
    world = World(1, tables=tables)
    world.deploy(is_earlier=True)
    world.run_for(HOUR)
    for item in world.items:
        Trouble(world).fail_a_backup(item)
    world.run_for(HOUR)
    rows = list(tables.rows["incidents"].values())
    world.deploy(is_earlier=False)
    world.run_for(HOUR)

    assert {row["RowKey"].partition("-")[0] for row in rows} >= {"head", "job", "step"}
    assert not any(row.keys() & {"schema", "named_jobs", "failed_at"} for row in rows)
    assert not any(worker.is_earlier for worker in world.alive())
    world.leave_in_peace()
