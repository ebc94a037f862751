"""Found failures on their way through Event Grid, many in one event: written by the sweep, read by the reactor.

The data of a `BackupRetry.FailureFound` with many is `{"failures": [{"jobId": ARM id, "itemId": ARM id or null}, …]}`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from backup_retry.domain.errors import BadSignal

#: our own event: somebody found a failure, its data names a job or an item, or holds a batch of them
FAILURE_FOUND = "BackupRetry.FailureFound"
MOST_FAILURES = 100
#: Event Grid bills an event by 64 KB; what is around the data takes less than 4
# https://learn.microsoft.com/azure/event-grid/quotas-limits
_MOST_BYTES = 60 * 1024
_REMEDY = f"Send at most {MOST_FAILURES} objects with jobId and itemId."

Failure = Mapping[str, str | None]


def batches(failures: Iterable[Failure]) -> Iterator[dict[str, list[Failure]]]:
    """The data of as many events as it takes, in the order of the failures."""
    batch: list[Failure] = []
    size = 0
    for each in failures:
        bytes_of_it = len(json.dumps(each).encode()) + 2
        if batch and (len(batch) == MOST_FAILURES or size + bytes_of_it > _MOST_BYTES):
            yield {"failures": batch}
            batch, size = [], 0
        batch.append(each)
        size += bytes_of_it
    if batch:
        yield {"failures": batch}


def read_batch(data: object) -> Sequence[Mapping[str, Any]] | None:
    """What each failure of a batch says, to be read as the data of an event with one; None: this is no batch.

    Raises:
        BadSignal: it is one that cannot be read.
    """
    if not isinstance(data, Mapping) or "failures" not in data:
        return None
    failures = data["failures"]
    if not isinstance(failures, list) or not all(isinstance(each, Mapping) for each in failures):
        raise BadSignal("is not a list of objects.", where="data.failures", remedy=_REMEDY)
    if len(failures) > MOST_FAILURES:
        raise BadSignal(f"are {len(failures)}.", where="data.failures", remedy=_REMEDY)
    return failures
