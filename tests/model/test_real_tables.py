"""The world again, with the real TableLedger on tables that take a write, answer 5xx, and get it again."""

import pytest

from tests.model.faults import Fault
from tests.model.soak import soak_one
from tests.model.tables import Tables

_STEPS = 2000


@pytest.mark.parametrize("seed", range(1, 11))
def test_no_invariant_breaks_on_real_tables(seed: int) -> None:
    """Nor does an open incident lose its row of the index; in peace all are closed, and forgotten in time."""
    tables = Tables()
    tried = soak_one(seed, _STEPS, tables=tables)
    assert [str(found) for found in tried.found] == []
    assert tried.faults[Fault.LEDGER_5XX_WRITTEN] > 0
    assert [tables.rows[name] for name in ("open", "incidents", "journal")] == [{}, {}, {}]
