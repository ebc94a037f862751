"""Rows as version 0.1.0 would have written them, whatever this version writes: what a rollback leaves in the tables.

Its columns are those of the fixture. It dated what it had weighed, and an incident's first failure, by beginnings.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from backup_retry.azure.table_columns import written
from tests.model.agenda import START
from tests.model.true_jobs import TrueJob
from tests.stored_rows import FIRST, stored

#: columns that it wrote only where there was something to say, which the fixture has nowhere
_AT_TIMES = frozenset({"last_good_at", "error_retryable", "first_error_retryable"})


def as_0_1_0(table: str, row: Mapping[str, Any], jobs: Sequence[TrueJob]) -> dict[str, Any]:
    """The row with the columns that version 0.1.0 knew; `jobs` are those that its times may be of."""
    known = _columns().get(_kind(table, row))
    if known is None:  # it wrote no such rows
        return dict(row)
    old = {name: value for name, value in row.items() if name in known | _AT_TIMES}
    began = {_at(job.ends_at): _at(job.started_at) for job in jobs}
    if "weighed_before" in old:
        weighed = json.loads(old["weighed_before"])
        old["weighed_before"] = json.dumps({rank: began.get(at, at) for rank, at in weighed.items()})
    if "first_failed_at" in old:
        old["first_failed_at"] = began.get(old["first_failed_at"], old["first_failed_at"])
    if "write" in old:
        old["write"] = old["write"].split()[0]
    return old


@cache
def _columns() -> Mapping[tuple[str, str], set[str]]:
    known: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table, row in stored(FIRST):
        known[_kind(table, row)] |= set(row)
    return known


def _kind(table: str, row: Mapping[str, Any]) -> tuple[str, str]:
    """What a row is: its table, and in those of several kinds how its key begins."""
    return table, row["RowKey"].partition("-")[0] if table in {"incidents", "control"} else ""


def _at(seconds: float) -> str:
    return written(START + timedelta(seconds=seconds))
