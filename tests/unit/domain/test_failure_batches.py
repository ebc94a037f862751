"""Found failures in events: a hundred at most, no more than one event is billed for, read as they were written."""

import json

import pytest

from backup_retry.domain.errors import BadSignal
from backup_retry.domain.failure_batches import MOST_FAILURES, Failure, batches, read_batch
from tests.builders import item, vault

#: what Event Grid bills as one event
ONE_EVENT = 64 * 1024


def failures(number: int, padding: str = "") -> list[Failure]:
    """So many failures; the padding makes their ids longer."""
    return [
        {"jobId": f"{vault().id}/backupJobs/job-{each}{padding}", "itemId": item(each).id}
        for each in range(number)
    ]


@pytest.mark.parametrize(
    ("number", "sizes"),
    [(0, []), (1, [1]), (100, [100]), (101, [100, 1]), (250, [100, 100, 50])],
)
def test_a_batch_holds_a_hundred_failures(number: int, sizes: list[int]) -> None:
    """In their order, each once."""
    found = failures(number)
    made = list(batches(found))
    assert [len(each["failures"]) for each in made] == sizes
    assert [failure for each in made for failure in each["failures"]] == found


def test_a_batch_is_one_event_to_event_grid() -> None:
    """Long ids make for smaller batches."""
    made = list(batches(failures(100, "x" * 1000)))
    assert len(made) > 1
    assert all(len(json.dumps(each).encode()) < ONE_EVENT for each in made)
    assert sum(len(each["failures"]) for each in made) == 100


def test_a_batch_is_read_as_it_was_written() -> None:
    """Through JSON; an item that is not known stays unknown."""
    found: list[Failure] = [*failures(2), {"jobId": "job", "itemId": None}]
    (made,) = batches(found)
    assert read_batch(json.loads(json.dumps(made))) == found


@pytest.mark.parametrize("data", [None, "text", [], {}, {"jobId": "/x", "itemId": None}])
def test_what_is_no_batch_is_none(data: object) -> None:
    """An event with one failure is read as ever."""
    assert read_batch(data) is None


@pytest.mark.parametrize("wrong", [None, {}, "x", ["x"], [{}, 7], [{}] * (MOST_FAILURES + 1)])
def test_a_batch_that_cannot_be_read_is_refused(wrong: object) -> None:
    """With the field's name; nobody has to handle a million failures of a stranger's."""
    with pytest.raises(BadSignal, match=r"data\.failures"):
        read_batch({"failures": wrong})
