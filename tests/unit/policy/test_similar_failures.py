"""Which items of a vault fail alike: each counts once, by the ends of its jobs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from backup_retry.domain.arm_ids import ProtectedItem
from backup_retry.domain.attempts import AttemptResult
from backup_retry.domain.incident import Incident
from backup_retry.domain.jobs import Job
from backup_retry.policy.similar_failures import similar_failures
from tests.builders import ENDED, PASSES, STARTED, attempt, failed, incident, item, job, minutes, vault

WINDOW = timedelta(minutes=30)


def of_item(number: int) -> Incident:
    """An open incident of a machine."""
    return incident(failure=failed(f"job-{number}", of=item(number)))


def test_items_that_fail_alike_are_counted_once_each() -> None:
    """Same vault, same code, same half hour; other codes, successes and other times do not count."""
    jobs = [job(f"job-{n}", of=item(n), started_at=STARTED + minutes(n)) for n in range(2, 7)]
    jobs += [
        job("again", of=item(2), started_at=STARTED + minutes(9)),
        job("other", of=item(8), error="Another"),
        job("early", of=item(9), started_at=STARTED - minutes(31)),
    ]
    similar = similar_failures(jobs, of_item(1), WINDOW)
    assert (similar.items, similar.ever, similar.error.label) == (6, 7, PASSES)
    assert similar.others == tuple(item(number).id for number in range(2, 7))


def called_after(node: str, name: str) -> Job:
    """A failed job of a database that its node calls after itself."""
    stand_in = ProtectedItem(vault=vault(), container=f"Unlisted;SQLDataBase;{node}", name=name)
    return replace(job(node, of=stand_in), entity_name=f"{name} [{node}]")


@pytest.mark.parametrize(
    ("others", "items"),
    [
        pytest.param([called_after("node-1", "db"), called_after("node-2", "db")], 2, id="of one database"),
        pytest.param([called_after("node-1", "db"), called_after("node-1", "other")], 3, id="of two"),
        pytest.param(
            [called_after("node-1", "vm-02"), job("own", of=item(2))], 2, id="of an item that is listed"
        ),
        pytest.param([called_after("node-1", "vm-01")], 1, id="of the incident's own, perhaps"),
    ],
)
def test_an_item_whose_nodes_have_failed_counts_once(others: list[Job], items: int) -> None:
    """Else three databases of one availability group were a storm of six, which no other item sees."""
    assert similar_failures([job(), *others], of_item(1), WINDOW).items == items


def test_what_fails_at_once_is_a_storm_whenever_it_began() -> None:
    """25 backups that began over two hours and ended in one second."""
    jobs = [
        job(f"job-{n}", of=item(n), started_at=ENDED - minutes(5 * n), ended_at=ENDED) for n in range(1, 26)
    ]
    assert similar_failures(jobs, of_item(1), WINDOW).items == 25


def test_failures_are_simultaneous_by_their_ends() -> None:
    """Azure starts a schedule's backups over two hours; what breaks them breaks them at one time."""
    spread = [
        job(f"job-{n}", of=item(n), started_at=STARTED - minutes(n * 20), ended_at=ENDED) for n in range(2, 7)
    ]
    later = [job(f"job-{n}", of=item(n), ended_at=ENDED + minutes(31)) for n in range(7, 12)]
    assert similar_failures([*spread, *later], of_item(1), WINDOW).items == 6


def test_an_items_own_failure_counts_once_whatever_its_job_is_called() -> None:
    """The list has it under another item's name, and an own retry of the item as well."""
    renamed = replace(of_item(1), attempts=(attempt(1, job_id="retry", result=AttemptResult.FAILED),))
    jobs = [job("job-1", of=item(50)), job("retry", of=item(51)), job("job-2", of=item(2))]
    assert similar_failures(jobs, renamed, WINDOW).items == 2


def test_a_failed_retry_is_no_way_out_of_a_storm() -> None:
    """The newest failure is the retry's own, an hour later; the first one was among the storm's."""
    jobs = [job(f"job-{n}", of=item(n)) for n in range(2, 30)]
    newest = failed("retry", of=item(1), started_at=STARTED + minutes(60))
    later = replace(of_item(1), failure=newest)
    assert similar_failures(jobs, later, WINDOW).items == 29


def test_what_failed_before_a_time_can_be_left_out() -> None:
    """Of eight that failed at night, four have failed again since: near the newest failure, not near the first one."""
    jobs = [job(f"job-{n}", of=item(n)) for n in range(2, 9)]
    jobs += [job(f"again-{n}", of=item(n), started_at=STARTED + minutes(240)) for n in range(2, 5)]
    newest = failed("again-1", of=item(1), started_at=STARTED + minutes(240))
    similar = similar_failures(jobs, replace(of_item(1), failure=newest), WINDOW)
    since = similar.since(STARTED + minutes(120))
    assert (similar.items, since.items) == (8, 4)
    assert since.others == tuple(item(number).id for number in range(2, 5))


def test_a_refused_trigger_is_no_way_out_of_a_storm() -> None:
    """Azure refused the retry with a code of its own; the machine's job failed with the others' code."""
    jobs = [job(f"job-{n}", of=item(n)) for n in range(1, 30)]
    refused = failed("job-1", of=item(1), error="CloudTimeoutError")
    similar = similar_failures(jobs, replace(of_item(1), failure=refused), WINDOW)
    assert (similar.items, similar.error.label) == (29, PASSES)
